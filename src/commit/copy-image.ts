// Writes an image of a registry to a target as it is stored there, so that its digests stay.
import { fetchLayers } from '../image/fetch-layers.ts';
import type { Image } from '../image/image.ts';
import { readStoredImage } from '../remote/stored-image.ts';
import { type CopyWatch } from './image-draft.ts';
import { type Target, createDraft } from './target.ts';
import { dockerManifest, listed } from './write-image.ts';

export interface CopyImageOptions {
  readonly signal?: AbortSignal | undefined;
  /** Gets the bytes that were fetched, and the total. */
  readonly onFetch?: ((done: number, total: number) => void) | undefined;
  /** Gets the bytes that were written, and the total. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** An image that was copied. */
export interface CopiedImage {
  /** `sha256:<hex>` of the config: docker's IMAGE ID. */
  readonly id: string;
  /** `sha256:<hex>` of the manifest. */
  readonly manifestDigest: string;
}

/** Rejects with an InputError if the image can't be had or written; then nothing of the target remains. */
export async function copyImage(
  image: Image,
  target: Target,
  options: CopyImageOptions,
): Promise<CopiedImage> {
  const { signal, onFetch, onProgress } = options;
  const { manifest, config, layers, layerDigests } = await readStoredImage(image);
  // An early refusal of the target; it is created when all bytes are here, so that a break leaves no draft.
  await (await createDraft(target)).discard();
  await fetchLayers(image.layers, { signal, onFetch });
  const total = layers.reduce((sum, { blob }) => sum + blob.length, 0);
  let done = 0;
  const watch: CopyWatch = { signal, onCopied: (bytes) => onProgress?.((done += bytes), total) };
  const draft = await createDraft(target);
  try {
    for (const { digest, blob } of layers) await draft.copyBlob(digest, blob, watch);
    await draft.addBlob(config.digest, config.bytes);
    await draft.addBlob(manifest.digest, manifest.bytes);
    signal?.throwIfAborted();
    await draft.complete(
      listed(target, { mediaType: manifest.mediaType, digest: manifest.digest, size: manifest.bytes.length }),
      target.transport === 'docker-archive' ? dockerManifest(target, config.digest, layerDigests) : new Map(),
    );
  } catch (error) {
    await draft.discard();
    throw error;
  }
  return { id: config.digest, manifestDigest: manifest.digest };
}
