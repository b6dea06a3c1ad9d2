// Finds the layers that several images share, like `docker system df -v`: two layers are the same if the whole stacks up
// to them are (their ChainIDs), and a layer is shared if more than one image has it.
import type { LayerSummary } from './layer-summary.ts';

/** Bytes of one image. */
export interface ImageUse {
  /** All its layers. */
  readonly size: number;
  /** The layers that other images have too, and those that only this image has. */
  readonly sharedSize: number;
  readonly uniqueSize: number;
}

export interface SharedUse {
  /** In the order of the images. */
  readonly images: readonly ImageUse[];
  /** Bytes of all layers, each once. */
  readonly totalSize: number;
}

/** `stacks`: the layers of each image, base first. Two equal stacks are one image under two names. */
export function shareLayers(stacks: readonly (readonly LayerSummary[])[]): SharedUse {
  const keys = stacks.map((layers) => layers.map(keyOf));
  const users = new Map<string, { size: number; images: Set<string> }>();
  stacks.forEach((layers, i) => {
    const image = (keys[i] as string[]).join();
    layers.forEach((layer, number) => {
      const key = keys[i]?.[number] as string;
      const use = users.get(key) ?? { size: layer.size, images: new Set() };
      users.set(key, use);
      use.images.add(image);
    });
  });
  const images = stacks.map((layers, i) => {
    let size = 0;
    let sharedSize = 0;
    layers.forEach((layer, number) => {
      size += layer.size;
      const { images: holders } = users.get(keys[i]?.[number] as string) ?? { images: new Set() };
      if (holders.size > 1) sharedSize += layer.size;
    });
    return { size, sharedSize, uniqueSize: size - sharedSize };
  });
  let totalSize = 0;
  for (const { size } of users.values()) totalSize += size;
  return { images, totalSize };
}

/** A key that is equal for equal layers. A layer of unknown digest only equals itself. */
export function keyOf({ chainId, blob, directory, number }: LayerSummary): string {
  return chainId ?? directory ?? `${blob?.path ?? ''}:${blob?.offset ?? 0}:${number}`;
}
