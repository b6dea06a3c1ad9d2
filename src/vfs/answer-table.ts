// What a file system lays open so that native code can answer for it without asking: a table, and what the table
// doesn't say. For inodes that the table marks as its own (the pristine ones) those answers are the file system's own, byte
// for byte; it takes the mark off before it changes anything about an inode.
import type { FileRange } from './blob-reader.ts';

/** How an ID that is stored is shown. */
export type ShowId = (id: number) => number;

export interface AnswerTable {
  /** In the form that `src/tree/layout.ts` states. Node IDs are its inodes + 1. */
  readonly table: ArrayBuffer;
  /** Where each layer's uncompressed bytes lie as they are in a file that stays open; undefined where they don't. */
  readonly blobs: readonly (FileRange | undefined)[];
  /** Of a writable file system: how often each of the table's inodes is open, counted by whoever answers. */
  readonly opens?: Uint32Array;
  /** True: the link counts of hard-linked files are not the table's. */
  readonly countsLinks: boolean;
  /** False: GETXATTR of security.selinux is EOPNOTSUPP where there is none. */
  readonly hasSelinuxLabels: boolean;
  /** The distinct owners that the table has. */
  readonly users: () => readonly number[];
  readonly groups: () => readonly number[];
  /** Where owners are shown otherwise than stored. */
  readonly showUser?: ShowId;
  readonly showGroup?: ShowId;
  /** True, beside the two: directories show no sticky bit. */
  readonly hidesStickyBits?: boolean;
}
