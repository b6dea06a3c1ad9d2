// Directories as skopeo's dir: and podman's docker-dir and oci-dir write them, by skopeo from the fixtures.
import { execFileSync } from 'node:child_process';
import { rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { BlockCache } from '../../src/cache/block-cache.ts';
import type { Image } from '../../src/image/image.ts';
import { listImages, openImageSource } from '../../src/image/open-image.ts';
import { openLayers } from '../../src/image/open-layers.ts';
import { describeWith } from '../requirements.ts';
import { platform, sampleLayer, SampleLayout } from './sample-images.ts';
import { directoryOf, scratchDirectory } from './scratch.ts';

const EXPRESSWEB = resolve('fixtures/expressweb.tar');

async function copy(source: string, ...options: string[]): Promise<string> {
  const path = join(await scratchDirectory(), 'dir');
  execFileSync('skopeo', ['--insecure-policy', 'copy', '-q', ...options, source, `dir:${path}`], {
    stdio: 'ignore',
  });
  return path;
}

async function diffIdsOf(image: Image): Promise<(string | undefined)[]> {
  const opened = await openLayers(image, {
    ...{ cache: new BlockCache(1 << 20), store: undefined, verify: 'always' },
  });
  for (const { layer } of opened) layer.close();
  return opened.map(({ layer }) => layer.diffId);
}

describeWith([{ program: 'skopeo' }], 'a directory of skopeo', () => {
  test.each(['v2s2', 'oci'])('of format %s is the image that was copied', async (format) => {
    const path = await copy(`docker-archive:${EXPRESSWEB}`, '--format', format, '--dest-compress');
    const original = await openImageSource(EXPRESSWEB);
    const expected = await diffIdsOf(original);
    for (const source of [path, `dir:${path}`]) {
      const image = await openImageSource(source);
      expect(image.config).toEqual(original.config);
      expect(await diffIdsOf(image)).toEqual(expected);
    }
  });

  test('of all platforms has an image each', async () => {
    const layers = [await sampleLayer('base')];
    const layout = new SampleLayout();
    const images = ['amd64', 'arm64'].map((architecture) => ({
      ...layout.image(layers, { architecture }),
      ...platform(architecture),
    }));
    const root = await directoryOf(layout.add(layout.nested(images), 'x').members());
    const path = await copy(`oci:${root}:x`, '--all');
    expect((await listImages(path)).map(({ id }) => id)).toEqual(
      (await listImages(root)).map(({ id }) => id),
    );
    const { platform: found } = await openImageSource(path, { platform: 'linux/arm64' });
    expect(found?.architecture).toBe('arm64');
  });

  test('a directory that lacks a layer, or is not of this form, is refused with the reason', async () => {
    const path = await copy(`docker-archive:${EXPRESSWEB}`);
    const { layers } = await openImageSource(path);
    const [layer] = layers;
    if (layer?.kind !== 'blob') throw new Error('expected a blob');
    await rm(layer.blob.path);
    await expect(openImageSource(path)).rejects.toThrow(
      /layer 1 of 4 \(sha256:[0-9a-f]+\) is missing, named by/,
    );
    await expect(openImageSource(`dir:${EXPRESSWEB}`)).rejects.toThrow('is a file, expected a directory');
    await expect(openImageSource(`dir:${path}:x`)).rejects.toThrow('there is no image x; it holds');
  });

  test('may have symlinks out of it for blobs, which are verified, and for nothing else', async () => {
    const path = await copy(`docker-archive:${EXPRESSWEB}`);
    const image = await openImageSource(path);
    const [layer] = image.layers;
    if (layer?.kind !== 'blob') throw new Error('expected a blob');
    const store = join(await scratchDirectory(), 'blob');
    await rename(layer.blob.path, store);
    await symlink(store, layer.blob.path);
    expect(await diffIdsOf(await openImageSource(path))).toHaveLength(4);
    const bytes = Buffer.alloc(layer.blob.length);
    await writeFile(store, bytes);
    const options = { cache: new BlockCache(1 << 20), store: undefined, verify: 'never' } as const;
    await expect(openLayers(await openImageSource(path), options)).rejects.toThrow('expected');
    await rename(join(path, 'manifest.json'), store);
    await symlink(store, join(path, 'manifest.json'));
    await expect(openImageSource(path)).rejects.toThrow(
      'manifest.json: found a symlink that leads out of the layout',
    );
  });
});
