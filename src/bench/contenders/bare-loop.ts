// The floor of what a FUSE file system can be: a native program (native/bare) that answers names, attributes and listings
// from memory, by the code of stratafs's own native fast path, and does nothing else. What stratafs is slower by is Node
// and its event loop.
import { accessSync, constants } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Contender, Lack } from '../contender.ts';
import { mountByProgram } from '../mounting.ts';
import { bareProgram, buildCommand } from '../native-programs.ts';

export const bareLoop: Contender = {
  name: 'bare-loop',
  summary: 'names and attributes alone, answered from memory by a bare loop over /dev/fuse in C++',
  serves: ['metadata'],
  lack: () => Promise.resolve(lack()),
  version: () => Promise.resolve(undefined),
  prepare: async ({ processes }, stack) => {
    const { tree } = stack;
    const unsupportedXattr = tree.mentionsXattr('security.selinux') ? '' : 'security.selinux';
    const table = await stack.form('table', async (place) => {
      const path = join(place, 'table');
      await writeFile(path, new Uint8Array(tree.buffer));
      return path;
    });
    return {
      mount: (place) =>
        mountByProgram(processes, [bareProgram, table, place, unsupportedXattr], place, { daemon: true }),
    };
  },
};

function lack(): Lack | undefined {
  if (process.geteuid?.() !== 0) return { reason: 'only root can mount it', remedy: 'run the bench as root' };
  try {
    accessSync(bareProgram, constants.X_OK);
    return undefined;
  } catch {
    return { reason: `${bareProgram} is not built`, remedy: buildCommand }; // ENOENT
  }
}
