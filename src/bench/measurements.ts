// Computes the measurements of a result from the cells: medians, and ratios over paired rounds.
import type { Cell } from './cell.ts';
import { Random } from './random.ts';
import type { Measurement } from './result.ts';
import { median, ratioOf, spread } from './statistics.ts';

/** In the order of `cells`. Ratios are relative to `baseline`; `seed` seeds the resampling of their intervals. */
export function summariseCells(cells: readonly Cell[], baseline: string, seed: number): Measurement[] {
  const fewestLayers = Math.min(...cells.map(({ place }) => place.layers));
  const find = (of: Cell, layers: number, contender: string): Cell | undefined =>
    cells.find(
      ({ place }) =>
        place.layers === layers &&
        place.contender === contender &&
        place.workload === of.place.workload &&
        place.threads === of.place.threads,
    );
  return cells.map((cell) => {
    const { layers, workload, threads, contender } = cell.place;
    const random = new Random(seed);
    const ratioTo = (other: Cell | undefined): ReturnType<typeof ratioOf> | undefined =>
      other === undefined || other === cell ? undefined : ratioOf(cell.means, other.means, random);
    const ratio = ratioTo(find(cell, layers, baseline));
    const growth = ratioTo(find(cell, fewestLayers, contender));
    return {
      ...{ layers, workload: workload.name, threads, contender, unit: workload.unit },
      runs: cell.runs,
      median: median(cell.means),
      spread: spread(cell.means),
      latency: cell.histogram.summary(),
      ...(ratio === undefined ? {} : { ratio }),
      ...(growth === undefined ? {} : { growth }),
    };
  });
}
