// The lower bound: the tree as plain files in the scratch directory, without a mount.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Contender, UpperPlace } from '../contender.ts';
import type { Processes } from '../processes.ts';

export const plain: Contender = {
  name: 'plain',
  summary: 'the merged tree unpacked, as plain files',
  serves: ['metadata', 'content', 'changes'],
  lack: () => Promise.resolve(undefined),
  version: () => Promise.resolve(undefined),
  prepare: async ({ processes }, stack) => {
    const directory = await stack.flattened();
    return {
      mount: async (_place: string, upper?: UpperPlace) => ({
        directory: upper === undefined ? directory : await copyTouched(processes, directory, upper),
        unmount: () => Promise.resolve(),
      }),
      timeMount: undefined,
    };
  },
};

/** A written workload changes a copy of the files, so that each run begins with the same tree. */
async function copyTouched(processes: Processes, directory: string, upper: UpperPlace): Promise<string> {
  const copy = join(upper.upper, 'copy');
  await mkdir(copy);
  if (upper.touched.length === 0) return copy;
  const list = Buffer.from(upper.touched.map((path) => `${path}\0`).join(''), 'latin1');
  await processes.run(
    ['sh', '-c', 'tar -C "$1" --no-recursion --null -T - -cf - | tar -C "$2" -xf -', 'sh', directory, copy],
    { input: list },
  );
  return copy;
}
