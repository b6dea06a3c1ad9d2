// INIT: what kernel and daemon agree on.
//
// struct fuse_init_in: major, minor, max_readahead, flags (u32 each); from 7.36 on flags2 and 11 unused words, 64 bytes.
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
  InitFlag2,
  MAX_PAGES,
  MAX_TRANSFER,
  OUT_HEADER_SIZE,
} from './protocol.ts';
import type { Reply } from './reply.ts';
import type { Request } from './request.ts';

const INIT_IN_SIZE = 64;
const INIT_OUT_SIZE = 64;
const MAX_BACKGROUND = 64;

/** What a mount asks for, beyond what all do. */
export interface InitOptions {
  readonly isReadOnly: boolean;
  /** The kernel obeys POSIX ACLs, and then checks permissions, whatever the mount option says. */
  readonly wantsAcls: boolean;
  /** False: mounted without default_permissions. The kernel refuses ALLOW_IDMAP then. */
  readonly checksPermissions: boolean;
  /**
   * How many file systems may be stacked from ours down to that of the backing files (1: theirs is stacked on none);
   * 0: no passthrough. A file system that is stacked on ours must do with what is left of the kernel's 2.
   */
  readonly maxStackDepth: number;
  /**
   * The kernel gathers writes and keeps size and mtime itself meanwhile. It then can't pass through (6.10), reads
   * from descriptors open for writing only, and appends by itself.
   */
  readonly writesBack: boolean;
}

/** What the kernel and the first daemon of a mount agreed on: the same for all that serve it after that one. */
export interface InitAgreement {
  /** The smaller of both minor versions. */
  readonly minor: number;
  /** Those that both have, as unsigned 32-bit numbers. */
  readonly flags: number;
  readonly flags2: number;
}

/** The agreement, and what follows from it. */
export interface NegotiatedInit {
  readonly kind: 'agreed';
  readonly agreement: InitAgreement;
  /** The kernel takes ENOSYS to OPEN for "never ask again". */
  readonly opensWithoutMessage: boolean;
  /** The same for OPENDIR. */
  readonly opensDirectoriesWithoutMessage: boolean;
  /** Bytes of struct fuse_setxattr_in: 16 with FUSE_SETXATTR_EXT, else 8. */
  readonly setxattrInSize: number;
  readonly passesThrough: boolean;
  /** Requests that a daemon has left unanswered can be sent to the next one (Linux 6.9). */
  readonly resends: boolean;
}

export type Negotiation =
  | NegotiatedInit
  /** The kernel's major version is newer: it asks again with ours. */
  | { readonly kind: 'again' }
  /** The kernel is too old. */
  | { readonly kind: 'refused'; readonly reason: string };

/** Asked of every kernel, which grants what it supports. */
const WANTED =
  InitFlag.ASYNC_READ |
  InitFlag.BIG_WRITES |
  InitFlag.DO_READDIRPLUS |
  InitFlag.PARALLEL_DIROPS |
  InitFlag.ABORT_ERROR |
  InitFlag.MAX_PAGES |
  InitFlag.CACHE_SYMLINKS |
  InitFlag.NO_OPENDIR_SUPPORT |
  InitFlag.EXPLICIT_INVAL_DATA;

/** A writable mount must see opens. */
const WANTED_WRITABLE =
  WANTED |
  InitFlag.ATOMIC_O_TRUNC |
  InitFlag.DONT_MASK |
  InitFlag.ASYNC_DIO |
  InitFlag.HANDLE_KILLPRIV_V2 |
  InitFlag.SETXATTR_EXT;

function wantedFlags({ isReadOnly, wantsAcls, writesBack }: InitOptions): number {
  const acls = wantsAcls ? InitFlag.POSIX_ACL : 0;
  if (isReadOnly) return WANTED | InitFlag.NO_OPEN_SUPPORT | acls;
  return WANTED_WRITABLE | acls | (writesBack ? InitFlag.WRITEBACK_CACHE : 0);
}

/** The InitFlag2 bits that the kernel offers; 0 from a kernel without them. */
function offeredFlags2(request: Request): number {
  const hasFlags2 = request.bodyLength >= INIT_IN_SIZE && (request.u32(12) & InitFlag.INIT_EXT) !== 0;
  return hasFlags2 ? request.u32(16) : 0;
}

/**
 * Mounts may be idmapped (mount_setattr(2), MOUNT_ATTR_IDMAP): the kernel maps owners in both directions, and requires
 * default_permissions for it. A file handle would hold a node ID, which a later mount gives to another file. Without
 * export support the kernel makes no handles, as for kernel overlayfs.
 */
function wantedFlags2({ isReadOnly, checksPermissions, maxStackDepth, writesBack }: InitOptions): number {
  const wantsPassthrough = !isReadOnly && !writesBack && maxStackDepth > 0;
  const wanted =
    InitFlag2.NO_EXPORT_SUPPORT | InitFlag2.HAS_RESEND | (checksPermissions ? InitFlag2.ALLOW_IDMAP : 0);
  return wanted | (wantsPassthrough ? InitFlag2.PASSTHROUGH : 0);
}

/** Reads an INIT request (its body at least 16 bytes) and writes its reply's body of `initReplySize` bytes. */
export function negotiate(request: Request, reply: Reply, options: InitOptions): Negotiation {
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
  const flags2 = offeredFlags2(request) & wantedFlags2(options);
  const passesThrough = (flags2 & InitFlag2.PASSTHROUGH) !== 0;
  const flags = request.u32(12) & (wantedFlags(options) | (flags2 !== 0 ? InitFlag.INIT_EXT : 0));
  reply.u32(base + 8, request.u32(8));
  reply.u32(base + 12, flags);
  reply.u16(base + 16, MAX_BACKGROUND);
  reply.u16(base + 18, (MAX_BACKGROUND * 3) >>> 2);
  reply.u32(base + 20, MAX_TRANSFER);
  reply.u32(base + 24, 1);
  reply.u16(base + 28, MAX_PAGES);
  reply.u32(base + 32, flags2);
  if (passesThrough) reply.u32(base + 36, options.maxStackDepth);
  const minor = Math.min(kernelMinor, FUSE_KERNEL_MINOR_VERSION);
  return understandAgreement({ minor, flags: flags >>> 0, flags2: flags2 >>> 0 });
}

/** What follows from an agreement. */
export function understandAgreement(agreement: InitAgreement): NegotiatedInit {
  const { flags, flags2 } = agreement;
  return {
    kind: 'agreed',
    agreement,
    opensWithoutMessage: (flags & InitFlag.NO_OPEN_SUPPORT) !== 0,
    opensDirectoriesWithoutMessage: (flags & InitFlag.NO_OPENDIR_SUPPORT) !== 0,
    setxattrInSize: (flags & InitFlag.SETXATTR_EXT) !== 0 ? 16 : 8,
    passesThrough: (flags2 & InitFlag2.PASSTHROUGH) !== 0,
    resends: (flags2 & InitFlag2.HAS_RESEND) !== 0,
  };
}

export { INIT_OUT_SIZE as initReplySize };
