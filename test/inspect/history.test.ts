import { describe, expect, it } from 'vitest';
import type { HistoryStep } from '../../src/image/image.ts';
import { type HistoryEntry, historyGap, historyOf } from '../../src/inspect/history.ts';
import { dockerAnswers } from './docker-oracle.ts';
import { inspectFixture, inspectForTest } from './open.ts';
import { sampleLayer, SampleLayout } from '../image/sample-images.ts';
import { tarFile } from '../image/scratch.ts';

/** As docker's API writes it. */
const asDocker = ({ step, layer }: HistoryEntry): object => ({
  Created: Date.parse(step?.created ?? '') / 1000,
  CreatedBy: step?.createdBy,
  Comment: step?.comment ?? '',
  Size: layer?.size ?? 0,
});

describe('the history of an image', () => {
  it.each(['expressweb', 'extending-expressweb'] as const)("is docker's own, of %s", async (name) => {
    const entries = historyOf(await inspectFixture(name)).reverse();
    const docker = dockerAnswers().history[name] ?? [];
    expect(docker.length).toBeGreaterThan(9);
    expect(entries.map(asDocker)).toEqual(
      docker.map(({ Created, CreatedBy, Comment, Size }) => ({ Created, CreatedBy, Comment, Size })),
    );
    expect(historyGap(entries)).toBeUndefined();
  });

  /** An image of two layers with this history. */
  async function withHistory(history: readonly object[] | null): Promise<HistoryEntry[]> {
    const layers = [await sampleLayer('a'), await sampleLayer('b')];
    const layout = new SampleLayout();
    const path = await tarFile(layout.add(layout.image(layers, { history }), 'x:1').members());
    return historyOf(await inspectForTest(path));
  }
  const tell = (entries: readonly HistoryEntry[]): unknown[] =>
    entries.map(({ step, layer }) => [step?.createdBy, layer?.number]);

  it('has the layers alone where it is missing', async () => {
    const entries = await withHistory(null);
    expect(tell(entries)).toEqual([
      [undefined, 1],
      [undefined, 2],
    ]);
    expect(historyGap(entries)).toBe('the image has no history of its layers');
  });

  it('gives layers to steps from the base, and says that it tells of too few', async () => {
    const entries = await withHistory([{ created_by: 'one' }, { created_by: 'none', empty_layer: true }]);
    expect(tell(entries)).toEqual([
      ['one', 1],
      ['none', undefined],
      [undefined, 2],
    ]);
    expect(historyGap(entries)).toBe('the history tells of 1 of 2 layers');
  });

  it('leaves a step without a layer where it tells of too many', async () => {
    const steps = ['one', 'two', 'three'].map((created_by) => ({ created_by }));
    const entries = await withHistory(steps);
    expect(tell(entries)).toEqual([
      ['one', 1],
      ['two', 2],
      ['three', undefined],
    ]);
    expect(historyGap(entries)).toBe('the history tells of 3 layers, the image has 2');
  });
});

it('an empty history of an image without layers has no gap', () => {
  const step: HistoryStep = { emptyLayer: true };
  expect(historyGap([])).toBeUndefined();
  expect(historyGap([{ step, layer: undefined }])).toBeUndefined();
});
