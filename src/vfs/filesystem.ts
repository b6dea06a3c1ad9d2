// The waist of the project: a file system by inode, as the kernel asks for it.
//
// `overlay/` implements it, `fuse/` serves it; neither knows the other. Metadata is answered in place: a thread hop
// costs more than the call. Only what may wait for a disk, a decompressor or a copy returns a promise. "Not there"
// and every other expected failure is a negative errno, never a throw. Names are bytes. Names, values and data
// passed in are lent until the handler returns, also where it returns a promise: what is needed later is copied
// first. What is filled (Entry, Attr, OpenFile) is filled before the promise settles, and is the caller's own.
import type { AnswerTable } from './answer-table.ts';
import { Attr } from './attr.ts';
import type { ReadResult } from './blob-reader.ts';
import type { AttrChanges, Call, NewInode, OpenFile } from './operation.ts';

/** The kernel's handle of an inode; the root is 1. */
export type NodeId = number & { readonly __brand: 'NodeId' };
export const ROOT_NODE_ID = 1 as NodeId;

/** 0 or a negative errno. */
export type Status = number;

/** An answer, at once where nothing has to be waited for. */
export type MaybePromise<T> = T | Promise<T>;

/** What lookup finds. Filled by the callee, used again by the caller. */
export interface Entry {
  nodeId: NodeId;
  /** Differs whenever a node ID is used again for another inode. */
  generation: number;
  readonly attr: Attr;
}

/** One that is not filled yet. */
export function newEntry(): Entry {
  return { nodeId: 0 as NodeId, generation: 0, attr: new Attr() };
}

/** Where readdir puts directory entries. */
export interface DirectorySink {
  /** True where the kernel wants attributes too; then `entry` must be complete, else only nodeId, ino, mode count. */
  readonly wantsAttributes: boolean;
  /**
   * Adds one entry. The name is bytes `start` to `end` of `names`. `cookie` is the offset from which a later
   * readdir goes on behind this entry. False: it did not fit, stop. With `wantsAttributes` an entry that was
   * added counts as one lookup of its nodeId ("." and ".." excepted: they are added with nodeId 0).
   */
  add(names: Uint8Array, start: number, end: number, cookie: number, entry: Entry): boolean;
}

export interface StatFs {
  /** In units of `blockSize` bytes. */
  blocks: number;
  blocksFree: number;
  blocksAvailable: number;
  files: number;
  filesFree: number;
  blockSize: number;
  nameLength: number;
}

/** One that is not filled yet. */
export function newStatFs(): StatFs {
  return {
    blocks: 0,
    blocksFree: 0,
    blocksAvailable: 0,
    files: 0,
    filesFree: 0,
    blockSize: 0,
    nameLength: 0,
  };
}

/** What every file system answers. */
interface ReadableFileSystem {
  /** True where some inode carries a POSIX ACL: only then is the kernel told to ask for them. */
  readonly hasPosixAcl: boolean;
  /** What may be answered without asking; undefined where everything is asked. */
  readonly answerTable?: AnswerTable | undefined;

  lookup(parent: NodeId, name: Uint8Array, out: Entry): Status;
  /** The kernel drops `count` of the lookups that it was answered. */
  forget(node: NodeId, count: number): void;
  getattr(node: NodeId, out: Attr): Status;
  /** The target's bytes, or a negative errno. */
  readlink(node: NodeId): Uint8Array | number;
  read(node: NodeId, offset: number, length: number): ReadResult | Promise<ReadResult>;
  /** Entries behind `cookie` (0 from the start, "." and ".." included) until the sink is full. */
  readdir(node: NodeId, cookie: number, sink: DirectorySink): Status;
  /** SEEK_DATA (3) or SEEK_HOLE (4) from `offset`: the new offset, or a negative errno (-ENXIO past the end). */
  seek(node: NodeId, offset: number, whence: number): number;
  /** The value, or a negative errno (-ENODATA). */
  getxattr(node: NodeId, name: Uint8Array): Uint8Array | number;
  /** Names, each ended by NUL, or a negative errno. */
  listxattr(node: NodeId): Uint8Array | number;
  statfs(out: StatFs): Status;
  /** Called once, when the mount is gone. */
  close(): void | Promise<void>;
}

/** Needs no state to open anything. */
export interface ReadOnlyFileSystem extends ReadableFileSystem {
  readonly isReadOnly: true;
}

/**
 * What changes something. The kernel has checked permissions (default_permissions; none with the option fake-root), sticky directories, and that no
 * directory is moved beneath itself.
 */
export interface WritableFileSystem extends ReadableFileSystem {
  readonly isReadOnly: false;

