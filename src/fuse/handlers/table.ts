// All handlers by opcode.
//
// What has none is answered ENOSYS, which the kernel remembers where it matters (ACCESS, FLUSH, BMAP, POLL, SYNCFS ...):
// it never asks again. Locks it keeps by itself.
import { OPCODE_COUNT } from '../wire/protocol.ts';
import { connectionHandlers } from './connection.ts';
import { contentHandlers } from './content.ts';
import { directoryHandlers } from './directories.ts';
import { fileHandlers } from './files.ts';
import type { Handler } from './handler.ts';
import { inodeFlagHandlers } from './inode-flags.ts';
import { nameHandlers } from './names.ts';
import { nodeHandlers } from './nodes.ts';
import { xattrHandlers } from './xattrs.ts';

const families = [
  connectionHandlers,
  nodeHandlers,
  nameHandlers,
  fileHandlers,
  contentHandlers,
  directoryHandlers,
  xattrHandlers,
  inodeFlagHandlers,
];

/** By opcode; undefined where ENOSYS is the answer. */
export const handlers: readonly (Handler | undefined)[] = (() => {
  const byOpcode = new Array<Handler | undefined>(OPCODE_COUNT).fill(undefined);
  for (const family of families) for (const [opcode, handler] of family) byOpcode[opcode] = handler;
  return byOpcode;
})();
