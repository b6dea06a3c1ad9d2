import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { HistoryStep, Image } from '../../src/image/image.ts';
import { bareImage } from '../../src/image/lower-stack.ts';
import { type HistoryEntry, historyGap, historyOf, instructionsOfLayers } from '../../src/inspect/history.ts';
import { dockerAnswers } from './docker-oracle.ts';
import { inspectFixture, inspectForTest } from './open.ts';
import { sampleLayer, SampleLayout } from '../image/sample-images.ts';
import { scratchDirectory, tarFile } from '../image/scratch.ts';
import { describeWith } from '../requirements.ts';

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

  it('with too few steps gives them to the topmost layers, as builders append to a base without history', async () => {
    const entries = await withHistory([{ created_by: 'one' }, { created_by: 'none', empty_layer: true }]);
    expect(tell(entries)).toEqual([
      [undefined, 1],
      ['one', 2],
      ['none', undefined],
    ]);
    expect(historyGap(entries)).toBe(
      'the history has steps for 1 of 2 layers; they are taken for the topmost',
    );
  });

  it('with too many steps leaves the last without a layer, as BuildKit does', async () => {
    const steps = ['one', 'two', 'three'].map((created_by) => ({ created_by }));
    const entries = await withHistory(steps);
    expect(tell(entries)).toEqual([
      ['one', 1],
      ['two', 2],
      ['three', undefined],
    ]);
    expect(historyGap(entries)).toBe(
      'the history has steps for 3 layers, the image has 2; the last steps are taken to have made none',
    );
  });
});

describeWith(['root', { program: 'podman' }], 'a history with too few steps', () => {
  it('is matched to the layers as podman history matches it', async () => {
    const layers = [await sampleLayer('a'), await sampleLayer('b'.repeat(50_000))];
    const layout = new SampleLayout();
    layout.add(layout.image(layers, { history: [{ created_by: 'RUN child' }] }), 'x:1');
    const path = await tarFile(layout.members());
    const storage = await scratchDirectory();
    const podman = (...args: string[]): string =>
      execFileSync(
        'podman',
        ['--root', join(storage, 'root'), '--runroot', join(storage, 'run'), '--storage-driver=vfs', ...args],
        { encoding: 'utf8', stdio: 'pipe' },
      );
    const id = podman('pull', '--quiet', `oci-archive:${path}`).trim();
    // podman counts the bytes of the tar, we those of its files.
    const [, created, size] = /^(.*)\|(\d+)\.\d kB$/.exec(
      podman('history', '--format', '{{.CreatedBy}}|{{.Size}}', id).trim(),
    ) as unknown as [string, string, string];
    expect(created).toBe('RUN child');
    expect(Number(size)).toBeGreaterThan(50);
    const [entry] = historyOf(await inspectForTest(path)).reverse();
    expect([entry?.step?.createdBy, entry?.layer?.size]).toEqual([created, 50_000]);
  });
});

it('the upper directory of a mount has no instruction, whatever the history says', () => {
  const blob = { kind: 'blob', blob: { path: '/f', offset: 0, length: 1 } } as const;
  const upper = { kind: 'directory', path: '/u', upperMarks: 'trusted' } as const;
  const history = [{ createdBy: 'RUN child # buildkit', emptyLayer: false }];
  const instructions = (layers: Image['layers']): unknown =>
    instructionsOfLayers({ image: { ...bareImage('S', layers), history } });
  expect(instructions([blob, blob, upper])).toEqual([undefined, 'RUN child', undefined]);
  expect(instructions([upper])).toEqual([undefined]);
});

it('an empty history of an image without layers has no gap', () => {
  const step: HistoryStep = { emptyLayer: true };
  expect(historyGap([])).toBeUndefined();
  expect(historyGap([{ step, layer: undefined }])).toBeUndefined();
});
