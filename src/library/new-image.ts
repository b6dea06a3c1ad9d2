// Writes new images: of what was written to a mount, or with fewer layers.
import {
  type NewImageOptions as NewImage,
  type WrittenImage,
  commitMount,
  flattenImage,
  squashImage,
} from '../commit/commit.ts';
import type { PathRemark } from './export.ts';
import { pathNameOf } from './path-name.ts';

/** What a new image says of itself, and how it is written. */
export interface NewImageOptions extends Omit<NewImage, 'target' | 'onLeftOut'> {
  /** Called for what a layer can't hold: sockets, and attributes that other readers don't find. */
  readonly onLeftOut?: ((remark: PathRemark) => void) | undefined;
}

/** `NewImageOptions`, and the layers that become one. */
export interface SquashOptions extends NewImageOptions {
  /** The lowest layer that is squashed, from 1 at the base; those below it stay as they are. */
  readonly from: number;
}

/**
 * Writes an image whose last layer is what was written to the stratafs mount at `mountpoint`. `target` is `docker-archive:PATH[:REF]`,
 * `oci:DIR[:REF]` or `oci-archive:PATH[:REF]`; it appears when it is complete. Rejects with an InputError where there is no mount
 * with an upper directory, where it is written to meanwhile, and where the target exists.
 */
export function commit(
  mountpoint: string,
  target: string,
  options: NewImageOptions = {},
): Promise<WrittenImage> {
  return commitMount(mountpoint, newImage(target, options));
}

/** Writes an image of one layer that shows what `source` shows. `target` and failures as of `commit`. */
export function flatten(
  source: string,
  target: string,
  options: NewImageOptions = {},
): Promise<WrittenImage> {
  return flattenImage(source, newImage(target, options));
}

/** Writes an image whose layers from number `options.from` on are one. `target` and failures as of `commit`. */
export function squash(
  source: string,
  target: string,
  { from, ...options }: SquashOptions,
): Promise<WrittenImage> {
  return squashImage(source, from, newImage(target, options));
}

function newImage(target: string, { onLeftOut, ...options }: NewImageOptions): NewImage {
  return {
    ...options,
    target,
    onLeftOut: (path, remark) => onLeftOut?.({ ...pathNameOf(path), remark }),
  };
}

export type { WrittenImage } from '../commit/commit.ts';
