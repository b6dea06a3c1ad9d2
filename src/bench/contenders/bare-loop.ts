// The lower bound of a FUSE file system: a native program (native/bare) that answers lookups, attributes and listings from
// memory, with the code of stratafs's native fast path, and nothing else. Its distance to stratafs is the cost of Node and
// its event loop.
import { accessSync, constants } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Contender, Lack } from '../contender.ts';
import { mountedByCommand } from '../mounting.ts';
import { bareProgram, buildCommand } from '../native-programs.ts';

export const bareLoop: Contender = {
  name: 'bare-loop',
  summary: 'a C++ loop over /dev/fuse that answers metadata requests from memory',
  serves: ['metadata', 'mounts'],
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
    return mountedByCommand(processes, (place) => ({
      argv: [bareProgram, table, place, unsupportedXattr],
      hasDaemon: true,
    }));
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
