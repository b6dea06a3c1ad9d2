// What several images share, as `docker system df -v` tells it: a layer is the same where the whole stack up to it is
// the same (its ChainID), and it is shared where more than one image has it.
import type { LayerSummary } from './layer-summary.ts';

/** Of one image. */
export interface ImageUse {
  /** Of all its layers. */
  readonly size: number;
  /** Of the layers that other images have too, and of those that none has. */
  readonly sharedSize: number;
  readonly uniqueSize: number;
}

export interface SharedUse {
  /** In the order of the images. */
  readonly images: readonly ImageUse[];
  /** Of all layers, each once. */
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

/** Equal for layers that are the same. Where nothing tells the digest, a layer is only the same as itself. */
export function keyOf({ chainId, blob, directory, number }: LayerSummary): string {
  return chainId ?? directory ?? `${blob?.path ?? ''}:${blob?.offset ?? 0}:${number}`;
}
