// Contender: one program, or way, to show the layers of a stack as one tree.
import type { LoadResult } from './load-generator.ts';
import type { OperationFamily } from './operations.ts';
import type { Processes } from './processes.ts';
import type { Scratch } from './scratch.ts';
import type { Stack } from './stack.ts';

/** The resources of a run that contenders use. */
export interface Workshop {
  readonly processes: Processes;
  readonly scratch: Scratch;
  /** The command that starts stratafs: program and leading arguments. */
  readonly stratafs: readonly string[];
  /** The cache directory of all variants of stratafs. */
  readonly cacheDirectory: string;
}

/** The reason that a contender can't run here, and a remedy if one exists. */
export interface Lack {
  readonly reason: string;
  readonly remedy?: string;
}

export interface Contender {
  readonly name: string;
  /** A short description for the help. */
  readonly summary: string;
  /** The operations that it supports: `changes` if it is writable, `mounts` if it is mounted at all. */
  readonly serves: readonly OperationFamily[];
  /** Undefined if it can run here. */
  lack(workshop: Workshop): Promise<Lack | undefined>;
  /** Its version, for the result; undefined if it has no version of its own. */
  version(workshop: Workshop): Promise<string | undefined>;
  /** Prepares a stack for mounting; not measured. */
  prepare(workshop: Workshop, stack: Stack): Promise<PreparedContender>;
}

/** The directories for writes: empty, on one file system. */
export interface UpperPlace {
  readonly upper: string;
  readonly work: string;
  /** The files and directories of the stack that the workload changes: bytes as latin1. */
  readonly touched: readonly string[];
}

export interface PreparedContender {
  /** Mounts the stack at `place`, an empty directory; writable if `upper` is passed. */
  mount(place: string, upper?: UpperPlace): Promise<Mounted>;
  /**
   * Mounts the stack at `place`, read-only, lists its root, and unmounts. The result is one operation, from the start of
   * the mount command to the end of the listing. Undefined if the contender mounts nothing.
   */
  readonly timeMount: ((place: string) => Promise<LoadResult>) | undefined;
}

export interface Mounted {
  /** The directory that shows the stack. */
  readonly directory: string;
  /** Unmounts, and waits until its server process has ended. */
  unmount(): Promise<void>;
}
