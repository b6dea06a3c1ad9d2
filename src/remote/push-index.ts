// Sends the indexes of an image's layers to its registry, as an artifact whose subject is the image's manifest.
import { Readable } from 'node:stream';
import {
  EMPTY_CONFIG,
  type IndexBlobs,
  descriptorOf,
  referrersTag,
  replaceArtifact,
  writeManifest,
} from '../index-source/artifact.ts';
import { encodeParts } from '../index-source/layer-parts.ts';
import type { Image } from '../image/image.ts';
import type { IndexStore } from '../layer/index-store.ts';
import { Repository, type RepositoryOptions } from '../registry/repository.ts';
import { type LocalBlob, offerBlob, sendBlob, uploadManifest } from '../registry/uploads.ts';
import { InputError } from '../vfs/input-error.ts';
import { OCI_INDEX, OCI_MANIFEST } from '../vfs/media-types.ts';
import { showText } from '../vfs/show-text.ts';
import { unlessMissing } from './find-index.ts';

export interface PushIndexOptions {
  /** Has the indexes of the layers. */
  readonly store: IndexStore;
  readonly signal?: AbortSignal | undefined;
  readonly registry?: RepositoryOptions | undefined;
}

/** An artifact that was sent. */
export interface PushedIndex {
  /** `sha256:<hex>` of the artifact's manifest. */
  readonly digest: string;
  /** The number of layers whose index it has: others must be fetched whole. */
  readonly layers: number;
  /** Bytes of its blobs. */
  readonly size: number;
}

/** Rejects with an InputError if the image is not of a registry, or the registry refuses the artifact. */
export async function pushIndex(image: Image, options: PushIndexOptions): Promise<PushedIndex> {
  const { signal } = options;
  const shown = showText(image.source);
  const { manifest } = image;
  if (manifest?.mediaType === undefined) throw new InputError(`${shown}: has no manifest in a registry`);
  const repository = Repository.open(image.source, { ...options.registry, forPush: true });
  const { server, retries } = repository;
  try {
    const { layers, blobs } = await encodeLayers(image, options.store);
    if (layers.size === 0) throw new InputError(`${shown}: has no layer that can be read in parts`);
    for (const blob of blobs) {
      const result = await offerBlob(server, blob, [], { retries, signal });
      if (result === undefined) await sendBlob(server, blob, { retries, signal });
    }
    const subject = { mediaType: manifest.mediaType, digest: manifest.digest, size: manifest.blob.length };
    const bytes = writeManifest(subject, layers);
    const artifact = descriptorOf(bytes);
    const upload = { reference: artifact.digest, bytes, mediaType: OCI_MANIFEST, digest: artifact.digest };
    const { listsReferrers } = await uploadManifest(server, upload, { retries, signal });
    if (!listsReferrers) {
      const tag = referrersTag(manifest.digest);
      const before = await unlessMissing(repository.manifest(tag, signal));
      const list = replaceArtifact(before?.bytes, artifact);
      const { digest } = descriptorOf(list);
      await uploadManifest(
        server,
        { reference: tag, bytes: list, mediaType: OCI_INDEX, digest },
        { retries, signal },
      );
    }
    const size = blobs.reduce((sum, each) => sum + each.size, 0);
    return { digest: artifact.digest, layers: layers.size, size };
  } finally {
    await repository.close();
  }
}

async function encodeLayers(
  image: Image,
  store: IndexStore,
): Promise<{ layers: Map<string, IndexBlobs>; blobs: LocalBlob[] }> {
  const layers = new Map<string, IndexBlobs>();
  const blobs = [localBlob(EMPTY_CONFIG)];
  for (const layer of image.layers) {
    if (layer.kind !== 'blob' || layer.digest === undefined || layers.has(layer.digest)) continue;
    const indexed = await store.loadIndex(layer.digest.slice('sha256:'.length));
    // Bytes that were saved uncompressed here must be made by each reader: the whole layer is needed.
    if (indexed === undefined || indexed.hasSpilled) continue;
    const { names, windows } = await encodeParts(indexed);
    blobs.push(localBlob(names));
    if (windows.length > 0) blobs.push(localBlob(windows));
    layers.set(layer.digest, {
      names: descriptorOf(names),
      windows: windows.length > 0 ? descriptorOf(windows) : undefined,
    });
  }
  return { layers, blobs };
}

function localBlob(bytes: Uint8Array): LocalBlob {
  return { ...descriptorOf(bytes), open: (offset) => Readable.from([bytes.subarray(offset)]) };
}
