// Inode: the object in memory of an inode that can't be answered from the tree alone.
//
// Either the inode is one of the tree (`lower`) and keeps that inode number, or only the upper has it. Its upper file is found by
// one of its known names or, if it has none, by a descriptor. Only code in overlay/ writes the fields; inodes.ts creates and drops
// inodes.
import type { NodeId, Status } from '../../vfs/filesystem.ts';
import type { Call } from '../../vfs/operation.ts';
import type { UpperDirectory } from '../upper/upper-inode.ts';

/** The directory of an upper name. DirectoryInode implements it, but can't be named here: that would be an import cycle. */
export interface NamingDirectory extends UpperDirectory {
  /** Drops the object of the inode under an added name (latin1); the next lookup makes a new one. */
  dropInode(name: string): void;
}

/** A name (latin1) in an upper directory. */
export interface UpperName {
  readonly directory: NamingDirectory;
  readonly name: string;
}

/** A copy-up under way. Calls that need the copy wait for `done`, which never rejects. */
export interface Copying {
  readonly done: Promise<Status>;
  /** If all of them are interrupted, the copy is given up. */
  readonly waiters: Call[];
}

/** `dataInode` of a regular file whose bytes are in the upper, and of every other type of file. */
export const UPPER_DATA = -1;
/** `dataInode` if the upper has only metadata, and the file that it refers to does not exist. */
export const LOST_DATA = -2;

export class Inode {
  readonly nodeId: NodeId;
  /** The number that `ls -i` shows. */
  readonly ino: number;
  /** S_IFMT bits. */
  readonly type: number;
  /** The inode in the tree; -1 if only the upper has it. */
  readonly lower: number;
  /** Its known upper names. A hard link that was never looked up is not among them. */
  readonly upperNames: UpperName[] = [];
  /** A descriptor of the upper inode (O_PATH or more) if it has no known name; else -1. */
  upperFd = -1;
  /** The upper's inode number; 0 without an upper file. */
  upperIno = 0;
  /** The tree's inode that holds the bytes, or UPPER_DATA or LOST_DATA. */
  dataInode: number;
  /** Number of names in the tree that were removed or hidden. Counted only while it has no upper file. */
  lostNames = 0;
  /** Number of lookups since the object was created, minus forgets. Below 0 if the kernel knew the inode before. */
  lookups = 0;
  /** True if the kernel has forgotten the inode and has not looked it up again. */
  isForgotten = false;
  /** Descriptors for reading, and for reading and writing; -1 if not open. They may be equal. The last release closes them. */
  readFd = -1;
  writeFd = -1;
  /** `writeFd` has O_APPEND, as an append-only file (chattr +a) requires: only appending opens may share it. */
  isAppendOnly = false;
  /**
   * PROTECTION_FLAGS of the tree's inode or, if it has an upper file, of overlay.protattr. stratafs enforces these. It does not
   * include flags that are set on the upper file itself, which the upper's file system enforces.
   */
  protection = 0;
  copying: Copying | undefined;
  /**
   * The name in W/stratafs-links of the copy of an inode with several names, until all its names have their links
   * (shared-copies.ts). Until then `sharedLinks` is the link count that shows.
   */
  sharedEntry: Buffer | undefined;
  sharedLinks = 0;

  constructor(nodeId: NodeId, ino: number, type: number, lower: number) {
    this.nodeId = nodeId;
    this.ino = ino;
    this.type = type;
    this.lower = lower;
    this.dataInode = lower;
  }

  countLookup(): void {
    this.lookups++;
    this.isForgotten = false;
  }

  /** False if only the tree has it. */
  get hasUpper(): boolean {
    return this.upperNames.length > 0 || this.upperFd >= 0 || this.sharedEntry !== undefined;
  }
}
