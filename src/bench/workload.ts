// Workload: an operation that is measured on each contender, and the paths of the stack that it uses.
import type { Load } from './load-generator.ts';
import type { Operation } from './operations.ts';
import type { Lack } from './contender.ts';
import type { Random } from './random.ts';
import type { Stack } from './stack.ts';

/**
 * `cold`: on a fresh mount, with caches dropped. `warm`: repeated on a mount that has served the same operations.
 * `written`: like cold, with an empty upper. `mounting`: the mount itself is measured, after the same mount was made once.
 */
export type State = 'cold' | 'warm' | 'written' | 'mounting';

export interface Workload {
  readonly name: string;
  /** The name that selects several variants at once. */
  readonly group: string;
  readonly summary: string;
  readonly operation: Operation;
  readonly state: State;
  /** The unit of one operation, such as "file". */
  readonly unit: string;
  /** True: one thread does it all, whatever --threads says. */
  readonly isSequential?: boolean;
  /** True: synthetic stacks have one large file for it. */
  readonly needsLargeFile?: boolean;
  /** Undefined if the program that it needs is installed; by default it needs none. */
  lack?(): Lack | undefined;
  /** The part of the load that is specific to the stack; undefined if the stack has no suitable files. */
  plan(stack: Stack, random: Random, most: number): WorkloadPlan | undefined;
}

export interface WorkloadPlan extends Pick<Load, 'paths' | 'size' | 'reads'> {
  /** Paths of the stack that the workload changes: files, and parents of new files. */
  readonly touched?: readonly string[];
}
