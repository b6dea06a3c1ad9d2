// Opens layers of a registry before their bytes are here, with an index that may be believed.
//
// The index that this machine made of the layer is believed: its bytes were verified then, and were removed from the cache
// since. An index from elsewhere is believed only if the manifest of the image names it, or the opener of the image said so.
import { openLayer, type OpenLayerOptions } from '../layer/open-layer.ts';
import type { LayerIndex } from '../layer/layer-index.ts';
import type { WholeLayer } from '../layer/partial-content.ts';
import {
  type PartialLayerOptions,
  PartialReader,
  canReadParts,
  openMemberLayer,
  openPartialLayer,
} from '../layer/partial-layer.ts';
import { bytesOfLayerIndex } from '../layer/layer-index-layout.ts';
import type { Layer, LayerBytes } from '../layer/layer.ts';
import type { LayerSource, LoadedIndex, RegistryIndex } from './image.ts';
import type { OpenLayersOptions } from './open-layers.ts';

type BlobSource = Extract<LayerSource, { kind: 'blob' }>;

/** An index that may be used before the bytes are verified. Its layer has `RemoteLayer.openPart`. */
export interface TrustedIndex {
  readonly loaded: LoadedIndex;
  /** Undefined: made here, from verified bytes. */
  readonly other?: RegistryIndex;
}

const namesOf = ({ loaded }: TrustedIndex): LayerIndex =>
  loaded.kind === 'members' ? loaded.members.index : loaded.indexed.index;

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
    room -= bytesOfLayerIndex(namesOf(index)).length;
    // Too large: openLayers refuses the image when it opens the layer.
    if (room < 0) break;
    found.set(source, index);
  }
  return found;
}

async function findIndex(
  source: BlobSource,
  { store, needsTar, signal }: Pick<OpenLayersOptions, 'store' | 'needsTar' | 'signal'>,
): Promise<TrustedIndex | undefined> {
  const { remote, digest, blob } = source;
  if (remote?.openPart === undefined || remote.isHere() || digest === undefined) return undefined;
  const sha256 = digest.slice('sha256:'.length);
  const own = await store?.loadIndex(sha256);
  if (own !== undefined && canReadParts(own, blob.length, source)) {
    return { loaded: { kind: 'indexed', indexed: own, openWindows: () => undefined } };
  }
  const index = await remote.findIndex?.(signal);
  const loaded = await index?.load();
  if (index === undefined || loaded === undefined) return undefined;
  if (loaded.kind === 'members' && needsTar === true) return undefined;
  if (loaded.kind === 'indexed') {
    const { indexed } = loaded;
    if (indexed.blobSha256 !== sha256 || !canReadParts(indexed, blob.length, source)) return undefined;
  }
  return { loaded, other: index };
}

/**
 * Names a layer that is open in parts: with another index it may show something else, and its file belongs to one cache directory.
 */
const keyOfPart = ({ digest = '', blob }: BlobSource, indexId = ''): string =>
  `part ${digest} ${indexId} ${blob.path}`;

type PartOptions = OpenLayerOptions & Pick<OpenLayersOptions, 'onFailure'>;

/** The layer; all that is read of it is fetched then. */
export async function openPart(
  source: BlobSource,
  trusted: TrustedIndex,
  options: PartOptions,
): Promise<Layer> {
  const { pool, signal } = options;
  const index = trusted.other;
  const open = async (): Promise<Layer> =>
    use(await openAlone(source, trusted, options), source, index, options);
  if (pool === undefined) return open();
  const key = keyOfPart(source, index?.id);
  return pool.inTurn(key, signal, async () => {
    const shared = pool.take(key, () => true);
    if (shared !== undefined) return { ...use(shared, source, index, options), index: namesOf(trusted) };
    const alone = await openAlone(source, trusted, options);
    return use(pool.add(key, alone), source, index, options);
  });
}

/**
 * The bytes of the layer, if another image of this process has it open in parts, with an index that is believed here, too;
 * else undefined.
 */
export async function takeOpenPart(
  source: BlobSource,
  options: Pick<OpenLayersOptions, 'pool' | 'verify' | 'signal' | 'onFailure'> & { readonly label: string },
): Promise<LayerBytes | undefined> {
  const { pool, verify, signal } = options;
  if (pool === undefined || verify !== 'when-new') return undefined;
  const accepts = ({ facts }: LayerBytes): boolean =>
    facts !== undefined && canReadParts(facts, source.blob.length, source);
  const own = pool.take(keyOfPart(source), accepts);
  if (own !== undefined) return use(own, source, undefined, options);
  // The registry is not asked for an index by which nothing is open.
  if (pool.size === 0) return undefined;
  const index = await source.remote?.findIndex?.(signal);
  const other = index === undefined ? undefined : pool.take(keyOfPart(source, index.id), accepts);
  return other === undefined ? undefined : use(other, source, index, options);
}

/** `bytes`, fetched from the registry of `source`, too, until they are closed. */
function use<Opened extends LayerBytes>(
  bytes: Opened,
  { remote }: BlobSource,
  index: RegistryIndex | undefined,
  { label, onFailure }: Pick<PartOptions, 'label' | 'onFailure'>,
): Opened {
  const { reader } = bytes;
  if (!(reader instanceof PartialReader)) return bytes;
  const leave = reader.addUser({
    bytes: remote?.source(),
    windows: index?.windowsSource(),
    onFailure: (text) => onFailure?.(`${label}: ${text}`),
  });
  const close = (): void => {
    bytes.close();
    leave();
  };
  return { ...bytes, close };
}

async function openAlone(
  source: BlobSource,
  { loaded, other }: TrustedIndex,
  options: PartOptions,
): Promise<Layer> {
  const { label, cache } = options;
  const chunkSha256 = loaded.kind === 'members' ? undefined : loaded.indexed.chunkSha256;
  const blob = source.remote?.openPart?.(chunkSha256);
  if (blob === undefined) throw new Error('a layer with an index has no place for its parts');
  const partial: PartialLayerOptions = {
    ...{ label, cache, indexId: other?.id },
    verify: (accept) => verifyWhole(source, options, accept),
  };
  try {
    if (loaded.kind === 'members') return openMemberLayer(blob, loaded.members, partial);
    return openPartialLayer(blob, loaded.indexed, { ...partial, windows: loaded.openWindows() });
  } catch (error) {
    await blob.close();
    throw error;
  }
}

/** Reads the layer as one that came whole: its DiffID is compared, and its index is made and saved here. */
async function verifyWhole(
  source: BlobSource,
  options: OpenLayerOptions,
  accept: (own: WholeLayer) => void | Promise<void>,
): Promise<void> {
  const { label, cache, store, verify } = options;
  const layer = await openLayer(source.blob, source, { label, cache, store, verify });
  try {
    if (layer.facts === undefined) throw new Error('a blob has no facts');
    await accept({ ...layer.facts, index: layer.index, reader: layer.reader });
  } finally {
    layer.close();
  }
}
