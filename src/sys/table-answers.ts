// The facts that native code needs to answer requests without JavaScript (native/fast-path/fast_answer.cc).
import { addon } from './addon.ts';

/** The MountFacts of native/fast-path/fast_answer.h with the buffers that they refer to. */
export interface TableFacts {
  /** The Tree's table (src/tree/layout.ts). The channel keeps a reference and reads it from then on. */
  readonly table: ArrayBuffer;
  /** As in AnswerTable; undefined: the table's own column. The channel keeps a reference and reads it from then on. */
  readonly pristine?: Uint8Array | undefined;
  /** By inode: the number of opens. The channel keeps a reference and counts in it. Undefined for a read-only mount. */
  readonly opens: Uint32Array | undefined;
  /** As in AnswerTable. The channel keeps a reference and reads it from then on. Undefined for a read-only mount. */
  readonly upperRows: Float64Array | undefined;
  /** As in AnswerTable. The channel keeps a reference and reads it from then on. Undefined for a read-only mount. */
  readonly hidden: Uint8Array | undefined;
  readonly isReadOnly: boolean;
  readonly countsLinks: boolean;
  /** As in AnswerTable. */
  readonly ownXattrPrefix: string;
  readonly unsupportedXattr: string;
  readonly mapsOwners: boolean;
  /** True: directories are shown without the sticky bit; only with `mapsOwners`. */
  readonly hidesStickyBits: boolean;
  /** Pairs of stored and shown ID, sorted. An ID that is not among them is shown unchanged. */
  readonly users: Uint32Array;
  readonly groups: Uint32Array;
  /**
   * By layer: descriptor (-1: no file holds its bytes as they are), position and size; then size (-1: may change) and
   * mtime (seconds, nanoseconds) of the file that holds it.
   */
  readonly blobs: Float64Array;
  /** Seconds. */
  readonly validity: number;
  readonly openFlags: number;
  readonly blockSize: number;
  /** Bytes. */
  readonly maxRead: number;
}

/** Kinds of an answer, as in FastAnswer::Kind. */
export const AnswerKind = { reply: 1, silent: 2, file: 3 } as const;

export type ShownAnswer = readonly [
  kind: number,
  length: number,
  fd: number,
  position: number,
  opens: number,
];

interface TableAnswerCalls {
  treeColumns(): (string | number)[];
  answerFast(facts: TableFacts, request: Uint8Array, reply: Uint8Array): ShownAnswer | undefined | null;
}

const calls = addon as TableAnswerCalls;

/** The table's columns that native code expects: for each, the name and the bytes of an element. */
export const treeColumns = (): (string | number)[] => calls.treeColumns();

/**
 * The answer that the channel would give, for tests: undefined if JavaScript answers the request, null if `facts` has
 * no valid table. Both buffers are aligned to 8. Sends nothing and counts nothing.
 */
export const answerFast = (
  facts: TableFacts,
  request: Uint8Array,
  reply: Uint8Array,
): ShownAnswer | undefined | null => calls.answerFast(facts, request, reply);
