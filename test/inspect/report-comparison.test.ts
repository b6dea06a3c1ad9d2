// What the page of two images lists, against docker's diff of the same images and the DiffIDs of their configs.
import { expect, it } from 'vitest';
import { mergeForComparison } from '../../src/inspect/compared-image.ts';
import type { InspectedImage } from '../../src/inspect/inspected-image.ts';
import { type ReportedSide, compareForReport } from '../../src/inspect/report-comparison.ts';
import type { ReportComparison, ReportDifference } from '../../src/inspect/report-format.ts';
import { directory, file, layer, whiteout } from '../tree/layer-maker.ts';
import { dockerAnswers } from './docker-oracle.ts';
import { inspectedOf } from './inspected.ts';
import { inspectFixture } from './open.ts';

async function sideOf(inspected: InspectedImage): Promise<ReportedSide> {
  const merged = await mergeForComparison(inspected);
  return { inspected, merged };
}

async function compare(a: InspectedImage, b: InspectedImage, limit = Infinity): Promise<ReportComparison> {
  return compareForReport(await sideOf(a), await sideOf(b), limit, {});
}

const linesOf = (differences: readonly ReportDifference[]): string[] =>
  differences.map(({ kind, path }) => `${kind} ${path}`);

it('lists what docker diff lists, without the parents of changes, above the layers that both configs begin with', async () => {
  const [a, b] = [await inspectFixture('expressweb'), await inspectFixture('extending-expressweb')];
  const { differences, baseLayers, added, deleted, changed, omitted } = await compare(a, b);
  const docker = (dockerAnswers().diff['expressweb extending-expressweb'] ?? []).map(
    ({ Kind, Path }) => `${'CAD'[Kind] as string} ${Path}`,
  );
  const isParent = (line: string): boolean =>
    line.startsWith('C ') && docker.some((other) => other.slice(2).startsWith(`${line.slice(2)}/`));
  expect(linesOf(differences)).toEqual(docker.filter((line) => !isParent(line)));
  const count = (kind: string): number => differences.filter((each) => each.kind === kind).length;
  expect({ added, deleted, changed, omitted }).toEqual({
    ...{ added: count('A'), deleted: count('D'), changed: count('C'), omitted: 0 },
  });
  const [before, after] = [a, b].map(
    ({ image }) => (image.config as { rootfs: { diff_ids: string[] } }).rootfs.diff_ids,
  ) as [string[], string[]];
  expect(baseLayers).toBe(before.findIndex((id, n) => id !== after[n]) < 0 ? before.length : 0);
});

it('counts a removed directory with its content, and one that a file replaces', async () => {
  const content = { x: file({ size: 100 }), e: directory({ y: file({ size: 11 }) }) };
  const base = layer({ gone: directory(content), now: directory(content) });
  const top = layer({ gone: whiteout, now: file({ size: 5 }), new: file({ size: 7 }) });
  const { differences, grown } = await compare(inspectedOf([base]), inspectedOf([base, top]));
  expect(
    differences.map(({ kind, path, sizeBefore, sizeAfter }) => [kind, path, sizeBefore, sizeAfter]),
  ).toEqual([
    ['D', '/gone', 111, undefined],
    ['A', '/new', undefined, 7],
    ['C', '/now', 111, 5],
  ]);
  expect(grown).toBe(7 + 5 - 222);
});

it('keeps the largest differences in their order, and counts the others', async () => {
  const files = { a: file({ size: 1 }), b: file({ size: 9 }), c: file({ size: 5 }), d: file({ size: 7 }) };
  const { differences, added, omitted, grown } = await compare(
    inspectedOf([layer({})]),
    inspectedOf([layer(files)]),
    2,
  );
  expect({ lines: linesOf(differences), added, omitted, grown }).toEqual({
    lines: ['A /b', 'A /d'],
    ...{ added: 4, omitted: 2, grown: 22 },
  });
});
