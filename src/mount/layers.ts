// From an image to its layers: opened and merged for a mount, or only indexed for a later one.
import { BlockCache } from '../cache/block-cache.ts';
import type { Image } from '../image/image.ts';
import { type OpenedLayer, type OpenLayersOptions, nameLayer, openLayers } from '../image/open-layers.ts';
import { IndexStore } from '../layer/index-store.ts';
import { sizeOfLayer } from '../layer/layer-size.ts';
import type { Compression } from '../layer/layer.ts';
import { buildTree } from '../tree/merge.ts';
import type { Tree } from '../tree/tree.ts';
import type { BlobReader } from '../vfs/blob-reader.ts';
import { type LayersIdentity, identifyLayers, nameLayers } from './layer-identity.ts';
import { DEFAULT_CACHE_SIZE, type MountOptions, defaultCacheDirectory } from './options.ts';

/** All layers of an image, merged. */
export interface MergedLayers {
  readonly tree: Tree;
  /** One a layer, base first. */
  readonly readers: readonly BlobReader[];
  /** Undefined where it was not asked for: that of a directory takes its time. */
  readonly identity: LayersIdentity | undefined;
  /** What names the layers, as `nameLayers`. */
  readonly layersId: string;
  /** Bytes of all layers' files, as docker counts an image's size. */
  readonly size: number;
  close(): void;
}

/** The tree has all that the layers' indexes had: those are let go of here, and only the readers stay open. */
export async function openMergedLayers(
  image: Image,
  cache: BlockCache,
  options: MountOptions,
): Promise<MergedLayers> {
  const layers = await openLayers(image, layerOptions(cache, options));
  const readers = layers.map(({ layer }) => layer.reader);
  const close = (): void => {
    for (const reader of readers.toReversed()) reader.close();
  };
  try {
    const tree = buildTree(
      layers.map(({ layer }) => layer.index),
      { nameLayer: (layer) => nameLayer(image, layer) },
    );
    const identity = options.upper === undefined ? undefined : identifyLayers(layers);
    const size = layers.reduce((sum, { layer }) => sum + sizeOfLayer(layer.index), 0);
    return { tree, readers, identity, layersId: nameLayers(layers), size, close };
  } catch (error) {
    close();
    throw error;
  }
}

/** How `options` have layers opened. */
export function layerOptions(cache: BlockCache, options: MountOptions): OpenLayersOptions {
  const { onNotice, onProgress, signal } = options;
  const useStore = options.useIndexCache ?? true;
  return {
    cache,
    store: useStore ? new IndexStore(options.cacheDirectory ?? defaultCacheDirectory()) : undefined,
    verify: options.verify ?? 'when-new',
    obeysOwners: options.ownerKeeping !== undefined,
    ...(signal === undefined ? {} : { signal }),
    ...(onNotice === undefined ? {} : { onNotice }),
    ...(onProgress === undefined
      ? {}
      : { onProgress: (done, total) => onProgress({ what: 'indexing', done, total }) }),
  };
}

/** What indexing learnt of one layer. */
export interface IndexedLayer {
  /** Counted from 1 at the base. */
  readonly number: number;
  /** `sha256:<hex>` of the blob as stored; undefined for a directory, or where nothing was verified. */
  readonly digest: string | undefined;
  readonly compression: Compression;
  /** Names in the layer, whiteouts included. */
  readonly entries: number;
  /** Stored and uncompressed bytes; 0 for a directory. */
  readonly size: number;
  readonly tarSize: number;
  /** False where the index was there already. */
  readonly wasRead: boolean;
  readonly milliseconds: number;
}

/** Makes the indexes of an image's layers; base first. */
export async function indexLayers(image: Image, options: MountOptions): Promise<IndexedLayer[]> {
  const layers = await openLayers(image, layerOptions(new BlockCache(DEFAULT_CACHE_SIZE), options));
  for (const { layer } of layers) layer.close();
  return layers.map(describeLayer);
}

function describeLayer({ layer, source, wasRead, milliseconds }: OpenedLayer, i: number): IndexedLayer {
  return {
    number: i + 1,
    digest: layer.digest,
    compression: layer.compression,
    entries: layer.index.dentryCount,
    size: source.kind === 'blob' ? source.blob.length : 0,
    tarSize: source.kind === 'blob' ? layer.reader.size : 0,
    wasRead,
    milliseconds,
  };
}
