// The figures of the report are those of the views that it joins.
import { describe, expect, it } from 'vitest';
import { listImages } from '../../src/inspect/inspect.ts';
import { historyOf, instructionsOfLayers } from '../../src/inspect/history.ts';
import type { InspectedImage } from '../../src/inspect/inspected-image.ts';
import { countChanges } from '../../src/inspect/layer-changes.ts';
import { summariseLayers } from '../../src/inspect/layer-summary.ts';
import { mergeImage } from '../../src/inspect/merged-image.ts';
import { type ReportedImage, joinReport, reportImage } from '../../src/inspect/report.ts';
import { findWaste } from '../../src/inspect/waste.ts';
import { scratchDirectory } from '../image/scratch.ts';
import { fixture } from '../mount/stratafs.ts';
import { file, layer } from '../tree/layer-maker.ts';
import { inspectedOf } from './inspected.ts';
import { inspectFixture, inspectForTest } from './open.ts';

const both = (name: string): string => `${fixture('expressweb-both.tar')}:${name}`;

function reportOf(inspected: InspectedImage, source: string): ReportedImage {
  return reportImage(inspected, mergeImage(inspected).tree, source, Infinity);
}

async function reported(source: string): Promise<ReportedImage> {
  return reportOf(await inspectForTest(source), source);
}

describe('the report of an image', () => {
  it('has the figures of history, layers and waste', async () => {
    const inspected = await inspectFixture('extending-expressweb');
    const { image } = reportOf(inspected, 'x');
    const waste = findWaste(inspected);
    expect(image).toMatchObject({
      source: 'x',
      id: inspected.image.id,
      names: inspected.image.names,
      size: waste.totalBytes,
      wasted: waste.wastedBytes,
      efficiency: waste.efficiency,
      gap: undefined,
    });
    const changes = countChanges(inspected);
    const expected = summariseLayers(inspected).map(
      ({ number, diffId, chainId, compression, size, storedSize }, i) => ({
        ...{ number, diffId, chainId, compression, size, storedSize },
        wasted: waste.layers[i]?.wasted,
        hides: waste.layers[i]?.hides,
        ...changes[i],
      }),
    );
    expect(image.layers).toEqual(expected);
    expect(image.steps.map(({ createdBy, layer }) => [createdBy, layer])).toEqual(
      historyOf(inspected).map(({ step, layer }) => [step?.createdBy, layer?.number]),
    );
    expect(image.steps.filter(({ layer }) => layer !== undefined).map((step) => step.instruction)).toEqual(
      instructionsOfLayers(inspected),
    );
  });

  it('lists layers that the history does not mention', () => {
    const { image } = reportOf(inspectedOf([layer({ a: file() })]), 'a\u202eb\n');
    expect(image.gap).toBe('the image has no history of its layers');
    expect(image.steps).toEqual([{ layer: 1 }]);
    expect(image.source).toBe('a\\342\\200\\256b\\n');
  });
});

describe('the report of several images', () => {
  it('has what `images` says that they share, and lists those layers with their numbers', async () => {
    const sources = [both('expressweb'), both('extending-expressweb')];
    const { images, totalSize } = await listImages(sources, { cacheDirectory: await scratchDirectory() });
    const report = joinReport(await Promise.all(sources.map(reported)), '1.2.3');
    expect(report.totalSize).toBe(totalSize);
    for (const { source, sharedSize, size } of report.images) {
      expect({ sharedSize, size }).toEqual({
        sharedSize: images.find((each) => each.source === source)?.use?.sharedSize,
        size: images.find((each) => each.source === source)?.use?.size,
      });
    }
    expect(report.shared.map(({ numbers }) => numbers)).toEqual([
      [1, 1],
      [2, 2],
      [3, 3],
      [4, 4],
    ]);
    expect(report.shared[2]?.instruction).toBe('RUN npm install');
    expect(report.shared.reduce((sum, { size }) => sum + size, 0)).toBe(report.images[0]?.sharedSize);
    expect(report.version).toBe('1.2.3');
  });

  it('takes one image given twice as one: nothing is shared with another', async () => {
    const report = joinReport([await reported(both('expressweb')), await reported(both('expressweb'))], '1');
    expect(report.shared).toEqual([]);
    expect(report.images.map(({ sharedSize }) => sharedSize)).toEqual([0, 0]);
    expect(report.totalSize).toBe(report.images[0]?.size);
  });
});
