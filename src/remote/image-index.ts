// ImageIndex: the indexes of an image's layers that its registry has, as far as the caller believes them.
import createDebug from 'debug';
import { readFile } from 'node:fs/promises';
import type { IndexBlobs } from '../index-source/artifact.ts';
import type { LoadedIndex, RegistryIndex } from '../image/image.ts';
import { decodeNames } from '../index-source/layer-parts.ts';
import { RegistryError } from '../registry/failure.ts';
import type { Repository } from '../registry/repository.ts';
import { untilAborted } from '../vfs/until-aborted.ts';
import type { BlobCache } from './blob-cache.ts';
import { type BelievedArtifact, type IndexTrust, findArtifact } from './find-index.ts';

const debug = createDebug('stratafs:registry');

export class ImageIndex {
  readonly #repository: Repository;
  readonly #cache: BlobCache;
  readonly #digest: string;
  readonly #trust: IndexTrust;
  #artifact: Promise<BelievedArtifact | undefined> | undefined;

  /** @param digest of the image's manifest */
  constructor(repository: Repository, cache: BlobCache, digest: string, trust: IndexTrust) {
    this.#repository = repository;
    this.#cache = cache;
    this.#digest = digest;
    this.#trust = trust;
  }

  /** The registry is asked once, whichever layers ask; after a failure, again. */
  #findArtifact(): Promise<BelievedArtifact | undefined> {
    if (this.#artifact !== undefined) return this.#artifact;
    const found = findArtifact(this.#repository, this.#digest, this.#trust);
    found.catch(() => (this.#artifact = undefined));
    this.#artifact = found;
    return found;
  }

  /** The digest of the artifact that is believed. Undefined, and rejects, as `find`. */
  findDigest(signal?: AbortSignal): Promise<string | undefined> {
    return this.#unlessLost(async () => (await untilAborted(this.#findArtifact(), signal))?.digest);
  }

  /**
   * That of the layer with this digest; undefined if none is believed, or the registry has none that can be used. Only that with a
   * given digest must be there: InputError.
   */
  find(layer: string, signal?: AbortSignal): Promise<RegistryIndex | undefined> {
    return this.#unlessLost(() => this.#find(layer, signal));
  }

  async #unlessLost<T>(find: () => Promise<T | undefined>): Promise<T | undefined> {
    const { trustsIndex, indexDigest } = this.#trust;
    if (indexDigest !== undefined) return find();
    if (trustsIndex !== true) return undefined;
    try {
      return await find();
    } catch (error) {
      // The layer can be had without it.
      if (!(error instanceof RegistryError)) throw error;
      debug('%s: no index: %s', this.#digest, error.message);
      return undefined;
    }
  }

  async #find(layer: string, signal: AbortSignal | undefined): Promise<RegistryIndex | undefined> {
    const artifact = await untilAborted(this.#findArtifact(), signal);
    const blobs = artifact?.layers.get(layer);
    if (blobs === undefined) return undefined;
    const { names, windows } = blobs;
    await this.#cache.fetch(this.#repository.blob(names.digest, names.size), names.digest, { signal });
    return {
      // The digests of the chunks of the windows are in the names.
      id: `${names.digest} ${windows?.digest ?? ''}`,
      isInLayer: false,
      load: () => this.#load(blobs),
      windowsSource: () =>
        windows === undefined ? undefined : this.#repository.blob(windows.digest, windows.size),
    };
  }

  /** The names are verified by their digest, and validated. Undefined if they are of another version. */
  async #load({ names, windows }: IndexBlobs): Promise<LoadedIndex | undefined> {
    const bytes = await readFile(this.#cache.placeOf(names.digest, names.size).path);
    const decoded = await decodeNames(bytes, windows?.size ?? 0);
    if (decoded === undefined) return undefined;
    const { indexed, windowsSha256 } = decoded;
    return {
      kind: 'indexed',
      indexed,
      openWindows: () => (windows === undefined ? undefined : this.#cache.openPart(windows, windowsSha256)),
    };
  }
}
