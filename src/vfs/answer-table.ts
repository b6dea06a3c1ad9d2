// The table from which native code answers requests without a call of JavaScript, and the facts that the table lacks.
//
// The table answers only for inodes that it marks as pristine; such an answer is byte for byte the file system's own.
// The file system clears an inode's mark before it changes anything about the inode.
import type { FileRange } from './blob-reader.ts';

export interface AnswerTable {
  /** Laid out as `src/tree/layout.ts` states. A node ID is the table's inode + 1. */
  readonly table: ArrayBuffer;
  /** By inode: 1 where the table answers. It takes the place of the table's own column. */
  readonly pristine: Uint8Array;
  /**
   * By layer: the range of an open file that holds the uncompressed bytes; undefined if no file holds them as they are.
   */
  readonly blobs: () => readonly (FileRange | undefined)[];
  /** Calls `listener` whenever `blobs` gives one more. Returns what removes it. */
  readonly watchBlobs?: (listener: () => void) => () => void;
  /**
   * Only of a writable file system: the number of opens of each inode, counted by the side that answers the request.
   */
  readonly opens?: Uint32Array;
  /**
   * Only of a writable file system: the files about which native code may ask the upper's file system
   * (native/fast-path/upper_answer.h has the layout).
   */
  readonly upperRows?: Float64Array;
  /** Only of a writable file system, by dentry: 1 if its name doesn't show, or shows another inode. */
  readonly hidden?: Uint8Array;
  /** True: the file system counts the links of hard-linked files itself, so the table's link counts don't apply. */
  readonly countsLinks: boolean;
  /** Xattr names with this prefix (latin1) are not in the table: the file system answers them. */
  readonly ownXattrPrefix: string;
  /** GETXATTR of this name is EOPNOTSUPP for an inode without it, not ENODATA. Empty: there is no such name. */
  readonly unsupportedXattr: string;
  /** The distinct owners in the table. */
  readonly users: () => readonly number[];
  readonly groups: () => readonly number[];
}
