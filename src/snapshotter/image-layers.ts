// ImageLayers: gets the layers of images that a pull asks for: by an index of the registry that is to be trusted, or whole.
//
// A layer is believed to be what a snapshot's name (a ChainID) says only if the image's config says so and the bytes have the
// DiffIDs of the config. Otherwise an image could put its files in the place of another image's.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { Image, LayerSource } from '../image/image.ts';
import { indexImage, openImage } from '../mount/mount.ts';
import { parseRegistryReference, repositoryOf } from '../registry/reference.ts';
import { InputError } from '../vfs/input-error.ts';
import type { WantedLayer } from './claim-labels.ts';
import type { Directories } from './directories.ts';
import type { ImageLayer } from './snapshot.ts';

/** Fetches at a time. */
const MAX_FETCHES = 4;
/** How long an image stays open after the last layer was asked for, milliseconds. */
const IDLE_TIME = 30_000;

export interface ImageLayersOptions {
  readonly directories: Directories;
  /** An index that the registry has for an image is believed. */
  readonly trustsIndex: boolean;
  readonly onBytes: (count: number) => void;
  readonly signal: AbortSignal;
}

type BlobLayer = Extract<LayerSource, { kind: 'blob' }> & {
  readonly digest: string;
  readonly diffId: string;
};

/** An image whose layers can be shown. */
interface ReadyImage {
  /** `docker://HOST/NAME@DIGEST`. */
  readonly pinned: string;
  readonly layers: readonly BlobLayer[];
  /** Base first. */
  readonly chainIds: readonly string[];
  readonly isLazy: boolean;
}

interface PendingImage {
  readonly ready: Promise<ReadyImage>;
  timer: NodeJS.Timeout | undefined;
}

export class ImageLayers {
  readonly #options: ImageLayersOptions;
  readonly #images = new Map<string, PendingImage>();
  /** Digests of blobs that are being fetched, or wait for their snapshot. */
  readonly #reserved = new Map<string, number>();

  constructor(options: ImageLayersOptions) {
    this.#options = options;
  }

  /** True while no snapshot has the blob, but may soon. */
  isReserved(digest: string): boolean {
    return this.#reserved.has(digest);
  }

