// What the channel answers without JavaScript (native/fast-path/fast_answer.cc), and from what.
import { addon } from './addon.ts';

/** MountFacts of native/fast-path/fast_answer.h, and what they are about. */
export interface TableFacts {
  /** The Tree's table (src/tree/layout.ts). Kept, and read from then on. */
  readonly table: ArrayBuffer;
  /** By inode: how often it is open. Kept, and counted in. Undefined of a read-only mount. */
  readonly opens: Uint32Array | undefined;
  readonly isReadOnly: boolean;
  readonly countsLinks: boolean;
  readonly hasSelinuxLabels: boolean;
  readonly mapsOwners: boolean;
  /** Directories show no sticky bit; counts only with `mapsOwners`. */
  readonly hidesStickyBits: boolean;
  /** Pairs of a stored and a shown ID, sorted; an ID that is not among them is shown as it is. */
  readonly users: Uint32Array;
  readonly groups: Uint32Array;
  /**
   * A layer's descriptor (-1: it lies in no file as it is), position and size; then size (-1: it may change) and mtime
   * (seconds, nanoseconds) of the file that holds it.
   */
  readonly blobs: Float64Array;
  /** Seconds. */
  readonly validity: number;
  readonly openFlags: number;
  readonly blockSize: number;
  /** Bytes. */
  readonly maxRead: number;
}

/** Kinds of an answer, as FastAnswer::Kind. */
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

/** The table's columns as native code knows them: a name, then the bytes of an element, of each. */
export const treeColumns = (): (string | number)[] => calls.treeColumns();

/**
 * What the channel would answer to a request: undefined where it is JavaScript's to answer, null where `facts` has no
 * table that is understood. Both buffers are aligned to 8. Nobody is answered, and nothing counted.
 */
export const answerFast = (
  facts: TableFacts,
  request: Uint8Array,
  reply: Uint8Array,
): ShownAnswer | undefined | null => calls.answerFast(facts, request, reply);
