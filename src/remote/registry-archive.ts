// The documents of an image in a registry as an Archive, so that manifests and configs are read as those of a layout. A
// layer is at the place where the cache will have it.
import type { Archive } from '../image/archive.ts';
import { digestOfBlobName } from '../image/digest.ts';
import type { JsonView } from '../image/json-view.ts';
import { JSON_SIZE_LIMIT } from '../image/json-view.ts';
import type { BlobLocation } from '../layer/layer.ts';
import type { Repository } from '../registry/repository.ts';
import { isDigest } from '../vfs/image-names.ts';
import { InputError } from '../vfs/input-error.ts';
import type { BlobCache, FetchWatch } from './blob-cache.ts';

/** Layers of Windows, which their vendor does not let others distribute. Their URLs are never asked. */
const FOREIGN = /foreign|nondistributable/;

export class RegistryArchive implements Archive {
  readonly path: string;
  readonly #repository: Repository;
  readonly #cache: BlobCache;
  readonly #watch: FetchWatch;
  readonly #documents = new Map<string, BlobLocation>();
  readonly #layers = new Map<string, BlobLocation>();
  #config: { readonly digest: string; readonly size: number } | undefined;

  /** `path`: the source, for messages. */
  constructor(path: string, repository: Repository, cache: BlobCache, watch: FetchWatch) {
    this.path = path;
    this.#repository = repository;
    this.#cache = cache;
    this.#watch = watch;
  }

  /** Takes a manifest that was fetched, and notes where its blobs will be. */
  add(digest: string, location: BlobLocation, manifest: JsonView): void {
    this.#documents.set(digest, location);
    const config = manifest.get('config');
    if (config.isObject) this.#config = describe(config);
    for (const layer of manifest.get('layers').items()) {
      const { digest: name, size } = describe(layer) ?? {};
      if (name === undefined || size === undefined) continue;
      const isForeign = FOREIGN.test(layer.get('mediaType').optionalString() ?? '');
      if (!isForeign) this.#layers.set(name, this.#cache.placeOf(name, size));
    }
  }

  async find(name: string): Promise<BlobLocation | undefined> {
    const digest = digestOfBlobName(name);
    if (digest === undefined) return undefined;
    const found = this.#documents.get(digest) ?? this.#layers.get(digest);
    if (found !== undefined || digest !== this.#config?.digest) return found;
    return this.#fetchConfig(this.#config);
  }

  danglingTarget(): undefined {
    return undefined;
  }

  async #fetchConfig({ digest, size }: { digest: string; size: number }): Promise<BlobLocation> {
    if (size > JSON_SIZE_LIMIT) {
      throw new InputError(
        `${this.path}: found a config of ${size} bytes, expected at most ${JSON_SIZE_LIMIT}`,
      );
    }
    await this.#cache.fetch(this.#repository.blob(digest, size), this.path, { signal: this.#watch.signal });
    return this.#cache.placeOf(digest, size);
  }
}

/** Undefined if a descriptor has no digest of sha256 or no size; reading it for good says so. */
function describe(descriptor: JsonView): { digest: string; size: number } | undefined {
  const digest = descriptor.get('digest').value;
  const size = descriptor.get('size').value;
  if (typeof digest !== 'string' || !isDigest(digest)) return undefined;
  return Number.isSafeInteger(size) && (size as number) >= 0 ? { digest, size: size as number } : undefined;
}
