// ImageIndex: the indexes of an image's layers that its registry has, as far as the caller believes them.
import createDebug from 'debug';
import type { IndexBlobs } from '../index-source/artifact.ts';
import type { RegistryIndex } from '../image/image.ts';
import { RegistryError } from '../registry/failure.ts';
import type { Repository } from '../registry/repository.ts';
import { untilAborted } from '../vfs/until-aborted.ts';
import type { BlobCache } from './blob-cache.ts';
import { type IndexTrust, fetchNames, findIndexBlobs } from './find-index.ts';

const debug = createDebug('stratafs:registry');

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

  /** The registry is asked once, whichever layers ask; after a failure, again. */
  #findBlobs(): Promise<ReadonlyMap<string, IndexBlobs>> {
    if (this.#blobs !== undefined) return this.#blobs;
    const found = findIndexBlobs(this.#repository, this.#digest, this.#trust);
    found.catch(() => (this.#blobs = undefined));
    this.#blobs = found;
    return found;
  }

  /**
   * That of the layer with this digest; undefined if none is believed, or the registry has none that can be used. Only that with a
   * given digest must be there: InputError.
   */
  async find(layer: string, signal?: AbortSignal): Promise<RegistryIndex | undefined> {
    const { trustsIndex, indexDigest } = this.#trust;
    if (indexDigest !== undefined) return this.#find(layer, signal);
    if (trustsIndex !== true) return undefined;
    try {
      return await this.#find(layer, signal);
    } catch (error) {
      // The layer can be had without it.
      if (!(error instanceof RegistryError)) throw error;
      debug('%s: no index: %s', layer, error.message);
      return undefined;
    }
  }

  async #find(layer: string, signal: AbortSignal | undefined): Promise<RegistryIndex | undefined> {
    const blobs = (await untilAborted(this.#findBlobs(), signal)).get(layer);
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
