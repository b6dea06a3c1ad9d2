// What the page of `stratafs report --compare` shows beyond its two images: their common base, and what differs.
import { type CompareOptions, type Difference, compareTrees } from './compare-trees.ts';
import type { ComparedImage } from './compared-image.ts';
import { DiffSizes } from './diff-sizes.ts';
import type { InspectedImage } from './inspected-image.ts';
import { type LayerSummary, summariseLayers } from './layer-summary.ts';
import type { ReportComparison, ReportDifference } from './report-format.ts';
import { keyOf } from './shared-layers.ts';

export interface ReportedSide {
  readonly inspected: InspectedImage;
  readonly merged: ComparedImage;
}

/** `limit`: the most differences that are listed. Rejects like compareTrees. */
export async function compareForReport(
  before: ReportedSide,
  after: ReportedSide,
  limit: number,
  options: CompareOptions,
): Promise<ReportComparison> {
  const found = (await compareTrees(before.merged, after.merged, options)).filter(isListed);
  const sizes = new DiffSizes(before.merged.tree, after.merged.tree);
  const differences = largest(
    found.map((each) => sizes.describe(each)),
    limit,
  );
  return {
    baseLayers: countBase(summariseLayers(before.inspected), summariseLayers(after.inspected)),
    ...sizes.total(found),
    differences,
    omitted: found.length - differences.length,
  };
}

/** False for the parent of a change. */
const isListed = ({ kind, attributes }: Difference): boolean => kind !== 'C' || attributes.length > 0;

function countBase(a: readonly LayerSummary[], b: readonly LayerSummary[]): number {
  const end = a.findIndex((layer, i) => {
    const other = b[i];
    return other === undefined || keyOf(layer) !== keyOf(other);
  });
  return end < 0 ? a.length : end;
}

/** Keeps the order. */
function largest(differences: readonly ReportDifference[], limit: number): readonly ReportDifference[] {
  if (differences.length <= limit) return differences;
  const bytesOf = ({ sizeBefore = 0, sizeAfter = 0 }: ReportDifference): number =>
    Math.max(sizeBefore, sizeAfter);
  const chosen = new Set([...differences].sort((x, y) => bytesOf(y) - bytesOf(x)).slice(0, limit));
  return differences.filter((each) => chosen.has(each));
}
