// Inode: what is kept in memory of an inode that the tree alone doesn't answer for.
//
// Either it has an identity in the tree (`lower`), and with it its number for ever; or only the upper has it. Where its
// upper file lies is told by one of the names that are known, or, once there is none, by a descriptor. Fields are
// written by the operations of this folder only; inodes.ts makes and drops inodes.
import type { NodeId, Status } from '../../vfs/filesystem.ts';
import type { Call } from '../../vfs/operation.ts';
import type { DirectoryInode } from './directory-inode.ts';

/** A name in the upper: latin1. */
export interface UpperName {
  readonly directory: DirectoryInode;
  readonly name: string;
}

/** A copy-up under way; who needs it waits for `done`, which never rejects. */
export interface Copying {
  readonly done: Promise<Status>;
  /** Once all of them are interrupted the copy is given up. */
  readonly waiters: Call[];
}

/** Where the bytes of a regular file lie, and those of all that is no regular file: in the upper, or nowhere yet. */
export const UPPER_DATA = -1;
/** The upper has only metadata, and what it refers to isn't there. */
export const LOST_DATA = -2;

export class Inode {
  readonly nodeId: NodeId;
  /** What `ls -i` shows. */
  readonly ino: number;
  /** S_IFMT bits. */
  readonly type: number;
  /** The tree's inode that it is or was copied from; -1: only the upper has it. */
  readonly lower: number;
  /** Its upper names as far as they are known; a hard link that nobody looked up is not among them. */
  readonly upperNames: UpperName[] = [];
  /** The upper inode itself (O_PATH or more) where it has no known name any more, or never had one; else -1. */
  upperFd = -1;
  /** The upper's inode number; 0 where there is no upper file. */
  upperIno = 0;
  /** The tree's inode that holds the bytes, or UPPER_DATA or LOST_DATA. */
  dataInode: number;
  /** How many of the tree's names are gone, as long as there is no upper file. */
  lostNames = 0;
  /** How often the kernel was told of it since the object was made; less where it knew it before. */
  lookups = 0;
  /** The kernel has dropped it, and was not told of it again. */
  isForgotten = false;
  /** Opened for reading, and for both; -1 where it isn't. They may be the same. Closed by the last release. */
  readFd = -1;
  writeFd = -1;
  /** `writeFd` is open with O_APPEND, as an append-only file (chattr +a) takes it: only who appends may share it. */
  isAppendOnly = false;
  copying: Copying | undefined;
  /**
   * The copy of an inode with several names has this name in W/stratafs-links, as long as not all names have their links
   * (shared-copies.ts). `sharedLinks` is then the link count that shows.
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

  /** False as long as the tree alone holds it. */
  get hasUpper(): boolean {
    return this.upperNames.length > 0 || this.upperFd >= 0 || this.sharedEntry !== undefined;
  }
}
