// Images of random layers.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { InspectedImage } from '../../src/inspect/inspected-image.ts';
import { scratchDirectory } from '../image/scratch.ts';
import { S_IFDIR, S_IFMT } from '../../src/vfs/attr.ts';
import type { Spec } from '../tree/layer-maker.ts';
import { layerTar } from '../tree/layer-tar.ts';
import { Random } from '../tree/random.ts';
import { randomStack } from '../tree/random-layers.ts';
import { inspectForTest } from './open.ts';

/** The layer tars, base first. `isReadable`: everybody may read all files. */
export function randomTars(seed: number, isReadable = false): Buffer[] {
  const random = new Random(seed);
  const { roots } = randomStack(random, { isForTar: true, hasOverlayXattrs: false });
  if (isReadable) roots.forEach(makeReadable);
  return roots.map((root) => layerTar(root, 'ordered', random));
}

function makeReadable(spec: Spec): void {
  if (spec.kind !== 'inode') return;
  spec.mode |= (spec.mode & S_IFMT) === S_IFDIR ? 0o755 : 0o644;
  for (const child of spec.children.values()) makeReadable(child);
}

/** An image of random layers, closed when the test ends. */
export async function randomImage(seed: number): Promise<InspectedImage> {
  const directory = await scratchDirectory();
  const layers: InspectedImage['layers'][number][] = [];
  for (const [n, tar] of randomTars(seed).entries()) {
    const path = join(directory, String(n));
    writeFileSync(path, tar);
    layers.push(...(await inspectForTest(path)).layers);
  }
  const { image } = await inspectForTest(join(directory, '0'));
  return { image, layers };
}
