// The files that hold an image's layers, as extra devices of an EROFS image: one for each archive file whose layers are
// plain, and one for each compressed layer. If no file holds the plain bytes of that, the caller has to make one.
import { fstatSync } from 'node:fs';
import type { BlobReader, FileRange } from '../vfs/blob-reader.ts';
import { BLOCK } from './layout.ts';
import type { ErofsLayer } from './source.ts';

/** The identity of a file: another file, or a changed one, has another identity. */
export interface FileIdentity {
  readonly device: bigint;
  readonly inode: bigint;
  readonly size: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
}

export type LayerDevice =
  | {
      readonly kind: 'file';
      /** Lent by a layer's reader: open until that is closed. */
      readonly fd: number;
      readonly identity: FileIdentity;
      readonly size: number;
    }
  /** A file of this user with the uncompressed bytes of the layer, which name it: lent as above. */
  | { readonly kind: 'unpacked'; readonly fd: number; readonly layer: number; readonly size: number }
  /** The uncompressed bytes of the layer, which the caller serves as a file of `size` bytes. */
  | { readonly kind: 'layer'; readonly layer: number; readonly size: number };

export interface PlacedLayers {
  /** In the order of the device table. */
  readonly devices: readonly LayerDevice[];
  /** By layer number, base first. */
  readonly layers: readonly ErofsLayer[];
}

/**
 * Finds the devices of the layers that `readers` read, base first. Layers of one file share a device, and so do listings
 * of one layer. Throws Node's errors from fstat(2).
 */
export function placeLayers(readers: readonly BlobReader[]): PlacedLayers {
  const devices: LayerDevice[] = [];
  const files = new Map<string, number>();
  const served = new Map<BlobReader, number>();
  const layers = readers.map((reader, layer): ErofsLayer => {
    const plain = reader.plain;
    if (plain !== undefined && plain.position % BLOCK === 0) {
      const device = fileDevice(plain, devices, files);
      return { device, startByte: plain.position, reader };
    }
    let device = served.get(reader);
    if (device === undefined) {
      const { size, unpacked } = reader;
      device =
        devices.push(
          unpacked === undefined
            ? { kind: 'layer', layer, size }
            : { kind: 'unpacked', fd: unpacked.fd, layer, size },
        ) - 1;
      served.set(reader, device);
    }
    return { device, startByte: 0, reader };
  });
  return { devices, layers };
}

function fileDevice({ fd }: FileRange, devices: LayerDevice[], files: Map<string, number>): number {
  const { dev, ino, size, mtimeNs, ctimeNs } = fstatSync(fd, { bigint: true });
  const key = `${dev} ${ino}`;
  const same = files.get(key);
  if (same !== undefined) return same;
  const identity = { device: dev, inode: ino, size, mtimeNs, ctimeNs };
  const device = devices.push({ kind: 'file', fd, identity, size: Number(size) }) - 1;
  files.set(key, device);
  return device;
}
