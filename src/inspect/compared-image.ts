// ComparedImage: a merged image that knows where its files' bytes lie, so that equal ones need not be read.
import type { Layer } from '../layer/layer.ts';
import { Extent } from '../tree/tree.ts';
import type { InspectedImage } from './inspected-image.ts';
import { type MergedImage, mergeImage } from './merged-image.ts';

export interface ComparedImage extends MergedImage {
  /** Base first: the DiffID of a layer; of one that has none the layer itself, which is the same only where it is shared. */
  readonly layers: readonly (string | Layer)[];
}

/** Throws InputError as buildTree does. */
export function mergeForComparison(inspected: InspectedImage): ComparedImage {
  const layers = inspected.layers.map(({ layer, source }) =>
    source.kind === 'directory' ? layer : (layer.diffId ?? source.diffId ?? layer),
  );
  return { ...mergeImage(inspected), layers };
}

/** True where two regular files of one size are known to hold the same bytes: those lie at one place of one layer. */
export function shareBytes(a: ComparedImage, before: number, b: ComparedImage, after: number): boolean {
  const size = a.tree.sizeOf(before);
  const [one, other] = [new Extent(), new Extent()];
  for (let at = 0; at < size; at += one.length) {
    a.tree.mapExtent(before, at, size - at, one);
    b.tree.mapExtent(after, at, size - at, other);
    if (one.length !== other.length || one.blobOffset !== other.blobOffset) return false;
    const isHole = one.blobOffset < 0;
    if (!isHole && a.layers[one.layer] !== b.layers[other.layer]) return false;
  }
  return true;
}
