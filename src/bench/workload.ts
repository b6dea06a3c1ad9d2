// Workload: an operation that is measured on each contender, and the paths of the stack that it uses.
import type { Load, Operation } from './load-generator.ts';
import type { Random } from './random.ts';
import type { Stack } from './stack.ts';

/**
 * `cold`: on a fresh mount, with caches dropped. `warm`: repeated on a mount that has served the same operations.
 * `written`: like cold, with an empty upper.
 */
export type State = 'cold' | 'warm' | 'written';

export interface Workload {
  readonly name: string;
  /** The name that selects several variants at once. */
  readonly group: string;
  readonly summary: string;
  readonly operation: Operation;
  readonly state: State;
  /** The unit of one operation, such as "file". */
  readonly unit: string;
  /** The part of the load that is specific to the stack; undefined if the stack has no suitable files. */
  plan(stack: Stack, random: Random, most: number): WorkloadPlan | undefined;
}

export interface WorkloadPlan extends Pick<Load, 'paths' | 'size' | 'reads'> {
  /** Paths of the stack that the workload changes: files, and parents of new files. */
  readonly touched?: readonly string[];
}
