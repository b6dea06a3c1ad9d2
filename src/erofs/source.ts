// The input of an EROFS image: a Tree, and where the bytes of its layers lie.
import type { Tree } from '../tree/tree.ts';
import type { BlobReader } from '../vfs/blob-reader.ts';

/** The place of a layer's uncompressed bytes, for the kernel and for us. */
export interface ErofsLayer {
  /** Index in `devices` of the file that holds the bytes; undefined: all bytes are copied into the image. */
  readonly device: number | undefined;
  /**
   * The offset of the layer in that file, in bytes. Files that then don't begin at a multiple of 512 bytes are copied
   * into the image.
   */
  readonly startByte: number;
  /** Lent. Reads what can't be used in place. */
  readonly reader: BlobReader;
}

/** An extra device: a file that the caller of mount(2) names by a `device=` option, in the order of `devices`. */
export interface ErofsDevice {
  /** Bytes of the file. */
  readonly size: number;
}

export interface ErofsSource {
  readonly tree: Tree;
  /** By layer number, base first. */
  readonly layers: readonly ErofsLayer[];
  readonly devices: readonly ErofsDevice[];
  /** The value of `user.stratafs.layer` by layer number; undefined: no inode has this xattr. */
  readonly layerNames?: readonly Uint8Array[] | undefined;
  /**
   * True: the image is safe as the lower layer of a kernel overlayfs. `trusted.overlay.*` is written as
   * `trusted.overlay.overlay.*` (overlayfs shows it unescaped, Linux 6.7), and character devices 0:0, which would be
   * whiteouts, are left out.
   */
  readonly isOverlayLower: boolean;
  /** 16 bytes; zeros by default. */
  readonly uuid?: Uint8Array | undefined;
  /** InputError if more bytes than this of the layers would have to be copied into the image. No limit by default. */
  readonly maxCopiedBytes?: number | undefined;
}

/** Takes the image in order. `bytes` are lent until the promise resolves. */
export interface ErofsSink {
  write(bytes: Uint8Array): Promise<void>;
}

export interface ErofsImage {
  /** Bytes of the image, a multiple of 512. */
  readonly size: number;
  /** Bytes of the layers that were copied into it. */
  readonly copiedBytes: number;
  /** Character devices 0:0 that were left out (`isOverlayLower`). */
  readonly leftOut: number;
}
