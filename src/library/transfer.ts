// Images between registries and this machine.
import {
  type CopiedImage,
  type PushedImage,
  type TransferOptions,
  pullImage,
  pushSource,
} from '../commit/pull.ts';

export type { CopiedImage, PushedBlob, PushedImage, TransferOptions, UploadResult } from '../commit/pull.ts';

/**
 * Writes the image `docker://HOST/NAME[:TAG|@DIGEST]` to `target`, which is as of `commit`. Manifest, config and layers stay as
 * they are in the registry, with their digests. A pull that was broken off goes on where it was. Rejects with an InputError if
 * the registry does not give the image, or the target exists.
 */
export function pull(source: string, target: string, options: TransferOptions = {}): Promise<CopiedImage> {
  return pullImage(source, target, options);
}

/**
 * Sends the image that `source` names to the registry of `target`, `docker://HOST/NAME[:TAG]`, as it is stored. Rejects with an
 * InputError if it has no manifest, or the registry refuses it.
 */
export function push(source: string, target: string, options: TransferOptions = {}): Promise<PushedImage> {
  return pushSource(source, target, options);
}
