// Opens all layers of an image, several at a time. If one fails, none stays open.
import { availableParallelism } from 'node:os';
import { bytesOfLayerIndex } from '../layer/layer-index-layout.ts';
import { openDirectoryLayer } from '../layer/directory-layer.ts';
import type { Layer, LayerBytes } from '../layer/layer.ts';
import type { MarkNamespace } from '../overlayfs-format/overlay-xattrs.ts';
import { type OpenLayerOptions, openLayer, reopenLayerBytes } from '../layer/open-layer.ts';
import { InputError } from '../vfs/input-error.ts';
import { LayerIndexBuilder } from '../layer/index-builder.ts';
import { digestOfBlob } from '../layer/blob-digest.ts';
import { startFetching } from './fetch-layers.ts';
import { type TrustedIndex, findIndexes, openPart, takeOpenPart } from './partial-layers.ts';
import type { ForeignLayer, Image, LayerSource } from './image.ts';
import { showText } from '../vfs/show-text.ts';

export interface OpenLayersOptions extends Pick<
  OpenLayerOptions,
  'cache' | 'pool' | 'store' | 'verify' | 'mayIndex' | 'signal' | 'onNotice'
> {
  /** Gets the stored bytes that were read or could be skipped, and the total of all layers. */
  readonly onProgress?: (done: number, total: number) => void;
  /** True: directories whose roots have their owner in an xattr show owners from xattrs (layer/lower-owners.ts). */
  readonly obeysOwners?: boolean;
  /** True: a foreign layer is opened as an empty one, for commands that only list. */
  readonly listsForeign?: boolean | undefined;
  /** False: so is a layer of a registry that is not here. It is not fetched. */
  readonly fetches?: boolean | undefined;
  /**
   * True: a layer of a registry that is not here is opened without its bytes, if there is an index that may be believed.
   * Reading it fetches the bytes.
   */
  readonly opensParts?: boolean | undefined;
  /** True: not those whose index does not state their places in the tar (eStargz, zstd:chunked), which EROFS would copy. */
  readonly needsTar?: boolean | undefined;
  /** Gets the failures of such layers, one line each. */
  readonly onFailure?: ((text: string) => void) | undefined;
  /** Gets the bytes of a registry's layers that are here, and the total, while some are fetched. */
  readonly onFetch?: (done: number, total: number) => void;
  /** The namespace of the marks that count in a directory layer; `trusted.` by default, which only root can set. */
  readonly directoryMarks?: MarkNamespace;
  /** Limit of the memory of all layers' indexes, in bytes; 4 GiB by default. */
  readonly maxIndexBytes?: number;
}

type BlobSource = Extract<LayerSource, { kind: 'blob' }>;

const NO_INDEXES: ReadonlyMap<LayerSource, TrustedIndex> = new Map();

/** About 100 bytes per entry: enough for the entries of the largest merged tree, and their names. */
const MAX_INDEX_BYTES = 4 * 2 ** 30;

/**
 * Limit of the names that all layers list together. A command that visits each listing of a repeated layer takes at
 * most a minute.
 */
const MAX_LISTED_ENTRIES = 1 << 27;

/** An open layer, and whether its blob had to be read. */
export interface OpenedLayer {
  readonly layer: Layer;
  readonly source: LayerSource;
  /** False if the result of an earlier mount was used. */
  readonly wasRead: boolean;
  readonly milliseconds: number;
}

/** "layer 3 of image.tar": the name of a layer in messages. */
export function nameLayer(image: Image, layer: number): string {
  const source = image.layers[layer];
  return source?.kind === 'directory'
    ? showText(source.path)
    : `layer ${layer + 1} of ${showText(image.source)}`;
}

const lengthOf = (source: LayerSource): number => (source.kind === 'blob' ? source.blob.length : 0);

/**
 * The image's layers, base first, owned by the caller. If one fails, opening the others is aborted, all are closed, and
 * the first failure is thrown. InputError if their indexes take too much memory: an archive may list one layer a
 * thousand times.
 */
