// From an image to its layers: opened and merged for a mount, or only indexed for a later one.
import { BlockCache } from '../cache/block-cache.ts';
import type { Lease } from '../layer/shared-values.ts';
import type { Image, LayerSource } from '../image/image.ts';
import {
  type OpenedLayer,
  type OpenLayersOptions,
  nameLayer,
  openLayers,
  reopenLayers,
} from '../image/open-layers.ts';
import { IndexStore } from '../layer/index-store.ts';
import { sizeOfLayer } from '../layer/layer-size.ts';
import type { Compression, LayerBytes } from '../layer/layer.ts';
import { buildTree } from '../tree/merge.ts';
import type { SavedTree } from '../tree/tree-file.ts';
import { TreeStore, keyOfTree } from '../tree/tree-store.ts';
import type { Tree } from '../tree/tree.ts';
import { collectGarbage } from '../sys/collect-garbage.ts';
import type { BlobReader } from '../vfs/blob-reader.ts';
import { InputError } from '../vfs/input-error.ts';
import { type IdentifiedLayer, type LayersIdentity, identifyLayers, nameLayers } from './layer-identity.ts';
import { type WithDiskCache, indexCacheOf } from './cache-choice.ts';
import { keepErofsImage } from './keep-erofs-image.ts';
import { DEFAULT_CACHE_SIZE, type MountOptions, directoryMarksOf } from './options.ts';
import type { MountOrigin } from './origin.ts';
import type { Sharing } from './sharing.ts';
import { showText } from '../vfs/show-text.ts';
import type { Progress } from './watch.ts';

/** Inodes from which what merging left behind is worth a garbage collection: some 10 MB. */
const LARGE_TREE = 50_000;

/** All layers of an image, open. */
export interface StackedLayers {
  /** One a layer, base first. */
  readonly readers: readonly BlobReader[];
  /** Undefined without an upper: that of a directory takes its time. */
  readonly identity: LayersIdentity | undefined;
  /** What names the layers, as `nameLayers`. */
  readonly layersId: string;
  /** The key of the saved tree (tree-store.ts); undefined if it can't be saved. */
  readonly treeKey: string | undefined;
  /** The key of the tree in this process; undefined if no other mount can have the same. */
  readonly sharedTreeKey: string | undefined;
  close(): void;
}

/** All layers of an image, merged. */
export interface MergedLayers extends StackedLayers {
  readonly tree: Tree;
  /** Bytes of all layers' files, as docker counts an image's size. */
  readonly size: number;
}

/** The open layers and merged trees, each once in this process, and their cache. */
export type SharedLayers = Pick<Sharing, 'cache' | 'layers' | 'trees'>;

/** How the layers of an image may be opened. */
export interface OpeningRules extends PartRules {
  /** False: InputError where they would have to be fetched whole or indexed. */
  readonly mayIndex?: boolean;
  /** What `reopenStackedLayers` returned, if it was asked already: merged, or closed where their tree was not kept. */
  readonly reopened?: StackedLayers | undefined;
}

/** True if some of its bytes are still in a registry. */
export const isInRegistry = (source: LayerSource): boolean =>
  source.kind === 'blob' && source.remote?.isHere() === false;

type PartRules = Pick<OpenLayersOptions, 'opensParts' | 'needsTar' | 'onFailure'>;

/** The image's layers, merged: as another mount of this process has them, as an earlier mount did it, or anew. */
export async function openMergedLayers(
  image: Image,
  shared: SharedLayers,
  options: WithDiskCache<MountOptions>,
  { mayIndex = true, reopened, ...rules }: OpeningRules = {},
): Promise<MergedLayers> {
  const again = reopened ?? (await reopenStackedLayers(image, shared, options, rules));
  const saved = again === undefined ? undefined : await loadTreeOf(again, shared, options);
  if (saved !== undefined) return saved;
  if (!mayIndex && !(rules.opensParts === true && image.layers.some(isInRegistry))) {
    throw new InputError(`${showText(image.source)}: its layers were not indexed, or changed since then`, {
      code: 'ERR_STRATAFS_CHANGED',
    });
  }
  const merged = await mergeLayers(image, shared, options, { ...rules, mayIndex });
  if (merged.tree.inodeCount > LARGE_TREE) collectGarbage();
  return merged;
}

