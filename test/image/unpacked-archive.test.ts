import { execFileSync } from 'node:child_process';
import { chmod, readdir, readFile, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { LayerSource } from '../../src/image/image.ts';
import { listImages, openImageSource } from '../../src/image/open-image.ts';
import { CacheDirectory } from '../../src/layer/cache-directory.ts';
import { openCache } from '../layer/cache.ts';
import { sampleLayer, SampleLayout, skopeoMembers } from './sample-images.ts';
import { scratchDirectory, sha256, tarOf } from './scratch.ts';

const base = await sampleLayer('base');
const top = await sampleLayer('top');

/** A compressed file of its own, and a cache directory that is not there yet. */
async function compressed(
  bytes: Buffer,
  program: 'gzip' | 'zstd' | 'xz' | 'bzip2',
): Promise<{ path: string; cacheDirectory: string }> {
  const root = await scratchDirectory();
  const path = join(root, 'image.tar.z');
  await writeFile(
    path,
    program === 'gzip' ? gzipSync(bytes) : execFileSync(program, ['-c'], { input: bytes }),
  );
  return { path, cacheDirectory: join(root, 'cache') };
}

const image = () => tarOf(skopeoMembers([base, top], ['x:1']));

describe('an archive that is compressed as a whole', () => {
  test.each(['gzip', 'zstd', 'xz', 'bzip2'] as const)(
    'by %s is announced, unpacked once, and read in place there',
    async (program) => {
      const { path, cacheDirectory } = await compressed(await image(), program);
      const notices: string[] = [];
      const done: number[] = [];
      const { layers } = await openImageSource(`${path}:x:1`, {
        diskCache: openCache(cacheDirectory),
        notice: (text) => notices.push(text),
        progress: (position, total) => done.push(position / total),
      });
      expect(notices).toEqual([
        `${path}: is compressed as a whole: unpacking it once, to ${cacheDirectory}/plain`,
      ]);
      expect(done.at(-1)).toBe(1);
      for (const layer of layers) {
        if (layer.kind !== 'blob') throw new Error('expected a blob');
        const { blob } = layer;
        const bytes = (await readFile(blob.path)).subarray(blob.offset, blob.offset + blob.length);
        expect(`sha256:${sha256(bytes)}`).toBe(layer.diffId);
      }
      expect(await readdir(join(cacheDirectory, 'plain'))).toHaveLength(1);

      const plain = (layers[0] as LayerSource & { kind: 'blob' }).blob.path;
      const { mtimeNs, ctimeNs } = await stat(plain, { bigint: true });
      const again = await openImageSource(path, {
        diskCache: openCache(cacheDirectory),
        notice: (text) => notices.push(text),
      });
      expect(again.layers).toEqual(layers);
      // Else its layers would count as changed, and be hashed again.
      expect(await stat(plain, { bigint: true })).toMatchObject({ mtimeNs, ctimeNs });
      expect(notices).toHaveLength(1);
    },
  );

  test('is unpacked again where the file was changed, or what is kept was cut short', async () => {
    const { path, cacheDirectory } = await compressed(await image(), 'gzip');
    const options = { diskCache: openCache(cacheDirectory), notice: () => count++ };
    let count = 0;
    await openImageSource(path, options);
    await utimes(path, 1, 1);
    await openImageSource(path, options);
    expect(count).toBe(2);
    for (const name of await readdir(join(cacheDirectory, 'plain'))) {
      await truncate(join(cacheDirectory, 'plain', name), 100);
    }
    await openImageSource(path, options);
    expect(count).toBe(3);
  });

  test('may be an OCI archive, by transport too', async () => {
    const layout = new SampleLayout();
    const members = layout.add(layout.image([base]), 'y:1').members();
    const { path, cacheDirectory } = await compressed(await tarOf(members), 'zstd');
    expect(
      (await openImageSource(`oci-archive:${path}`, { diskCache: openCache(cacheDirectory) })).names,
    ).toEqual(['y:1']);
    expect(await listImages(path, { diskCache: openCache(cacheDirectory) })).toMatchObject([
      { names: ['y:1'], layerCount: 1 },
    ]);
  });

  test('saved by docker is read', async () => {
    const cacheDirectory = join(await scratchDirectory(), 'cache');
    const { layers } = await openImageSource('fixtures/forms/docker20.tar.gz', {
      diskCache: openCache(cacheDirectory),
    });
    expect(layers).toHaveLength(3);
  });

  test('keeps nothing where it is cut short or its unpacking is stopped', async () => {
    const { path, cacheDirectory } = await compressed(await image(), 'gzip');
    const bytes = await readFile(path);
    const stopped = openImageSource(path, {
      diskCache: openCache(cacheDirectory),
      signal: AbortSignal.abort(new Error('stopped')),
    });
    await expect(stopped).rejects.toThrow('stopped');
    await writeFile(path, bytes.subarray(0, bytes.length - 100));
    await expect(openImageSource(path, { diskCache: openCache(cacheDirectory) })).rejects.toMatchObject({
      name: 'FormatError',
      file: path,
    });
    expect(await readdir(join(cacheDirectory, 'plain')).catch(() => [])).toEqual([]);
  });

  test('has to be unpacked by hand where there is no cache directory', async () => {
    const { path } = await compressed(await image(), 'gzip');
    await expect(openImageSource(path)).rejects.toThrow(
      `${path}: is compressed as a whole, and there is no cache directory to unpack it to; set XDG_CACHE_HOME to a directory of yours, or unpack it first: \`gzip -dk ${path}\``,
    );
  });

  test('is refused where the cache directory was replaced by a file meanwhile', async () => {
    const { path, cacheDirectory } = await compressed(await image(), 'gzip');
    const diskCache = openCache(cacheDirectory);
    await writeFile(cacheDirectory, '');
    await expect(openImageSource(path, { diskCache })).rejects.toThrow(
      `${cacheDirectory} is not a directory`,
    );
  });

  test('is unpacked again where what is kept belongs to others, or anybody may write to it', async () => {
    const { path, cacheDirectory } = await compressed(await image(), 'gzip');
    let count = 0;
    const warnings: string[] = [];
    const open = () =>
      openImageSource(path, {
        diskCache: CacheDirectory.open(cacheDirectory, (text) => warnings.push(text)),
        notice: () => count++,
      });
    await open();
    const [name = ''] = await readdir(join(cacheDirectory, 'plain'));
    await chmod(join(cacheDirectory, 'plain', name), 0o666);
    await open();
    await open();
    expect(count).toBe(2);
    expect(warnings).toEqual([
      `part of the cache is not used: others may write to ${cacheDirectory}/plain/${name} (mode 0666)`,
    ]);
  });
});

describe('a compressed layer', () => {
  test.each(['gzip', 'zstd', 'xz', 'bzip2'] as const)(
    'is a layer, and nothing is unpacked: %s',
    async (program) => {
      const { path, cacheDirectory } = await compressed(
        await tarOf([
          ['etc/passwd', 'x'],
          ['usr/x', 'y'],
        ]),
        program,
      );
      const { length } = await readFile(path);
      for (const options of [{ diskCache: openCache(cacheDirectory) }, {}]) {
        expect((await openImageSource(path, options)).layers).toEqual([
          { kind: 'blob', blob: { path, offset: 0, length } },
        ]);
      }
      await expect(readdir(cacheDirectory)).rejects.toThrow('ENOENT');
    },
  );

  test('a compressed file that is not a tar is refused', async () => {
    const { path, cacheDirectory } = await compressed(Buffer.from('hello'.repeat(300)), 'gzip');
    await expect(openImageSource(path, { diskCache: openCache(cacheDirectory) })).rejects.toThrow(
      `${path}: is not a tar archive, expected a saved image or a layer`,
    );
  });
});
