// overlay.protattr: an upper file is immutable ("i") or append-only ("a"), although its own inode flags don't say so.
//
// Source: ovl_check_protattr and ovl_set_protattr of fs/overlayfs/util.c (Linux 6.18). Overlayfs itself has to go on writing
// to such a file, and into such a directory.
import { FS_APPEND_FL, FS_IMMUTABLE_FL } from '../vfs/inode-flags.ts';

/** FS_*_FL bits. As the kernel does, all after the first unknown letter is ignored. */
export function decodeProtattr(value: Uint8Array): number {
  let flags = 0;
  for (const letter of value) {
    if (letter === 0x61) flags |= FS_APPEND_FL;
    else if (letter === 0x69) flags |= FS_IMMUTABLE_FL;
    else break;
  }
  return flags;
}

export function encodeProtattr(flags: number): Buffer {
  const append = (flags & FS_APPEND_FL) === 0 ? '' : 'a';
  return Buffer.from((flags & FS_IMMUTABLE_FL) === 0 ? append : `${append}i`);
}
