// Seeded random numbers for property tests: the same seed gives the same numbers on every machine.
import { Random as Numbers } from '../../src/bench/random.ts';

export class Random extends Numbers {
  /** True once in `n` times. */
  oneIn(n: number): boolean {
    return this.below(n) === 0;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)] as T;
  }
}
