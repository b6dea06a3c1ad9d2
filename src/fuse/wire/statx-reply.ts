// The reply to STATX (7.39): what GETATTR says, and when the inode was born.
//
// struct fuse_statx_out, 288 bytes: attr_valid (u64), attr_valid_nsec (u32), flags (u32), two spare u64, then
// struct fuse_statx, 256 bytes:
// | offset | size | name            |     | offset | size | name                               |
// | ------ | ---- | --------------- |     | ------ | ---- | ---------------------------------- |
// | 0      | 4    | mask            |     | 40     | 8    | size                               |
// | 4      | 4    | blksize         |     | 48     | 8    | blocks                             |
// | 8      | 8    | attributes      |     | 56     | 8    | attributes_mask                    |
// | 16     | 4    | nlink           |     | 64     | 16   | atime: i64 sec, u32 nsec, reserved |
// | 20     | 4    | uid             |     | 80     | 16   | btime                              |
// | 24     | 4    | gid             |     | 96     | 16   | ctime                              |
// | 28     | 2    | mode            |     | 112    | 16   | mtime                              |
// | 30     | 2    | spare           |     | 128    | 4x4  | rdev_major, _minor, dev_..., dev_. |
// | 32     | 8    | ino             |     | 144    | 112  | spare                              |
import { type Attr, rdevMajor, rdevMinor } from '../../vfs/attr.ts';
import { BLOCK_SIZE, OUT_HEADER_SIZE } from './protocol.ts';
import type { Reply } from './reply.ts';

const PREFIX_SIZE = 32;
const STATX_SIZE = 256;
/** STATX_BASIC_STATS and STATX_BTIME of linux/stat.h. */
const BASIC_STATS = 0x7ff;
const BTIME = 0x800;

/** Writes the whole reply, its attributes valid for `validity` seconds: answers its length. */
export function replyStatx(reply: Reply, unique: number, attr: Attr, validity: number): number {
  reply.bytes.fill(0, OUT_HEADER_SIZE, OUT_HEADER_SIZE + PREFIX_SIZE + STATX_SIZE);
  reply.u64(OUT_HEADER_SIZE, validity);
  const base = OUT_HEADER_SIZE + PREFIX_SIZE;
  reply.u32(base, attr.hasBtime ? BASIC_STATS | BTIME : BASIC_STATS);
  reply.u32(base + 4, BLOCK_SIZE);
  reply.u32(base + 16, attr.nlink);
  reply.u32(base + 20, reply.view.showUser(attr.uid));
  reply.u32(base + 24, reply.view.showGroup(attr.gid));
  reply.u16(base + 28, reply.view.showMode(attr.mode));
  reply.u64(base + 32, attr.ino);
  reply.u64(base + 40, attr.size);
  reply.u64(base + 48, attr.blocks);
  const time = (offset: number, sec: number, nsec: number): void => {
    reply.u64(base + offset, sec);
    reply.u32(base + offset + 8, nsec);
  };
  time(64, attr.atimeSec, attr.atimeNsec);
  if (attr.hasBtime) time(80, attr.btimeSec, attr.btimeNsec);
  time(96, attr.ctimeSec, attr.ctimeNsec);
  time(112, attr.mtimeSec, attr.mtimeNsec);
  reply.u32(base + 128, rdevMajor(attr.rdev));
  reply.u32(base + 132, rdevMinor(attr.rdev));
  return reply.finish(unique, PREFIX_SIZE + STATX_SIZE);
}
