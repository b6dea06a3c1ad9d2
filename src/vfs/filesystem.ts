// The waist of the project: a file system addressed by inode, in the terms of the kernel's requests.
//
// `overlay/` implements it and `fuse/` serves it; neither knows the other. Metadata is answered synchronously, because
// a thread hop costs more than the call. A method returns a promise only if it may wait for a disk, a decompressor or a
// copy. Expected failures, such as a missing name, are negative errnos, never exceptions. Names are bytes. Arguments
// (names, values, data) are lent until the method returns, even if it returns a promise: the callee copies what it
// needs later. Results (Entry, Attr, OpenFile) belong to the caller, and are filled before the promise settles.
import type { AnswerTable } from './answer-table.ts';
import { Attr } from './attr.ts';
import type { ReadResult } from './blob-reader.ts';
import type { AttrChanges, Call, NewInode, OpenFile } from './operation.ts';

/** The kernel's handle of an inode; 1 is the root. */
export type NodeId = number & { readonly __brand: 'NodeId' };
export const ROOT_NODE_ID = 1 as NodeId;

/** 0 or a negative errno. */
export type Status = number;

/** A result, or a promise of it if the callee has to wait. */
export type MaybePromise<T> = T | Promise<T>;

/** The result of a lookup. The callee fills it; the caller uses the object again. */
export interface Entry {
  nodeId: NodeId;
  /** Changes whenever a node ID is reused for another inode. */
  generation: number;
  readonly attr: Attr;
}

/** An Entry that is not filled yet. */
export function newEntry(): Entry {
  return { nodeId: 0 as NodeId, generation: 0, attr: new Attr() };
}

/** Receives directory entries from readdir. */
export interface DirectorySink {
  /**
   * True if the kernel also wants attributes: then `entry` must be complete. False: only nodeId, ino and mode count.
   */
  readonly wantsAttributes: boolean;
  /**
   * Adds one entry. The name is bytes `start` to `end` of `names`. A later readdir continues after this entry at
   * `cookie`. False: the entry did not fit, stop. With `wantsAttributes`, each entry that was added counts as one
   * lookup of its nodeId, except "." and "..", which are added with nodeId 0.
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

/** A StatFs that is not filled yet. */
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

/** The methods of every file system. */
interface ReadableFileSystem {
  /** False: no inode has a POSIX ACL, and the kernel is asked not to request any. */
  readonly hasPosixAcl: boolean;
  /** The table from which native code may answer; undefined if every request comes here. */
  readonly answerTable?: AnswerTable | undefined;

  lookup(parent: NodeId, name: Uint8Array, out: Entry): Status;
  /** The kernel drops `count` of the lookups that it got for this node. */
  forget(node: NodeId, count: number): void;
  getattr(node: NodeId, out: Attr): Status;
  /** The target's bytes, or a negative errno. */
  readlink(node: NodeId): Uint8Array | number;
  read(node: NodeId, offset: number, length: number): ReadResult | Promise<ReadResult>;
  /** Adds the entries after `cookie` until the sink is full. 0 starts from the beginning; "." and ".." are included. */
  readdir(node: NodeId, cookie: number, sink: DirectorySink): Status;
  /** SEEK_DATA (3) or SEEK_HOLE (4) from `offset`: the new offset, or a negative errno (-ENXIO past the end). */
  seek(node: NodeId, offset: number, whence: number): number;
  /** The value, or a negative errno (-ENODATA). */
  getxattr(node: NodeId, name: Uint8Array): Uint8Array | number;
  /** Names, each terminated by NUL, or a negative errno. */
  listxattr(node: NodeId): Uint8Array | number;
  /** FS_IOC_GETFLAGS: FS_*_FL bits, or a negative errno (-ENOTTY). */
  getFlags(node: NodeId): MaybePromise<number>;
  statfs(out: StatFs): Status;
  /** Called once, after the mount has ended. */
  close(): void | Promise<void>;
}

/** A file system that has no state of open files. */
export interface ReadOnlyFileSystem extends ReadableFileSystem {
  readonly isReadOnly: true;
}

/**
 * The methods that change something. The kernel has already checked permissions (default_permissions; not with the
 * option fake-root) and sticky directories, and that no directory is moved beneath itself.
 */
export interface WritableFileSystem extends ReadableFileSystem {
  readonly isReadOnly: false;

