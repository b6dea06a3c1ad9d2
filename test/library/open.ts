// Opens images for tests of the library, their indexes kept in a scratch directory.
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type Image, type OpenOptions, openImage } from '../../src/index.ts';
import { type Members, scratchDirectory, sha256, tarFile, tarOf } from '../image/scratch.ts';
import { SampleLayout } from '../image/sample-images.ts';

/** Closed when the test ends. */
export async function openForTest(source: string, options: OpenOptions = {}): Promise<Image> {
  const cacheDirectory = join(await scratchDirectory(), 'cache');
  const image = await openImage(source, { cacheDirectory, ...options });
  onTestFinished(() => image.close());
  return image;
}

/** An OCI archive of these layers, base first; its path. */
export async function archiveOf(...layers: Members[]): Promise<string> {
  const layout = new SampleLayout();
  const tars = await Promise.all(layers.map(tarOf));
  layout.add(layout.image(tars.map((tar) => ({ tar, diffId: `sha256:${sha256(tar)}` }))), 'x:1');
  return tarFile(layout.members());
}
