// InodeNotice: the message that makes the kernel forget what attributes it keeps of an inode.
//
// A fuse_out_header whose unique is 0 and whose error is FUSE_NOTIFY_INVAL_INODE (2), then struct
// fuse_notify_inval_inode_out: ino (u64, a node ID), off (i64), len (i64). A negative off leaves the pages alone; then
// the kernel takes no lock that a request under way might hold, and the message may be sent at any time.
import type { NodeId } from '../../vfs/filesystem.ts';
import { NOTIFY_INVAL_INODE, OUT_HEADER_SIZE } from './protocol.ts';
import { Reply } from './reply.ts';

const BODY_SIZE = 24;

export class InodeNotice {
  /** Used again for every message. */
  readonly bytes = new Uint8Array(OUT_HEADER_SIZE + BODY_SIZE);
  readonly #message = new Reply(this.bytes);

  /** Writes the message about `node`: answers its length. */
  write(node: NodeId): number {
    const message = this.#message;
    const length = message.finish(0, BODY_SIZE);
    message.u32(4, NOTIFY_INVAL_INODE);
    message.u64(OUT_HEADER_SIZE, node);
    message.u64(OUT_HEADER_SIZE + 8, -1);
    message.u64(OUT_HEADER_SIZE + 16, 0);
    return length;
  }
}
