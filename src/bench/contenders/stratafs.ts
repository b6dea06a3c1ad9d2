// stratafs itself, started by its command line. The index is made before the measurements.
import type { Contender, UpperPlace } from '../contender.ts';
import { mountedByCommand } from '../mounting.ts';
import type { OperationFamily } from '../operations.ts';
import type { Scratch } from '../scratch.ts';

export interface StratafsVariant {
  readonly name: string;
  readonly summary: string;
  /** Values of `-o`. */
  readonly options: readonly string[];
  /** By default all. */
  readonly serves?: readonly OperationFamily[];
  /** True: mounts that are not written to have an empty upper too; by default they are read-only. */
  readonly isAlwaysWritable?: boolean;
  readonly needsRoot?: boolean;
  /** True: the layers are compressed by gzip; by default they are as the image has them. */
  readonly isGzipped?: boolean;
}

const everything: readonly OperationFamily[] = ['metadata', 'content', 'changes', 'mounts'];

export function stratafs(variant: StratafsVariant): Contender {
  const {
    name,
    summary,
    options,
    serves = everything,
    isAlwaysWritable = false,
    needsRoot = false,
    isGzipped = false,
  } = variant;
  return {
    name,
    summary,
    serves,
    // A failing mount reports anything else that is missing.
    lack: () =>
      Promise.resolve(
        needsRoot && process.geteuid?.() !== 0
          ? { reason: 'only root can mount it', remedy: 'run the bench as root' }
          : undefined,
      ),
    version: async ({ processes, stratafs: command }) =>
      (await processes.run([...command, '--version'])).toString().trim(),
    prepare: async ({ processes, scratch, stratafs: command, cacheDirectory }, stack) => {
      const env = { XDG_CACHE_HOME: cacheDirectory };
      const platform = stack.platform === undefined ? [] : ['--platform', stack.platform];
      const image = isGzipped ? [await stack.gzipped()] : [...platform, stack.source];
      await processes.run([...command, 'index', ...image], { env });
      return mountedByCommand(processes, async (place, requested) => {
        const upper = requested ?? (isAlwaysWritable ? await makeEmptyUpper(scratch) : undefined);
        const writes = upper === undefined ? [] : [`upperdir=${upper.upper}`, `workdir=${upper.work}`];
        const list = [...options, ...writes].join(',');
        const argv = [...command, 'mount', ...(list === '' ? [] : ['-o', list]), ...image, place];
        return { argv, env, hasDaemon: true };
      });
    },
  };
}

/** It stays until the end of the run: nothing is written to it. */
async function makeEmptyUpper(scratch: Scratch): Promise<UpperPlace> {
  return { upper: await scratch.fresh('upper'), work: await scratch.fresh('work'), touched: [] };
}
