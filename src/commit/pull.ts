// The entry points of pull and push: an image of a registry -> a target, and back.
import { parseTarget } from './target.ts';
import { type CopiedImage, copyImage } from './copy-image.ts';
import { isRegistrySource } from '../image/source.ts';
import { withDiskCache } from '../mount/cache-choice.ts';
import type { OpenImageOptions } from '../mount/mount.ts';
import { withImage } from '../mount/open-image.ts';
import type { PushedImage } from '../remote/push-image.ts';
import { InputError } from '../vfs/input-error.ts';
import { showText } from '../vfs/show-text.ts';

export type { CopiedImage } from './copy-image.ts';
export type { PushedBlob, PushedImage, UploadResult } from '../remote/push-image.ts';

/** The choice of a registry's image, and how to watch its transfer. */
export type TransferOptions = Omit<OpenImageOptions, 'layer' | 'upto' | 'typed' | 'mayUnpack'>;

/**
 * Writes the image `docker://...` to `target`, as it is stored in the registry. What came of a broken pull is in the cache
 * directory, and is not fetched again. InputError if the image can't be had, or the target exists.
 */
export async function pullImage(
  source: string,
  target: string,
  pullOptions: TransferOptions,
): Promise<CopiedImage> {
  const parsed = parseTarget(target);
  requireRegistry(source, 'pull');
  const options = withDiskCache(pullOptions);
  const { signal, onProgress } = options;
  return withImage(source, options, (image) =>
    copyImage(image, parsed, {
      signal,
      onFetch: (done, total) => onProgress?.({ what: `fetching ${source}`, done, total }),
      onProgress: (done, total) => onProgress?.({ what: `writing ${target}`, done, total }),
    }),
  );
}

/**
 * Sends the image that `source` names to `target`, `docker://...`, as it is stored. Blobs that are there are not sent.
 * InputError if the image has no manifest, or the registry refuses it.
 */
export async function pushSource(
  source: string,
  target: string,
  pushOptions: TransferOptions,
): Promise<PushedImage> {
  requireRegistry(target, 'push to');
  const options = withDiskCache(pushOptions);
  const { signal, onProgress, diskCache } = options;
  // Programs that never push don't load an HTTP client.
  const { pushImage } = await import('../remote/push-image.ts');
  return withImage(source, options, (image) =>
    pushImage(image, target, {
      signal,
      diskCache,
      onFetch: (done, total) => onProgress?.({ what: `fetching ${source}`, done, total }),
      onProgress: (done, total) => onProgress?.({ what: `pushing ${target}`, done, total }),
    }),
  );
}

function requireRegistry(text: string, what: string): void {
  if (isRegistrySource(text)) return;
  throw new InputError(`${showText(text)}: found no registry to ${what}, expected docker://HOST/NAME[:TAG]`);
}