export async function openLayers(image: Image, options: OpenLayersOptions): Promise<OpenedLayer[]> {
  const { layers } = image;
  const opened = new Array<OpenedLayer | undefined>(layers.length);
  const first = firstListings(layers);
  const done = new Float64Array(layers.length);
  const total = layers.reduce((sum, source, i) => sum + (first[i] === i ? lengthOf(source) : 0), 0);
  const stop = new AbortController();
  const signal = options.signal === undefined ? stop.signal : AbortSignal.any([stop.signal, options.signal]);
  const { maxIndexBytes = MAX_INDEX_BYTES } = options;
  let indexRoom = maxIndexBytes;
  const distinct = layers.flatMap((_, i) => (first[i] === i ? i : []));
  const sources = distinct.map((i) => layers[i] as LayerSource);
  const indexes =
    options.opensParts === true ? await findIndexes(sources, maxIndexBytes, options) : NO_INDEXES;
  if (options.mayIndex === false) refuseMissing(sources, indexes, image);
  const fetching = startFetching(
    sources.filter((source) => !indexes.has(source)),
    { ...options, signal },
  );
  for (const each of fetching.values()) each.catch((error: unknown) => stop.abort(error));
  let next = 0;
  const open = async (): Promise<void> => {
    for (let n = next++; n < distinct.length; n = next++) {
      const i = distinct[n] as number;
      const source = layers[i] as LayerSource;
      const report = (bytes: number): void => {
        done[i] = bytes;
        options.onProgress?.(
          done.reduce((sum, each) => sum + each),
          total,
        );
      };
      signal.throwIfAborted();
      await fetching.get(source);
      const index = indexes.get(source);
      const one = await openOne(source, index, nameLayer(image, i), {
        ...{ ...options, signal, onProgress: report },
      });
      opened[i] = one;
      done[i] = lengthOf(source);
      indexRoom -= bytesOfLayerIndex(one.layer.index).length;
      if (indexRoom < 0) throw new InputError(tooLarge(image, maxIndexBytes));
    }
  };
  const workers = Array.from({ length: Math.min(availableParallelism(), distinct.length) }, async () => {
    try {
      await open();
    } catch (error) {
      stop.abort(explainLimit(error, image, distinct.length));
    }
  });
  await Promise.all(workers);
  if (signal.aborted) {
    await Promise.allSettled(fetching.values());
    for (const each of opened.reverse()) each?.layer.close();
    throw signal.reason;
  }
  const listed = layers.map((source, i) => {
    const one = opened[first[i] as number] as OpenedLayer;
    // One that was not fetched is a foreign layer now.
    return { ...one, source: one.source.kind === 'foreign' ? one.source : source };
  });
  const entries = listed.reduce((sum, { layer }) => sum + layer.index.dentryCount, 0);
  if (entries > MAX_LISTED_ENTRIES) {
    for (const each of opened.reverse()) each?.layer.close();
    throw new InputError(
      `${showText(image.source)}: found ${layers.length} layers with ${entries} names, expected at most ${MAX_LISTED_ENTRIES} names (a repeated layer counts each time)`,
    );
  }
  return listed;
}

/** Throws InputError for a layer of a registry that would have to be fetched whole, and indexed. */
function refuseMissing(
  sources: readonly LayerSource[],
  indexes: ReadonlyMap<LayerSource, TrustedIndex>,
  image: Image,
): void {
  const missing = sources.find(
    (source) => source.kind === 'blob' && source.remote?.isHere() === false && !indexes.has(source),
  );
  if (missing === undefined) return;
  throw new InputError(`${nameLayer(image, image.layers.indexOf(missing))}: is neither here nor indexed`, {
    code: 'ERR_STRATAFS_CHANGED',
  });
}

/**
 * By layer: the number of the first layer with the same bytes. An archive may list one layer thousands of times: it is
 * opened once, and all its listings share the index and the reader, which can be closed several times.
 */
function firstListings(layers: readonly LayerSource[]): number[] {
  const first = new Map<string, number>();
  return layers.map((source, i) => {
    if (source.kind !== 'blob') return i;
    const { blob, digest, diffId } = source;
    const key = JSON.stringify([blob.path, blob.offset, blob.length, digest, diffId]);
    const firstListing = first.get(key);
    if (firstListing === undefined) first.set(key, i);
    return firstListing ?? i;
  });
}

/** Explains EMFILE: each layer needs an open file. Node has already raised the soft limit to the hard one. */
function explainLimit(error: unknown, image: Image, count: number): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code !== 'EMFILE' && code !== 'ENFILE') return error;
  return new InputError(
    `${showText(image.source)}: the image has ${count} different layers, and each needs an open file: more than the limit allows`,
    { cause: error },
  );
}

/**
 * The bytes of the image's layers, base first, owned by the caller, if earlier mounts saved all that opening them
 * needs, or others of this process have them open in parts. Undefined otherwise, and if some layer is a directory. Throws as
 * `openLayers`.
 */