  /**
   * The nodes whose attributes changed since the last call in a way that the kernel doesn't derive from its own
   * requests. The driver must invalidate their cached attributes before it answers the call that changed them.
   */
  takeChangedNodes(): readonly NodeId[];
  /** `listener` is called when such nodes appear while no call is being answered. */
  onChangedNodes(listener: () => void): void;

  setattr(node: NodeId, changes: AttrChanges, call: Call, out: Attr): MaybePromise<Status>;
  /**
   * Makes a regular file, device, fifo or socket, as `inode.mode` says. Counts as a lookup, as does every method that
   * fills an Entry.
   */
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
  /** `flags` as in renameat2(2): RENAME_NOREPLACE (1), RENAME_EXCHANGE (2), RENAME_WHITEOUT (4). */
  rename(
    parent: NodeId,
    name: Uint8Array,
    newParent: NodeId,
    newName: Uint8Array,
    flags: number,
    call: Call,
  ): MaybePromise<Status>;

  /**
   * Opens a regular file. `flags` as in open(2): O_CREAT and O_EXCL are removed, O_TRUNC is obeyed. Each success needs
   * one `release` of the node. `killsPrivileges`: see AttrChanges; only with O_TRUNC.
   */
  open(
    node: NodeId,
    flags: number,
    killsPrivileges: boolean,
    call: Call,
    out: OpenFile,
  ): MaybePromise<Status>;
  /** mknod of a regular file and open in one step. */
  create(
    parent: NodeId,
    name: Uint8Array,
    flags: number,
    inode: NewInode,
    call: Call,
    out: Entry,
    file: OpenFile,
  ): MaybePromise<Status>;
  /** O_TMPFILE in directory `parent`: opens a regular file without a name (nlink 0). `link` can give it one. */
  tmpfile(
    parent: NodeId,
    flags: number,
    inode: NewInode,
    call: Call,
    out: Entry,
    file: OpenFile,
  ): MaybePromise<Status>;
  /** Does nothing for a node that is not open. */
  release(node: NodeId): void;
  /**
   * The number of bytes written (fewer only if the disk is full), or a negative errno. The node is open for writing.
   * `killer`: a caller whose write clears the file's set-ID bits and capabilities, as AttrChanges.killsPrivileges does.
   */
  write(node: NodeId, offset: number, bytes: Uint8Array, killer: Call | undefined): MaybePromise<number>;
  /** Of a file or a directory. `isDataOnly`: as fdatasync(2). */
  fsync(node: NodeId, isDataOnly: boolean): MaybePromise<Status>;
  /** `mode` as in fallocate(2). */
  fallocate(node: NodeId, mode: number, offset: number, length: number, call: Call): MaybePromise<Status>;
  /** The number of bytes copied, or a negative errno. After -EOPNOTSUPP the kernel copies by reads and writes. */
  copyFileRange(
    from: NodeId,
    fromOffset: number,
    to: NodeId,
    toOffset: number,
    length: number,
  ): MaybePromise<number>;

  /**
   * `flags`: XATTR_CREATE (1), XATTR_REPLACE (2). `dropsSetgid`: the value is an access ACL, and the caller loses
   * S_ISGID by setting it.
   */
  setxattr(
    node: NodeId,
    name: Uint8Array,
    value: Uint8Array,
    flags: number,
    dropsSetgid: boolean,
    call: Call,
  ): MaybePromise<Status>;
  removexattr(node: NodeId, name: Uint8Array, call: Call): MaybePromise<Status>;
  /** FS_IOC_SETFLAGS. */
  setFlags(node: NodeId, flags: number, call: Call): MaybePromise<Status>;
}

export type FileSystem = ReadOnlyFileSystem | WritableFileSystem;
