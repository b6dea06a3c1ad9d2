// The key of an EROFS image: what decides its bytes, and which files it reads.
//
// An image states offsets in its devices. So the key has the identity of each archive file too: with another archive of
// the same layers, or a changed one, the image would read wrong bytes.
import { createHash } from 'node:crypto';
import type { PlacedLayers } from './devices.ts';
import { EROFS_IMAGE_VERSION } from './image-file.ts';
import type { ErofsSource } from './source.ts';

/** The values of `user.stratafs.layer` of an image: as a mount by FUSE has them, but without the path of the archive. */
export function erofsLayerNames(layerCount: number): Buffer[] {
  return Array.from({ length: layerCount }, (_, i) => Buffer.from(`layer ${i + 1}`));
}

/**
 * 64 hex digits. `treeKey` is that of the merged layers (tree-store.ts), `placed` their places. The identities in
 * `placed` must be those of the files that the image is mounted with.
 */
export function keyOfErofsImage(
  treeKey: string,
  { devices, layers }: PlacedLayers,
  { layerNames, isOverlayLower }: Pick<ErofsSource, 'layerNames' | 'isOverlayLower'>,
): string {
  const places = devices.map((device) => {
    if (device.kind !== 'file') return ['layer', device.layer, device.size];
    const { device: dev, inode, size, mtimeNs, ctimeNs } = device.identity;
    return ['file', ...[dev, inode, size, mtimeNs, ctimeNs].map(String)];
  });
  const text = JSON.stringify({
    version: EROFS_IMAGE_VERSION,
    treeKey,
    places,
    layers: layers.map(({ device, startByte, reader }) => [device, startByte, reader.size]),
    layerNames: layerNames?.map((name) => Buffer.from(name).toString('latin1')),
    isOverlayLower,
  });
  return createHash('sha256').update(text).digest('hex');
}
