// Contender: one way to show the layers of a stack as one tree, as the bench knows it.
import type { OperationFamily } from './load-generator.ts';
import type { Processes } from './processes.ts';
import type { Scratch } from './scratch.ts';
import type { Stack } from './stack.ts';

/** What contenders are given to work with. */
export interface Workshop {
  readonly processes: Processes;
  readonly scratch: Scratch;
  /** The command line of `stratafs`, without arguments. */
  readonly stratafs: readonly string[];
  /** Where all variants of stratafs keep the indexes of layers. */
  readonly cacheDirectory: string;
}

/** Why a contender can't take part here, and what to do about it where anything can be done. */
export interface Lack {
  readonly reason: string;
  readonly remedy?: string;
}

export interface Contender {
  readonly name: string;
  /** A few words: what it is, over what. */
  readonly summary: string;
  /** The operations that it can be put to: `changes` where it takes writes. */
  readonly serves: readonly OperationFamily[];
  /** Undefined where it can take part. */
  lack(workshop: Workshop): Promise<Lack | undefined>;
  /** Its version, for the record; undefined where it has none of its own. */
  version(workshop: Workshop): Promise<string | undefined>;
  /** Makes what it needs of a stack before it can mount it: not measured. */
  prepare(workshop: Workshop, stack: Stack): Promise<PreparedContender>;
}

/** Where writes go: empty directories on one file system. */
export interface UpperPlace {
  readonly upper: string;
  readonly work: string;
  /** The files and directories of the stack that will be changed: bytes as latin1. */
  readonly touched: readonly string[];
}

export interface PreparedContender {
  /** Shows the stack on `place`, an empty directory; with `upper`, writable. */
  mount(place: string, upper?: UpperPlace): Promise<Mounted>;
}

export interface Mounted {
  /** Where the stack is shown. */
  readonly directory: string;
  /** Unmounts, and waits until whoever served it has ended. */
  unmount(): Promise<void>;
}
