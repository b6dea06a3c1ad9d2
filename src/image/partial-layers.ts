// Opens layers of a registry before their bytes are here, with an index that may be believed.
//
// The index that this machine made of the layer is believed: its bytes were verified then, and were removed from the cache
// since. An index from elsewhere is believed only if the opener of the image said so.
import type { PartialBlob } from '../blobs/partial-blob.ts';
import { openLayer, type OpenLayerOptions } from '../layer/open-layer.ts';
import { canReadParts, openPartialLayer } from '../layer/partial-layer.ts';
import type { IndexedLayer } from '../layer/index-file.ts';
import { bytesOfLayerIndex } from '../layer/layer-index-layout.ts';
import type { Layer } from '../layer/layer.ts';
import type { LayerSource } from './image.ts';
import type { OpenLayersOptions } from './open-layers.ts';

type BlobSource = Extract<LayerSource, { kind: 'blob' }>;

/** An index that may be used before the bytes are verified. Its layer has `RemoteLayer.openPart`. */
export interface TrustedIndex {
  readonly indexed: IndexedLayer;
  /** True: made here, from verified bytes. */
  readonly isOwn: boolean;
  /** The bytes of the windows, which `indexed` lacks. */
  readonly openWindows?: (() => PartialBlob | undefined) | undefined;
}

/**
 * The indexes of those `sources` that can be opened without their bytes. One at a time: an index from elsewhere may be large when it
 * is unpacked. If one can't be had, nothing goes on.
 */
export async function findIndexes(
  sources: readonly LayerSource[],
  maxBytes: number,
  options: Pick<OpenLayersOptions, 'verify' | 'store' | 'signal'>,
): Promise<ReadonlyMap<LayerSource, TrustedIndex>> {
  const found = new Map<LayerSource, TrustedIndex>();
  if (options.verify !== 'when-new') return found;
  let room = maxBytes;
  for (const source of sources) {
    const index = source.kind === 'blob' ? await findIndex(source, options) : undefined;
    if (index === undefined) continue;
    room -= bytesOfLayerIndex(index.indexed.index).length;
    // Too large: openLayers refuses the image when it opens the layer.
    if (room < 0) break;
    found.set(source, index);
  }
  return found;
}

async function findIndex(
  source: BlobSource,
  { store, signal }: Pick<OpenLayersOptions, 'store' | 'signal'>,
): Promise<TrustedIndex | undefined> {
  const { remote, digest, blob } = source;
  if (remote?.openPart === undefined || remote.isHere() || digest === undefined) return undefined;
  const sha256 = digest.slice('sha256:'.length);
  const own = await store?.loadIndex(sha256);
  if (own !== undefined && canReadParts(own, blob.length, source)) return { indexed: own, isOwn: true };
  const other = await remote.findIndex?.(signal);
  if (other === undefined || other.indexed.blobSha256 !== sha256) return undefined;
  if (!canReadParts(other.indexed, blob.length, source)) return undefined;
  return { indexed: other.indexed, isOwn: false, openWindows: () => other.openWindows() };
}

/** The layer; all that is read of it is fetched then. */
export async function openPart(
  source: BlobSource,
  { indexed, isOwn, openWindows }: TrustedIndex,
  options: OpenLayerOptions & Pick<OpenLayersOptions, 'onFailure'>,
): Promise<Layer> {
  const { label, cache, pool, onFailure, signal } = options;
  const open = async (): Promise<Layer> => {
    const blob = source.remote?.openPart?.(indexed.chunkSha256);
    if (blob === undefined) throw new Error('a layer with an index has no place for its parts');
    const verify = (): Promise<IndexedLayer> => verifyWhole(source, options);
    try {
      const windows = openWindows?.();
      return openPartialLayer(blob, indexed, {
        ...{ label, cache, onFailure, isOwnIndex: isOwn, verify, windows },
      });
    } catch (error) {
      await blob.close();
      throw error;
    }
  };
  if (pool === undefined || !isOwn) return open();
  const key = `part ${source.digest ?? ''}`;
  return pool.inTurn(key, signal, async () => {
    const shared = pool.take(key, () => true);
    return shared === undefined ? pool.add(key, await open()) : { ...shared, index: indexed.index };
  });
}

/** Reads the layer as one that came whole: its DiffID is compared, and its index is made and saved here. */
async function verifyWhole(source: BlobSource, options: OpenLayerOptions): Promise<IndexedLayer> {
  const { label, cache, store, verify } = options;
  const layer = await openLayer(source.blob, source, { label, cache, store, verify });
  layer.close();
  if (layer.facts === undefined) throw new Error('a blob has no facts');
  return { ...layer.facts, index: layer.index };
}