/** The tree has all that the layers' indexes had: those are let go of here, and only the readers stay open. */
async function mergeLayers(
  image: Image,
  shared: SharedLayers,
  options: WithDiskCache<MountOptions>,
  rules: OpeningRules,
): Promise<MergedLayers> {
  const layers = await openLayers(image, { ...sharedOptions(shared, options), ...rules });
  try {
    const stacked = nameStacked(layers, options);
    const tree = await leaseTree(shared, stacked.sharedTreeKey, options, () =>
      treeOf(image, layers, { trees: treeStoreOf(options), forbidsUnfollowed: true }),
    );
    if (tree === undefined) throw new Error('layers that are open were not merged');
    return withTree(stacked, tree, options);
  } catch (error) {
    closeAll(layers);
    throw error;
  }
}

/** The tree of `key`, from another mount of this process or from `load`; nobody else's without a key. */
async function leaseTree(
  { trees }: SharedLayers,
  key: string | undefined,
  { signal }: MountOptions,
  load: () => Promise<SavedTree | undefined>,
): Promise<Lease<SavedTree> | undefined> {
  if (key === undefined) {
    const value = await load();
    return value === undefined ? undefined : { value, release: () => undefined };
  }
  return trees.inTurn(key, signal, async () => {
    const shared = trees.take(key);
    if (shared !== undefined) return shared;
    const loaded = await load();
    return loaded === undefined ? undefined : trees.add(key, loaded);
  });
}

/** How layers are merged. */
export interface TreeOptions {
  /** Undefined: the tree is neither loaded nor saved. */
  readonly trees: TreeStore | undefined;
  /** As in `buildTree`. */
  readonly forbidsUnfollowed: boolean;
}

/** The merged tree of layers: loaded from `trees`, or merged now and saved there. Throws InputError like `buildTree`. */
export async function treeOf(
  image: Image,
  layers: readonly OpenedLayer[],
  { trees, forbidsUnfollowed }: TreeOptions,
): Promise<SavedTree> {
  const key = treeKey(layers.map(({ layer }) => layer));
  const saved = key === undefined ? undefined : await trees?.load(key);
  if (saved !== undefined) return saved;
  const merged = {
    tree: buildTree(
      layers.map(({ layer }) => layer.index),
      { nameLayer: (layer) => nameLayer(image, layer), forbidsUnfollowed },
    ),
    layersSize: layers.reduce((sum, { layer }) => sum + sizeOfLayer(layer.index), 0),
  };
  if (key !== undefined) await trees?.save(key, merged);
  return merged;
}

/**
 * The layers as another mount has them, or as an earlier mount or command merged them; undefined where it kept too little
 * of them. No layer is read.
 */
export async function reopenMergedLayers(
  image: Image,
  shared: SharedLayers,
  options: WithDiskCache<MountOptions>,
  rules: PartRules = {},
): Promise<MergedLayers | undefined> {
  const reopened = await reopenStackedLayers(image, shared, options, rules);
  return reopened === undefined ? undefined : loadTreeOf(reopened, shared, options);
}

/** `layers` with the tree that was kept of them. Without one, they are closed. */
async function loadTreeOf(
  layers: StackedLayers,
  shared: SharedLayers,
  options: WithDiskCache<MountOptions>,
): Promise<MergedLayers | undefined> {
  const { treeKey: key, sharedTreeKey: sharedKey } = layers;
  let merged: MergedLayers | undefined;
  try {
    const load = async (): Promise<SavedTree | undefined> =>
      key === undefined ? undefined : treeStoreOf(options)?.load(key);
    const tree = await leaseTree(shared, sharedKey, options, load);
    merged = tree === undefined ? undefined : withTree(layers, tree, options);
    return merged;
  } finally {
    if (merged === undefined) layers.close();
  }
}

/** The layers, not merged; undefined where an earlier mount or command kept too little of them. No layer is read. */
export async function reopenStackedLayers(
  image: Image,
  shared: SharedLayers,
  options: WithDiskCache<MountOptions>,
  rules: PartRules = {},
): Promise<StackedLayers | undefined> {
  const opened = await reopenLayers(image, { ...sharedOptions(shared, options), ...rules });
  if (opened === undefined) return undefined;
  const layers = opened.map((layer, i) => ({ layer, source: image.layers[i] as LayerSource }));
  const stacked = nameStacked(layers, options);
  if (stacked.sharedTreeKey !== undefined) return stacked;
  stacked.close();
  return undefined;
}

/** An open layer, and what the image says of it. */
type NamedLayer = IdentifiedLayer & { readonly layer: LayerBytes };

function closeAll(layers: readonly { readonly layer: Pick<LayerBytes, 'close'> }[]): void {
  for (const { layer } of layers.toReversed()) layer.close();
}

