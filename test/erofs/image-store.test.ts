import {
  appendFileSync,
  copyFileSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BlockCache } from '../../src/cache/block-cache.ts';
import { placeLayers } from '../../src/erofs/devices.ts';
import { EROFS_IMAGE_VERSION, ImageFileField, type SavedErofsSource } from '../../src/erofs/image-file.ts';
import { erofsLayerNames, keyOfErofsImage } from '../../src/erofs/image-key.ts';
import { ErofsImageStore } from '../../src/erofs/image-store.ts';
import { openLayer } from '../../src/layer/open-layer.ts';
import { buildTree } from '../../src/tree/merge.ts';
import { TreeStore } from '../../src/tree/tree-store.ts';
import { openCache } from '../layer/cache.ts';
import { directory as makeDirectory, file } from '../tree/layer-maker.ts';
import { layerTar } from '../tree/layer-tar.ts';
import { Random } from '../tree/random.ts';
import { type OpenStack, sourceOf, withStack } from './kernel-mount.ts';

const [A, B, C] = ['a', 'b', 'c'].map((digit) => digit.repeat(64)) as [string, string, string];

let scratch: string;
let store: ErofsImageStore;
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'stratafs-erofs-'));
  store = new ErofsImageStore(openCache(join(scratch, 'cache')));
});
afterEach(() => rmSync(scratch, { recursive: true }));

const folder = (): string => join(scratch, 'cache', 'trees');
const imageFile = (key: string): string => join(folder(), `${key}.erofs`);
const tar = layerTar(makeDirectory({ x: file({ size: 700 }) }), 'ordered', new Random(1));
const withLayers = (body: (stack: OpenStack) => Promise<void>): Promise<void> =>
  withStack(scratch, [tar, tar], body);

const savedSourceOf = (stack: OpenStack): SavedErofsSource => ({
  ...sourceOf(stack).source,
  layersSize: 1400,
});

/** True if an image is there that can be used. */
async function isSaved(key: string): Promise<boolean> {
  const image = await store.load(key);
  image?.close();
  return image !== undefined;
}

describe('ErofsImageStore', () => {
  it('opens what was saved, and nothing before', () =>
    withLayers(async (stack) => {
      expect(await isSaved(A)).toBe(false);
      expect(await store.save(A, savedSourceOf(stack))).toBe(true);
      const image = await store.load(A);
      expect(image?.size).toBe(statSync(imageFile(A)).size);
      expect(image?.layersSize).toBe(1400);
      expect(readFileSync(image?.path ?? '')).toEqual(readFileSync(imageFile(A)));
      image?.close();
      expect(await isSaved(B)).toBe(false);
      expect(readdirSync(folder())).toEqual([`${A}.erofs`]);
    }));

  it('refuses an image that is short, long, of another key or version, or changed in any part', () =>
    withLayers(async (stack) => {
      await store.save(A, savedSourceOf(stack));
      const good = readFileSync(imageFile(A));
      const changes: [string, (path: string) => void][] = [
        ['short', (path) => truncateSync(path, good.length - 512)],
        ['empty', (path) => truncateSync(path, 0)],
        ['header only', (path) => truncateSync(path, 1024)],
        ['long', (path) => appendFileSync(path, Buffer.alloc(512))],
        ...Object.entries(ImageFileField).map(([name, at]): [string, (path: string) => void] => [
          name,
          (path) => flip(path, good, at),
        ]),
        ...[100, 1023, 1024, 1100, good.length - 1].map((at): [string, (path: string) => void] => [
          `byte ${at}`,
          (path) => flip(path, good, at),
        ]),
      ];
      for (const [what, change] of changes) {
        writeFileSync(imageFile(A), good);
        change(imageFile(A));
        expect(await isSaved(A), what).toBe(false);
      }
      writeFileSync(imageFile(A), good);
      expect(await isSaved(A)).toBe(true);
      copyFileSync(imageFile(A), imageFile(B));
      expect(await isSaved(B)).toBe(false);
      rmSync(imageFile(A));
      symlinkSync(imageFile(B), imageFile(A));
      expect(await isSaved(A)).toBe(false);
      expect(good.readUInt32LE(ImageFileField.version)).toBe(EROFS_IMAGE_VERSION);
    }));

  it('shares its limit with the merged trees', () =>
    withLayers(async (stack) => {
      const cache = openCache(join(scratch, 'cache'));
      await store.save(A, savedSourceOf(stack));
      await store.save(B, savedSourceOf(stack));
      utimesSync(imageFile(A), 1000, 1000);
      const size = statSync(imageFile(A)).blocks * 512;
      await new TreeStore(cache, 2 * size).save(C, { tree: stack.tree, layersSize: 0 });
      expect(readdirSync(folder()).sort()).toEqual([`${B}.erofs`, `${C}.tree`]);
      await new ErofsImageStore(cache, 0).save(A, savedSourceOf(stack));
      expect(readdirSync(folder())).toEqual([`${A}.erofs`]);
    }));

  it('leaves no draft of an image that a layer is too short for', () =>
    withLayers(async (stack) => {
      const { source } = sourceOf(stack);
      const reader = { size: 0, read: () => new Uint8Array(0), close: () => undefined };
      const layers = source.layers.map((layer) => ({ ...layer, device: undefined, reader }));
      await expect(store.save(A, { ...source, layers, layersSize: 0 })).rejects.toThrow(
        'a layer ends at byte',
      );
      expect(readdirSync(folder())).toEqual([]);
    }));
});

function flip(path: string, good: Buffer, at: number): void {
  const bytes = Buffer.from(good);
  bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
  writeFileSync(path, bytes);
}

describe('keyOfErofsImage', () => {
  it('is another one for another file, another place, other layers and another form', async () => {
    const cache = new BlockCache(1 << 20);
    const open = async (name: string, bytes: Buffer, offset = 0): Promise<string> => {
      const path = join(scratch, name);
      writeFileSync(path, bytes);
      const options = { label: name, cache, store: undefined, verify: 'when-new' } as const;
      const layer = await openLayer({ path, offset, length: tar.length }, {}, options);
      expect(buildTree([layer.index]).dentryCount).toBe(1);
      const placed = placeLayers([layer.reader]);
      const keys = [true, false].map((isOverlayLower) =>
        keyOfErofsImage(A, placed, { isOverlayLower, layerNames: undefined }),
      );
      const named = keyOfErofsImage(A, placed, { isOverlayLower: false, layerNames: erofsLayerNames(1) });
      const ofOthers = keyOfErofsImage(B, placed, { isOverlayLower: false, layerNames: undefined });
      expect(keyOfErofsImage(A, placeLayers([layer.reader]), { isOverlayLower: true })).toBe(keys[0]);
      expect(new Set([...keys, named, ofOthers]).size).toBe(4);
      layer.close();
      return keys[0] as string;
    };
    const inFront = Buffer.concat([Buffer.alloc(1024), tar]);
    const keys = [await open('one', tar), await open('two', tar), await open('three', inFront, 1024)];
    expect(new Set(keys).size).toBe(3);
    for (const key of keys) expect(key).toMatch(/^[0-9a-f]{64}$/);
  });
});