  /**
   * The nodes whose attributes have changed since the last call, beyond what the kernel expects of the calls that it made:
   * whoever keeps attributes must drop theirs before the call that changed them is answered.
   */
  takeChangedNodes(): readonly NodeId[];
  /** `listener` is called when there are such nodes while no call is being answered. */
  onChangedNodes(listener: () => void): void;

  setattr(node: NodeId, changes: AttrChanges, call: Call, out: Attr): MaybePromise<Status>;
  /** A regular file, device, fifo or socket: `inode.mode` says which. Counts as a lookup, as do all that fill an Entry. */
  mknod(parent: NodeId, name: Uint8Array, inode: NewInode, call: Call, out: Entry): MaybePromise<Status>;
  mkdir(parent: NodeId, name: Uint8Array, inode: NewInode, call: Call, out: Entry): MaybePromise<Status>;
  symlink(
    parent: NodeId,
    name: Uint8Array,
    target: Uint8Array,
    inode: NewInode,
    call: Call,
    out: Entry,
  ): MaybePromise<Status>;
  link(node: NodeId, parent: NodeId, name: Uint8Array, call: Call, out: Entry): MaybePromise<Status>;
  unlink(parent: NodeId, name: Uint8Array, call: Call): MaybePromise<Status>;
  rmdir(parent: NodeId, name: Uint8Array, call: Call): MaybePromise<Status>;
  /** `flags`: RENAME_NOREPLACE (1), RENAME_EXCHANGE (2), RENAME_WHITEOUT (4), as renameat2(2). */
  rename(
    parent: NodeId,
    name: Uint8Array,
    newParent: NodeId,
    newName: Uint8Array,
    flags: number,
    call: Call,
  ): MaybePromise<Status>;

  /**
   * Opens a regular file; `flags` as open(2), O_CREAT and O_EXCL gone, O_TRUNC obeyed. Each success is undone by one
   * `release` of the node. `killsPrivileges`: with O_TRUNC, as AttrChanges has it.
   */
  open(
    node: NodeId,
    flags: number,
    killsPrivileges: boolean,
    call: Call,
    out: OpenFile,
  ): MaybePromise<Status>;
  /** mknod of a regular file and open in one. */
  create(
    parent: NodeId,
    name: Uint8Array,
    flags: number,
    inode: NewInode,
    call: Call,
    out: Entry,
    file: OpenFile,
  ): MaybePromise<Status>;
  /** O_TMPFILE in directory `parent`: a regular file without a name (nlink 0), open; `link` may give it one. */
  tmpfile(
    parent: NodeId,
    flags: number,
    inode: NewInode,
    call: Call,
    out: Entry,
    file: OpenFile,
  ): MaybePromise<Status>;
  /** Of a node that is not open it does nothing. */
  release(node: NodeId): void;
  /**
   * Bytes written (all, or fewer where the disk is full), or a negative errno. The node is open for writing. `killer`: a
   * caller by whose write the file loses set-ID bits and capabilities, as AttrChanges has it.
   */
  write(node: NodeId, offset: number, bytes: Uint8Array, killer: Call | undefined): MaybePromise<number>;
  /** Of a file or a directory; `isDataOnly` as fdatasync(2). */
  fsync(node: NodeId, isDataOnly: boolean): MaybePromise<Status>;
  /** `mode` as fallocate(2). */
  fallocate(node: NodeId, mode: number, offset: number, length: number, call: Call): MaybePromise<Status>;
  /** Bytes copied, or a negative errno: -EOPNOTSUPP lets the kernel copy by reads and writes. */
  copyFileRange(
    from: NodeId,
    fromOffset: number,
    to: NodeId,
    toOffset: number,
    length: number,
  ): MaybePromise<number>;

  /** `flags`: XATTR_CREATE (1), XATTR_REPLACE (2). `dropsSetgid`: an access ACL whose caller loses S_ISGID by it. */
  setxattr(
    node: NodeId,
    name: Uint8Array,
    value: Uint8Array,
    flags: number,
    dropsSetgid: boolean,
    call: Call,
  ): MaybePromise<Status>;
  removexattr(node: NodeId, name: Uint8Array, call: Call): MaybePromise<Status>;
  /** FS_IOC_GETFLAGS: FS_*_FL bits, or a negative errno (-ENOTTY). */
  getFlags(node: NodeId): MaybePromise<number>;
  /** FS_IOC_SETFLAGS. */
  setFlags(node: NodeId, flags: number, call: Call): MaybePromise<Status>;
}

export type FileSystem = ReadOnlyFileSystem | WritableFileSystem;
