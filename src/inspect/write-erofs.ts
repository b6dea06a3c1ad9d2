// Writes the merged tree as an EROFS image: with the bytes of all files, or with those that plain archives have left there.
import { type LayerDevice, placeLayers } from '../erofs/devices.ts';
import type { ErofsLayer } from '../erofs/source.ts';
import { writeErofsImage } from '../erofs/write-image.ts';
import { nameLayer } from '../image/open-layers.ts';
import { nameLayers } from '../mount/layer-identity.ts';
import { InputError } from '../vfs/input-error.ts';
import { showText } from '../vfs/show-text.ts';
import type { InspectedImage } from './inspected-image.ts';
import type { MergedImage } from './merged-image.ts';

/** The form of an EROFS image. */
export interface ErofsOptions {
  /**
   * True: the bytes of files stay in the archive, which each mount has to name (`devices`). Only plain layers can be used
   * in that way. False, the default: the image contains all bytes.
   */
  readonly isExternal?: boolean | undefined;
  /**
   * True: the image can be a lower layer of kernel overlayfs. `trusted.overlay.*` is escaped, and character devices 0:0
   * are left out.
   */
  readonly isOverlayLower?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** An EROFS image that was written. */
export interface WrittenErofs {
  /** Bytes. */
  readonly size: number;
  /** The files that a mount needs as `device=` options, in this order; absolute paths. */
  readonly devices: readonly string[];
  /** Number of character devices 0:0 that were left out. */
  readonly leftOut: number;
}

/**
 * Writes the image to `take`, in order; the next call is made when the last has resolved. The same layers give the same
 * bytes. Throws InputError for what an EROFS image can't hold, and for compressed layers if it is external.
 */
export async function writeErofs(
  inspected: InspectedImage,
  { tree }: MergedImage,
  { isExternal = false, isOverlayLower = false, signal }: ErofsOptions,
  take: (bytes: Uint8Array) => Promise<void>,
): Promise<WrittenErofs> {
  const readers = inspected.layers.map(({ layer }) => layer.reader);
  const placed = isExternal ? placeLayers(readers) : undefined;
  const devices = placed?.devices ?? [];
  const paths = devices.map((device, number) =>
    pathOfDevice(
      inspected,
      device,
      placed?.layers.findIndex((each) => each.device === number),
    ),
  );
  const layers =
    placed?.layers ?? readers.map((reader): ErofsLayer => ({ device: undefined, startByte: 0, reader }));
  const uuid = Buffer.from(nameLayers(inspected.layers), 'hex');
  const { size, leftOut } = await writeErofsImage(
    { tree, layers, devices, isOverlayLower, uuid },
    {
      write: async (bytes) => {
        signal?.throwIfAborted();
        await take(bytes);
      },
    },
  );
  return { size, leftOut, devices: paths };
}

/** `layer`: the first that lies in the device. */
function pathOfDevice({ image }: InspectedImage, device: LayerDevice, layer = 0): string {
  const source = image.layers[layer];
  if (source?.kind === 'blob' && source.blob.isCopy === true) {
    throw new InputError(
      `${showText(image.source)}: is a pipe, in a registry, or compressed as a whole, and its copy in the cache directory can be removed at any time; an external EROFS image can't refer to it: save or decompress it first, or convert it without --external`,
    );
  }
  if (device.kind === 'file' && source?.kind === 'blob') return source.blob.path;
  throw new InputError(
    `${nameLayer(image, layer)}: is not a plain tar at a multiple of 512 bytes in a file; an external EROFS image of ${showText(image.source)} can't refer to it: convert it without --external`,
  );
}