/** Undefined where some layer's bytes have no name: a directory's never have. */
function treeKey(layers: readonly LayerBytes[]): string | undefined {
  const diffIds = layers.flatMap(({ diffId }) => diffId ?? []);
  return diffIds.length === layers.length ? keyOfTree(diffIds) : undefined;
}

/** The result closes the layers. */
function nameStacked(named: readonly NamedLayer[], { upper }: MountOptions): StackedLayers {
  const layers = named.map(({ layer }) => layer);
  return {
    readers: layers.map(({ reader }) => reader),
    identity: upper === undefined ? undefined : identifyLayers(named),
    layersId: nameLayers(named),
    treeKey: treeKey(layers),
    sharedTreeKey: sharedTreeKey(layers),
    close: () => closeAll(named),
  };
}

/** As `treeKey`, in this process alone: also for layers that are partly here, which nobody has verified. */
function sharedTreeKey(layers: readonly LayerBytes[]): string | undefined {
  const key = treeKey(layers);
  if (key !== undefined) return key;
  const names = layers.flatMap(({ diffId, indexId }) => diffId ?? indexId ?? []);
  return names.length === layers.length ? `parts ${names.join(' ')}` : undefined;
}

/** The result closes the layers, and releases the tree. */
function withTree(
  layers: StackedLayers,
  { value: { tree, layersSize }, release }: Lease<SavedTree>,
  { upper }: MountOptions,
): MergedLayers {
  return {
    ...layers,
    tree: upper === undefined ? tree : tree.withOwnMarks(),
    size: layersSize,
    close: () => {
      layers.close();
      release();
    },
  };
}

/** How `options` have layers opened. */
export function layerOptions(
  cache: BlockCache,
  options: WithDiskCache<MountOptions> & Pick<MountOrigin, 'directoryMarks'>,
): OpenLayersOptions {
  const { onNotice, onProgress, signal } = options;
  const diskCache = indexCacheOf(options);
  return {
    cache,
    store: diskCache === undefined ? undefined : new IndexStore(diskCache),
    verify: options.verify ?? 'when-new',
    obeysOwners: options.ownerKeeping !== undefined,
    directoryMarks: options.directoryMarks ?? directoryMarksOf(options),
    ...(signal === undefined ? {} : { signal }),
    ...(onNotice === undefined ? {} : { onNotice }),
    ...(onProgress === undefined ? {} : watchLayers(onProgress)),
  };
}

/** What comes from a registry is shown first: it takes longer than indexing, which goes on beside it. */
function watchLayers(
  onProgress: (progress: Progress) => void,
): Required<Pick<OpenLayersOptions, 'onFetch' | 'onProgress'>> {
  let isFetching = false;
  return {
    onFetch: (done, total) => {
      isFetching = done < total;
      onProgress({ what: 'fetching', done, total });
    },
    onProgress: (done, total) => {
      if (!isFetching) onProgress({ what: 'indexing', done, total });
    },
  };
}

function sharedOptions(
  { cache, layers }: SharedLayers,
  options: WithDiskCache<MountOptions>,
): OpenLayersOptions {
  return { ...layerOptions(cache, options), pool: layers };
}

/** Undefined where nothing is to be kept. */
export function treeStoreOf(
  options: WithDiskCache<Pick<MountOptions, 'useIndexCache'>>,
): TreeStore | undefined {
  const diskCache = indexCacheOf(options);
  return diskCache === undefined ? undefined : new TreeStore(diskCache);
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

/**
 * Makes the indexes of an image's layers, base first, the tree that its first mount would merge, and for root, who alone
 * can mount it, the EROFS image.
 */
export async function indexLayers(
  image: Image,
  options: WithDiskCache<MountOptions>,
): Promise<IndexedLayer[]> {
  const diskCache = indexCacheOf(options);
  const layers = await openLayers(image, layerOptions(new BlockCache(DEFAULT_CACHE_SIZE), options));
  try {
    const key = treeKey(layers.map(({ layer }) => layer));
    if (diskCache !== undefined && key !== undefined) {
      const trees = new TreeStore(diskCache);
      const merged = await treeOf(image, layers, { trees, forbidsUnfollowed: true });
      const readers = layers.map(({ layer }) => layer.reader);
      if (process.geteuid?.() === 0) await keepErofsImage(diskCache, merged, key, readers);
    }
  } catch (error) {
    // Layers that can't be merged can't be mounted, which a mount says; each has its index.
    if (!(error instanceof InputError)) throw error;
  } finally {
    for (const { layer } of layers.toReversed()) layer.close();
  }
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