export async function reopenLayers(
  image: Image,
  options: Pick<
    OpenLayersOptions,
    'cache' | 'pool' | 'store' | 'verify' | 'signal' | 'opensParts' | 'onFailure'
  >,
): Promise<LayerBytes[] | undefined> {
  const { cache, pool, store, verify, signal, opensParts = false } = options;
  const sources = image.layers.flatMap((source) => (source.kind === 'blob' ? source : []));
  if (sources.length < image.layers.length) return undefined;
  const isMissing = ({ remote }: BlobSource): boolean => remote?.isHere() === false;
  if (!opensParts && sources.some(isMissing)) return undefined;
  const first = firstListings(sources);
  const opened: LayerBytes[] = [];
  let isWhole = false;
  try {
    for (const [i, source] of sources.entries()) {
      const same = opened[first[i] as number];
      if (same !== undefined) {
        opened.push(same);
        continue;
      }
      const label = nameLayer(image, i);
      const bytes = isMissing(source)
        ? await takeOpenPart(source, { ...options, label })
        : await reopenLayerBytes(source.blob, source, {
            ...{ label, cache, pool, store, verify },
            ...(signal === undefined ? {} : { signal }),
          });
      if (bytes === undefined) return undefined;
      opened.push(bytes);
    }
    isWhole = true;
    return opened;
  } catch (error) {
    throw explainLimit(error, image, new Set(first).size);
  } finally {
    if (!isWhole) for (const bytes of opened) bytes.close();
  }
}

function tooLarge(image: Image, limit: number): string {
  return `${showText(image.source)}: found ${image.layers.length} layers whose indexes take more than ${limit} bytes, expected an image of bounded size`;
}

async function openOne(
  source: LayerSource,
  index: TrustedIndex | undefined,
  label: string,
  options: Omit<OpenLayerOptions, 'label'> &
    Pick<OpenLayersOptions, 'obeysOwners' | 'directoryMarks' | 'listsForeign' | 'fetches' | 'onFailure'>,
): Promise<OpenedLayer> {
  const started = performance.now();
  if (source.kind === 'blob' && index !== undefined) {
    const layer = await openPart(source, index, { ...options, label });
    return { layer, source, wasRead: false, milliseconds: performance.now() - started };
  }
  const isLeftOut = source.kind === 'blob' && options.fetches === false && source.remote?.isHere() === false;
  if (isLeftOut) {
    const missing: ForeignLayer = {
      ...{ kind: 'foreign', reason: `${label}: was not fetched` },
      compression: source.remote.compression,
      storedSize: source.blob.length,
      ...(source.digest === undefined ? {} : { digest: source.digest }),
      ...(source.diffId === undefined ? {} : { diffId: source.diffId }),
    };
    return { layer: emptyLayer(missing, label), source: missing, wasRead: false, milliseconds: 0 };
  }
  if (source.kind === 'foreign') {
    if (options.listsForeign !== true) throw new InputError(source.reason);
    return { layer: emptyLayer(source, label), source, wasRead: false, milliseconds: 0 };
  }
  let wasRead = source.kind === 'directory';
  const onProgress = (bytes: number): void => {
    wasRead = true;
    options.onProgress?.(bytes);
  };
  const layer =
    source.kind === 'directory'
      ? openDirectoryLayer(source.path, {
          marks: source.upperMarks ?? options.directoryMarks ?? 'trusted',
          isUpper: source.upperMarks !== undefined,
          fakesRoot: source.fakesRoot,
          obeysOwners: options.obeysOwners ?? false,
        })
      : await openBlobLayer(source, { ...options, label, onProgress });
  return { layer, source, wasRead, milliseconds: performance.now() - started };
}

/** Bytes of a registry that were removed or damaged since they came are fetched once more. */
async function openBlobLayer(source: BlobSource, options: OpenLayerOptions): Promise<Layer> {
  const { blob, remote } = source;
  try {
    return await openLayer(blob, source, options);
  } catch (error) {
    if (remote === undefined || !(await isWorthFetching(source, error, options))) throw error;
    remote.discard();
    await remote.fetch({ signal: options.signal });
    return openLayer(blob, source, options);
  }
}

/** False if the bytes are what the registry has: then the image itself is wrong, as where its config has another DiffID. */
async function isWorthFetching(
  { blob, digest }: BlobSource,
  error: unknown,
  { label, signal, mayIndex }: OpenLayerOptions,
): Promise<boolean> {
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') return true;
  if (!(error instanceof InputError) || mayIndex === false) return false;
  return (await digestOfBlob(blob, { label, ...(signal === undefined ? {} : { signal }) })) !== digest;
}

function emptyLayer({ compression, digest, diffId }: ForeignLayer, label: string): Layer {
  return {
    index: new LayerIndexBuilder(label).finish(),
    reader: { size: 0, read: () => new Uint8Array(0), close: () => undefined },
    ...{ compression, digest, diffId, close: () => undefined },
  };
}
