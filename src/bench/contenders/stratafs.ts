// stratafs itself, started by its command line. The index is made before the measurements.
import type { Contender, UpperPlace } from '../contender.ts';
import { mountByProgram } from '../mounting.ts';

export interface StratafsVariant {
  readonly name: string;
  readonly summary: string;
  /** Values of `-o`. */
  readonly options: readonly string[];
}

export function stratafs({ name, summary, options }: StratafsVariant): Contender {
  return {
    name,
    summary,
    serves: ['metadata', 'content', 'changes'],
    // A failing mount reports what is missing.
    lack: () => Promise.resolve(undefined),
    version: async ({ processes, stratafs: command }) =>
      (await processes.run([...command, '--version'])).toString().trim(),
    prepare: async ({ processes, stratafs: command, cacheDirectory }, stack) => {
      const env = { XDG_CACHE_HOME: cacheDirectory };
      const image = [...(stack.platform === undefined ? [] : ['--platform', stack.platform]), stack.source];
      await processes.run([...command, 'index', ...image], { env });
      return {
        mount: (place: string, upper?: UpperPlace) => {
          const writes = upper === undefined ? [] : [`upperdir=${upper.upper}`, `workdir=${upper.work}`];
          const list = [...options, ...writes].join(',');
          const argv = [...command, 'mount', ...(list === '' ? [] : ['-o', list]), ...image, place];
          return mountByProgram(processes, argv, place, { env, daemon: true });
        },
      };
    },
  };
}
