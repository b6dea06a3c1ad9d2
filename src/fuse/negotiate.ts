// INIT: what kernel and daemon agree on.
//
// struct fuse_init_in: major, minor, max_readahead, flags (u32 each); from 7.36 on flags2 and 11 unused words.
// struct fuse_init_out, 64 bytes:
// | offset | size | name                   |
// | ------ | ---- | ---------------------- |
// | 0      | 4    | major                  |
// | 4      | 4    | minor                  |
// | 8      | 4    | max_readahead          |
// | 12     | 4    | flags                  |
// | 16     | 2    | max_background         |
// | 18     | 2    | congestion_threshold   |
// | 20     | 4    | max_write              |
// | 24     | 4    | time_gran              |
// | 28     | 2    | max_pages              |
// | 30     | 2    | map_alignment          |
// | 32     | 4    | flags2 (7.36)          |
// | 36     | 4    | max_stack_depth (7.40) |
// | 40     | 2    | request_timeout (7.43) |
// | 42     | 22   | unused                 |
import {
  FUSE_KERNEL_MINOR_VERSION,
  FUSE_KERNEL_VERSION,
  FUSE_MINIMUM_MINOR_VERSION,
  InitFlag,
  MAX_PAGES,
  MAX_TRANSFER,
  OUT_HEADER_SIZE,
} from './protocol.ts';
import type { Reply } from './reply.ts';
import type { Request } from './request.ts';

const INIT_OUT_SIZE = 64;
const MAX_BACKGROUND = 64;

/** What was agreed on. */
export interface Agreement {
  readonly kind: 'agreed';
  /** The smaller of both minor versions. */
  readonly minor: number;
  /** The kernel takes ENOSYS to OPEN for "never ask again". */
  readonly opensWithoutMessage: boolean;
  /** The same for OPENDIR. */
  readonly opensDirectoriesWithoutMessage: boolean;
}

export type Negotiation =
  | Agreement
  /** The kernel's major version is newer: it asks again with ours. */
  | { readonly kind: 'again' }
  /** The kernel is too old. */
  | { readonly kind: 'refused'; readonly reason: string };

/** What is asked of every kernel; it grants what it has. */
const WANTED =
  InitFlag.ASYNC_READ |
  InitFlag.BIG_WRITES |
  InitFlag.DO_READDIRPLUS |
  InitFlag.NO_OPEN_SUPPORT |
  InitFlag.PARALLEL_DIROPS |
  InitFlag.ABORT_ERROR |
  InitFlag.MAX_PAGES |
  InitFlag.CACHE_SYMLINKS |
  InitFlag.NO_OPENDIR_SUPPORT |
  InitFlag.EXPLICIT_INVAL_DATA;

/** Reads an INIT request (its body at least 16 bytes) and writes its reply's body of `initReplySize` bytes. */
export function negotiate(request: Request, reply: Reply, wantsAcls: boolean): Negotiation {
  const major = request.u32(0);
  const kernelMinor = request.u32(4);
  const base = OUT_HEADER_SIZE;
  reply.bytes.fill(0, base, base + INIT_OUT_SIZE);
  reply.u32(base, FUSE_KERNEL_VERSION);
  reply.u32(base + 4, FUSE_KERNEL_MINOR_VERSION);
  if (major > FUSE_KERNEL_VERSION) return { kind: 'again' };
  if (major < FUSE_KERNEL_VERSION || kernelMinor < FUSE_MINIMUM_MINOR_VERSION) {
    const needed = `${FUSE_KERNEL_VERSION}.${FUSE_MINIMUM_MINOR_VERSION}`;
    return {
      kind: 'refused',
      reason: `the kernel speaks FUSE ${major}.${kernelMinor}, ${needed} or later is needed (Linux 5.4)`,
    };
  }
  const flags = request.u32(12) & (wantsAcls ? WANTED | InitFlag.POSIX_ACL : WANTED);
  reply.u32(base + 8, request.u32(8));
  reply.u32(base + 12, flags);
  reply.u16(base + 16, MAX_BACKGROUND);
  reply.u16(base + 18, (MAX_BACKGROUND * 3) >>> 2);
  reply.u32(base + 20, MAX_TRANSFER);
  reply.u32(base + 24, 1);
  reply.u16(base + 28, MAX_PAGES);
  return {
    kind: 'agreed',
    minor: Math.min(kernelMinor, FUSE_KERNEL_MINOR_VERSION),
    opensWithoutMessage: (flags & InitFlag.NO_OPEN_SUPPORT) !== 0,
    opensDirectoriesWithoutMessage: (flags & InitFlag.NO_OPENDIR_SUPPORT) !== 0,
  };
}

export { INIT_OUT_SIZE as initReplySize };
