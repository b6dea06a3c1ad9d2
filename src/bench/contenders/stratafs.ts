// stratafs itself: the command, as a user calls it. Its index is made before anything is measured.
import type { Contender, PreparedContender, UpperPlace, Workshop } from '../contender.ts';
import { mountByProgram } from '../mounting.ts';

export interface StratafsVariant {
  readonly name: string;
  readonly summary: string;
  /** For `-o`. */
  readonly options: readonly string[];
}

export function stratafs({ name, summary, options }: StratafsVariant): Contender {
  return {
    name,
    summary,
    isWritable: true,
    lack: () => Promise.resolve(undefined),
    version: async ({ processes, stratafs: command }) =>
      (await processes.run([...command, '--version'])).toString().trim(),
    prepare: async (workshop, stack) => {
      const { processes, stratafs: command } = workshop;
      const env = { XDG_CACHE_HOME: workshop.cacheDirectory };
      const image = [...(stack.platform === undefined ? [] : ['--platform', stack.platform]), stack.source];
      await processes.run([...command, 'index', ...image], { env });
      return { mount: mounter(workshop, options, image, env) };
    },
  };
}

function mounter(
  { processes, stratafs: command }: Workshop,
  options: readonly string[],
  image: readonly string[],
  env: NodeJS.ProcessEnv,
): PreparedContender['mount'] {
  return (place: string, upper?: UpperPlace) => {
    const writes = upper === undefined ? [] : [`upperdir=${upper.upper}`, `workdir=${upper.work}`];
    const list = [...options, ...writes];
    const flags = list.length === 0 ? [] : ['-o', list.join(',')];
    const argv = [...command, 'mount', ...flags, ...image, place];
    return mountByProgram(processes, argv, place, { env, daemon: true });
  };
}