  /** The layer, once it can be shown. InputError where it can't be had, or is not the one that is wanted. */
  async get({ target, source, digest }: WantedLayer): Promise<ImageLayer> {
    const pending = this.#images.get(source) ?? this.#open(source);
    clearTimeout(pending.timer);
    try {
      const { pinned, layers, chainIds, isLazy } = await pending.ready;
      const place = chainIds.indexOf(target);
      const layer = layers[place];
      if (layer === undefined || layer.digest !== digest) {
        throw new InputError(`${source}: has no layer ${digest} with the ChainID ${target}`);
      }
      return { image: pinned, number: place + 1, digest, size: layer.blob.length, isLazy };
    } finally {
      clearTimeout(pending.timer);
      pending.timer = setTimeout(() => this.#forget(source), IDLE_TIME).unref();
    }
  }

  close(): void {
    for (const [source, { timer }] of this.#images) {
      clearTimeout(timer);
      this.#forget(source);
    }
  }

  #open(source: string): PendingImage {
    const pending: PendingImage = { ready: this.#makeReady(source), timer: undefined };
    this.#images.set(source, pending);
    pending.ready.catch(() => this.#forget(source));
    return pending;
  }

  #forget(source: string): void {
    const pending = this.#images.get(source);
    this.#images.delete(source);
    pending?.ready.then(
      ({ layers, isLazy }) => {
        if (!isLazy) this.#release(layers);
      },
      () => undefined, // it released its layers itself
    );
  }

  async #makeReady(source: string): Promise<ReadyImage> {
    const { trustsIndex, directories, signal } = this.#options;
    const cacheDirectory = join(directories.cache, 'stratafs');
    const image = await openImage(source, { trustsIndex, cacheDirectory, signal });
    try {
      const layers = image.layers.map((layer) => requireBlob(source, layer));
      const { host, name } = parseRegistryReference(source);
      const repository = repositoryOf({ host, name, typed: source, tag: undefined, digest: undefined });
      if (image.manifest === undefined) throw new InputError(`${source}: has no manifest`);
      const ready = {
        pinned: `docker://${repository}@${image.manifest.digest}`,
        layers,
        chainIds: chainIdsOf(layers.map(({ diffId }) => diffId)),
      };
      if (trustsIndex && (await this.#haveIndexes(layers))) return { ...ready, isLazy: true };
      this.#reserve(layers);
      try {
        await this.#fetchAll(layers);
        const here = { ...image, layers: layers.map((layer) => this.#layerHere(layer)) };
        await indexImage(withoutRegistry(here), { cacheDirectory, signal });
      } catch (error) {
        this.#release(layers);
        throw error;
      }
      return { ...ready, isLazy: false };
    } finally {
      image.release?.();
    }
  }

  async #haveIndexes(layers: readonly BlobLayer[]): Promise<boolean> {
    for (const { remote } of layers) {
      if ((await remote?.findIndex?.(this.#options.signal)) === undefined) return false;
    }
    return true;
  }

  async #fetchAll(layers: readonly BlobLayer[]): Promise<void> {
    const missing = layers.filter(
      (layer, i) =>
        !existsSync(this.#options.directories.blob(layer)) &&
        layers.findIndex(({ digest }) => digest === layer.digest) === i,
    );
    const fetchers = Array.from({ length: MAX_FETCHES }, async () => {
      for (let next = missing.shift(); next !== undefined; next = missing.shift()) await this.#fetch(next);
    });
    await Promise.all(fetchers);
  }

  /** The blob is moved out of the cache, where it could be removed to make room. */
  async #fetch(layer: BlobLayer): Promise<void> {
    const { directories, signal, onBytes } = this.#options;
    if (layer.remote === undefined) throw new InputError(`${layer.digest}: is not in a registry`);
    let before: number | undefined;
    await layer.remote.fetch({
      signal,
      onProgress: (done) => {
        if (before !== undefined) onBytes(Math.max(0, done - before));
        before = done;
      },
    });
    await rename(layer.blob.path, directories.blob(layer));
  }

  #layerHere({ digest, diffId, blob }: BlobLayer): LayerSource {
    const path = this.#options.directories.blob({ digest });
    return { kind: 'blob', digest, diffId, blob: { path, offset: 0, length: blob.length } };
  }

  #reserve(layers: readonly BlobLayer[]): void {
    for (const { digest } of layers) this.#reserved.set(digest, (this.#reserved.get(digest) ?? 0) + 1);
  }

  #release(layers: readonly BlobLayer[]): void {
    for (const { digest } of layers) {
      const count = (this.#reserved.get(digest) ?? 0) - 1;
      if (count > 0) this.#reserved.set(digest, count);
      else this.#reserved.delete(digest);
    }
  }
}

function requireBlob(source: string, layer: LayerSource): BlobLayer {
  if (layer.kind !== 'blob' || layer.digest === undefined || layer.diffId === undefined) {
    throw new InputError(`${source}: has a layer that is not in the registry, or has no digest`);
  }
  return { ...layer, digest: layer.digest, diffId: layer.diffId };
}

/** Only the layers: those of a bare stack, as they are mounted later. */
function withoutRegistry({ source, layers }: Image): Image {
  return { source, names: [], id: undefined, config: undefined, platform: undefined, history: [], layers };
}

/** OCI image-spec, config.md: the digest of a stack of layers, for each layer as the topmost. */
export function chainIdsOf(diffIds: readonly string[]): string[] {
  const chainIds: string[] = [];
  for (const diffId of diffIds) {
    const below = chainIds.at(-1);
    chainIds.push(below === undefined ? diffId : digestOfText(`${below} ${diffId}`));
  }
  return chainIds;
}

const digestOfText = (text: string): string => `sha256:${createHash('sha256').update(text).digest('hex')}`;
