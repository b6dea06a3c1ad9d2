// Workload: what is done to each contender, and to which paths of the stack.
import type { Load, Operation } from './load-generator.ts';
import type { Random } from './random.ts';
import type { Stack } from './stack.ts';

/**
 * `cold`: on a fresh mount, caches dropped. `warm`: the same was done before, on that mount. `written`: as cold, with an
 * empty upper.
 */
export type State = 'cold' | 'warm' | 'written';

export interface Workload {
  readonly name: string;
  /** Under which name several are asked for at once. */
  readonly group: string;
  readonly summary: string;
  readonly operation: Operation;
  readonly state: State;
  /** What one operation is. */
  readonly unit: string;
  /** The load, less what is the same for all; undefined where the stack has nothing that it could be put on. */
  plan(stack: Stack, random: Random, most: number): WorkloadPlan | undefined;
}

export interface WorkloadPlan extends Pick<Load, 'paths' | 'size' | 'reads'> {
  /** What of the stack is changed: files, and the directories of what is made. */
  readonly touched?: readonly string[];
}
