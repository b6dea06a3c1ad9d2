// Stacks of described layers over blobs of any bytes: what no tar has, or what a tar would make large.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ErofsSource } from '../../src/erofs/source.ts';
import type { LayerIndex } from '../../src/layer/layer-index.ts';
import { buildTree } from '../../src/tree/merge.ts';
import type { BlobReader } from '../../src/vfs/blob-reader.ts';
import { withErofsMount, writeImageFile } from './kernel-mount.ts';

export interface BlobLayer {
  readonly index: LayerIndex;
  readonly blob?: Buffer;
  /** Bytes in front of the blob in its device; 0 by default. */
  readonly startByte?: number;
}

export function readerOf(blob: Buffer): BlobReader {
  return {
    size: blob.length,
    read: (offset, length) => blob.subarray(offset, offset + length),
    close: () => undefined,
  };
}

/** The source of an image of `layers`, base first, each on a device of its own. */
export function blobSource(layers: readonly BlobLayer[], options: Partial<ErofsSource> = {}): ErofsSource {
  return {
    tree: buildTree(layers.map(({ index }) => index)),
    layers: layers.map(({ blob = Buffer.alloc(0), startByte = 0 }, device) => ({
      device,
      startByte,
      reader: readerOf(blob),
    })),
    devices: layers.map(({ blob, startByte = 0 }) => ({ size: startByte + (blob?.length ?? 0) })),
    isOverlayLower: false,
    ...options,
  };
}

/** Writes the image and mounts it while `body` runs. Returns what `body` returns. */
export async function withBlobMount<T>(
  scratch: string,
  layers: readonly BlobLayer[],
  body: (mountPoint: string) => T | Promise<T>,
  options: Partial<ErofsSource> = {},
): Promise<T> {
  const image = join(scratch, 'image.erofs');
  await writeImageFile(image, blobSource(layers, options));
  const paths = layers.map(({ blob = Buffer.alloc(0), startByte = 0 }, n) => {
    const path = join(scratch, `device${n}`);
    writeFileSync(path, Buffer.concat([Buffer.alloc(startByte, 'F'), blob]));
    return path;
  });
  return withErofsMount(scratch, image, options.devices?.length === 0 ? [] : paths, body);
}
