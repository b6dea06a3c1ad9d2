// Cell: one contender under one workload on one stack, with its measurements so far.
import type { PreparedContender } from './contender.ts';
import { Histogram } from './histogram.ts';
import type { LoadResult } from './load-generator.ts';
import type { RunFigures } from './result.ts';
import type { Workload, WorkloadPlan } from './workload.ts';

export interface CellPlace {
  /** The number of layers of the stack. */
  readonly layers: number;
  readonly workload: Workload;
  readonly plan: WorkloadPlan;
  readonly threads: number;
  readonly contender: string;
  /** One object for all cells of a contender on a stack. */
  readonly prepared: PreparedContender;
}

export class Cell {
  readonly place: CellPlace;
  readonly histogram = new Histogram();
  readonly #runs: RunFigures[] = [];

  constructor(place: CellPlace) {
    this.place = place;
  }

  get runs(): readonly RunFigures[] {
    return this.#runs;
  }

  /** Mean nanoseconds per operation, one value a run. */
  get means(): number[] {
    return this.#runs.map(({ mean }) => mean);
  }

  add({ latencies, wall, bytes }: LoadResult): void {
    const total = latencies.reduce((sum, each) => sum + each, 0);
    this.histogram.add(latencies);
    this.#runs.push({ operations: latencies.length, mean: total / latencies.length, wall, bytes });
  }
}
