// ImageIndex: the indexes of an image's layers that its registry has, as far as the caller believes them.
import type { IndexBlobs } from '../index-source/artifact.ts';
import type { RegistryIndex } from '../image/image.ts';
import type { Repository } from '../registry/repository.ts';
import type { BlobCache } from './blob-cache.ts';
import { type IndexTrust, fetchNames, findIndexBlobs } from './find-index.ts';

export class ImageIndex {
  readonly #repository: Repository;
  readonly #cache: BlobCache;
  readonly #digest: string;
  readonly #trust: IndexTrust;
  #blobs: Promise<ReadonlyMap<string, IndexBlobs>> | undefined;

  /** @param digest of the image's manifest */
  constructor(repository: Repository, cache: BlobCache, digest: string, trust: IndexTrust) {
    this.#repository = repository;
    this.#cache = cache;
    this.#digest = digest;
    this.#trust = trust;
  }

  /** That of the layer with this digest; undefined if none is believed, or the registry has none that can be used. */
  async find(layer: string, signal?: AbortSignal): Promise<RegistryIndex | undefined> {
    const { trustsIndex, indexDigest } = this.#trust;
    if (trustsIndex !== true && indexDigest === undefined) return undefined;
    // Layers ask at the same time; the registry is asked once.
    this.#blobs ??= findIndexBlobs(this.#repository, this.#digest, this.#trust, signal);
    const blobs = (await this.#blobs).get(layer);
    if (blobs === undefined) return undefined;
    const names = await fetchNames(this.#repository, this.#cache, blobs, signal);
    if (names === undefined) return undefined;
    const { indexed, windowsSha256 } = names;
    const { windows } = blobs;
    return {
      indexed,
      openWindows: () =>
        windows === undefined
          ? undefined
          : this.#cache.openPart(this.#repository.blob(windows.digest, windows.size), windowsSha256),
    };
  }
}
