// Sends an image to a registry as it is stored: layers first, then the config, the manifest last, so that a name never
// leads to an image with holes.
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { isRegistrySource } from '../image/source.ts';
import { fetchLayers } from '../image/fetch-layers.ts';
import type { Image } from '../image/image.ts';
import type { CacheDirectory } from '../layer/cache-directory.ts';
import type { BlobLocation } from '../layer/layer.ts';
import { parseRegistryReference, repositoryOf, showReference } from '../registry/reference.ts';
import { Repository, type RepositoryOptions } from '../registry/repository.ts';
import {
  type LocalBlob,
  type UploadResult,
  offerBlob,
  sendBlob,
  uploadManifest,
} from '../registry/uploads.ts';
import { InputError } from '../vfs/input-error.ts';
import { BlobCache } from './blob-cache.ts';
import { readStoredImage } from './stored-image.ts';

export interface PushOptions {
  readonly diskCache: CacheDirectory | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Gets the bytes of the source's layers that were fetched, because they must be sent, and the total. */
  readonly onFetch?: ((done: number, total: number) => void) | undefined;
  /** Gets the bytes that were sent or need not be, and the total. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  readonly registry?: RepositoryOptions | undefined;
}

export type { UploadResult };

/** A blob of the pushed image. */
export interface PushedBlob {
  readonly digest: string;
  readonly size: number;
  /** 'there': the repository had it. 'mounted': another repository of the registry had it. */
  readonly result: UploadResult;
}

/** What a push brought to the registry. */
export interface PushedImage {
  /** `host/name:tag`. */
  readonly name: string;
  /** `sha256:<hex>` of the manifest. */
  readonly digest: string;
  /** The layers, base first, and the config. */
  readonly blobs: readonly PushedBlob[];
}

/** Rejects with an InputError if the image can't be pushed as it is stored, or the registry refuses it. */
export async function pushImage(image: Image, target: string, options: PushOptions): Promise<PushedImage> {
  const { signal, onFetch, onProgress } = options;
  const reference = parseRegistryReference(target);
  const stored = await readStoredImage(image);
  const { manifest, config } = stored;
  if (reference.digest !== undefined && reference.digest !== manifest.digest) {
    throw new InputError(
      `${target}: the image has the digest ${manifest.digest}; push it by a tag, or by that digest`,
    );
  }
  const repository = Repository.open(target, { ...options.registry, forPush: true });
  const cache = new BlobCache(options.diskCache);
  const { server, retries } = repository;
  const locals = [
    ...stored.layers.map(({ digest, blob }) => localBlob(digest, blob)),
    {
      digest: config.digest,
      size: config.bytes.length,
      open: (offset: number) => Readable.from([config.bytes.subarray(offset)]),
    },
  ];
  const total = locals.reduce((sum, { size }) => sum + size, 0);
  let done = 0;
  const count = (bytes: number): void => onProgress?.((done += bytes), total);
  const results = new Map<LocalBlob, UploadResult>();
  const place = repositoryOf(reference);
  try {
    const missing: LocalBlob[] = [];
    for (const local of locals) {
      const from = await origins(cache, local.digest, image, reference.host);
      const result = await offerBlob(server, local, from, { retries, signal });
      if (result === undefined) missing.push(local);
      else {
        count(local.size);
        results.set(local, result);
        await cache.noteOrigin(local.digest, place);
      }
    }
    const digests = new Set(missing.map(({ digest }) => digest));
    // Layers that are to be sent must be here; those of an image in a registry may not be.
    await fetchLayers(
      image.layers.filter((layer) => layer.kind === 'blob' && digests.has(layer.digest ?? '')),
      { signal, onFetch },
    );
    for (const local of missing) {
      const before = done;
      await sendBlob(server, local, { retries, signal, onSent: count });
      count(before + local.size - done);
      results.set(local, 'sent');
      await cache.noteOrigin(local.digest, place);
    }
    await uploadManifest(
      server,
      { ...manifest, reference: reference.digest ?? reference.tag ?? 'latest' },
      { retries, signal },
    );
  } finally {
    await repository.close();
  }
  const blobs = locals.map((local) => ({
    digest: local.digest,
    size: local.size,
    result: results.get(local) as UploadResult,
  }));
  return { name: showReference(reference), digest: manifest.digest, blobs };
}

/** Repositories of `host` that have the blob: those that earlier pulls and pushes noted, and that of the source. */
async function origins(cache: BlobCache, digest: string, { source }: Image, host: string): Promise<string[]> {
  const own = isRegistrySource(source) ? [repositoryOf(parseRegistryReference(source))] : [];
  const prefix = `${host}/`;
  return [...new Set([...own, ...(await cache.origins(digest))])]
    .filter((origin) => origin.startsWith(prefix))
    .map((origin) => origin.slice(prefix.length))
    .slice(0, 2);
}

function localBlob(digest: string, { path, offset, length }: BlobLocation): LocalBlob {
  return {
    digest,
    size: length,
    open: (from) =>
      from >= length
        ? Readable.from([])
        : createReadStream(path, { start: offset + from, end: offset + length - 1 }),
  };
}
