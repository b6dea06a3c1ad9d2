// Which layers the next daemon of a mount can open by their paths.
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Image, LayerSource } from '../../../src/image/image.ts';
import { findLayerFiles } from '../../../src/mount/keeper/layer-files.ts';

let directory: string;
beforeEach(() => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), 'stratafs-layers-')));
  mkdirSync(join(directory, 'mnt'));
  mkdirSync(join(directory, 'mnt-2'));
  symlinkSync('mnt/layer.tar', join(directory, 'link.tar'));
  for (const name of ['layer.tar', 'mnt/layer.tar', 'mnt-2/layer.tar'])
    writeFileSync(join(directory, name), name);
});
afterEach(() => rmSync(directory, { recursive: true }));

const blob = (path: string): LayerSource => ({ kind: 'blob', blob: { path, offset: 0, length: 5 } });
const image = (...layers: LayerSource[]): Image => ({
  ...{ source: 'a', names: [], id: undefined, config: undefined, platform: undefined, history: [] },
  layers,
});

/** The sizes of the files; undefined if there is one that the next daemon can't open. `place`: the mount point. */
const sizesOf = (place: string, layers: LayerSource[], others: string[] = []): number[] | undefined =>
  findLayerFiles(image(...layers), place, others)?.map(({ size }) => size);

it.each([
  ['layer.tar', [9]],
  ['mnt-2/layer.tar', [15]],
  ['mnt/layer.tar', undefined],
  ['link.tar', undefined],
  ['missing.tar', undefined],
])('%s is found: %j', (name, expected) => {
  const layers = [blob(join(directory, name))];
  expect(sizesOf(join(directory, 'mnt'), layers)).toEqual(expected);
  expect(sizesOf('/', layers)).toBe(undefined);
});

it('those without a path of their own are not found', () => {
  for (const layer of [blob('/proc/self/fd/0'), { kind: 'directory', path: directory } as const])
    expect(sizesOf(join(directory, 'mnt'), [blob(join(directory, 'layer.tar')), layer])).toBe(undefined);
});

it('none are found if something else that the next daemon needs is beneath the mount', () => {
  const layers = [blob(join(directory, 'layer.tar'))];
  expect(sizesOf(join(directory, 'mnt'), layers, [directory])).toEqual([9]);
  expect(sizesOf(join(directory, 'mnt'), layers, [join(directory, 'mnt')])).toBe(undefined);
});
