// The composition root: image -> layers -> tree -> overlay -> driver. The only file that knows them all.
//
// What is opened is closed in reverse where a later step fails. A process must not touch its own mount synchronously
// (fs.readFileSync and the like): it would wait for an answer that only itself can give. Asynchronous calls of
// node:fs work, though a few of them at a time can take all of libuv's pool threads; child processes are best.
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { BlockCache, type CacheStatistics } from './cache/block-cache.ts';
import { describeHolders } from './fuse/busy.ts';
import { mountDevFuse } from './fuse/dev-fuse.ts';
import type { FuseMount } from './fuse/driver.ts';
import { prepareMountPoint } from './fuse/mount-point.ts';
import {
  MOUNT_XATTR,
  type MountFacts,
  STATISTICS_XATTR,
  SilentMountError,
  askMount,
  describeAnswer,
  findMountAt,
} from './fuse/mounts.ts';
import type { Image } from './image/image.ts';
import { openLowerStack } from './image/lower-stack.ts';
import { openImageSource } from './image/open-image.ts';
import { type OpenLayersOptions, nameLayer, openLayers } from './image/open-layers.ts';
import { type LayerSelection, selectLayers } from './image/select-layers.ts';
import { IndexStore } from './layer/index-store.ts';
import type { Compression } from './layer/layer.ts';
import { Overlay } from './overlay/overlay.ts';
import { collectGarbage } from './sys/collect-garbage.ts';
import {
  MS_DIRSYNC,
  MS_NOATIME,
  MS_NODEV,
  MS_NODIRATIME,
  MS_NOEXEC,
  MS_NOSUID,
  MS_SYNCHRONOUS,
} from './sys/mount-calls.ts';
import { buildTree } from './tree/merge.ts';
import type { Tree } from './tree/tree.ts';
import type { BlobReader } from './vfs/blob-reader.ts';
import { EBUSY, EINVAL, ErrnoError } from './vfs/errno.ts';
import { InputError } from './vfs/input-error.ts';

export type { CacheStatistics } from './cache/block-cache.ts';
export type { HistoryStep, Image, LayerSource, Platform } from './image/image.ts';
export { type FoundMount, type MountFacts, SilentMountError, findMounts, unmountAt } from './fuse/mounts.ts';
export { locateMountPoint } from './fuse/mount-point.ts';
export { exitNow, silence } from './sys/process-calls.ts';

/** How far a long piece of work is. */
export interface Progress {
  /** What is being done: "indexing 5 layers". */
  readonly what: string;
  /** Bytes. */
  readonly done: number;
  readonly total: number;
}

/** How to watch and end what may take long. */
export interface Watch {
  readonly onProgress?: (progress: Progress) => void;
  /** One line: something worth knowing, such as an archive that is unpacked to the cache. */
  readonly onNotice?: (text: string) => void;
  /** One line: something worth looking into, such as a mount point that isn't empty. */
  readonly onWarning?: (text: string) => void;
  /** Aborting rejects with its reason and leaves nothing behind. */
  readonly signal?: AbortSignal;
}

/** Which image of a source, and how much of it. */
export interface OpenImageOptions extends LayerSelection, Watch {
  /** `os/architecture[/variant]`; by default the host's, where the source has several. */
  readonly platform?: string;
  /** Where an archive that is compressed as a whole is unpacked to: $XDG_CACHE_HOME/stratafs by default. */
  readonly cacheDirectory?: string;
}

const DEFAULT_CACHE_SIZE = 256 * 1024 * 1024;
/** Inodes from which what indexing left behind is worth a garbage collection: some 10 MB. */
const LARGE_TREE = 50_000;
const SYNTHETIC_PREFIX = 'user.stratafs.';

const flagBits = {
  nodev: MS_NODEV,
  nosuid: MS_NOSUID,
  noexec: MS_NOEXEC,
  noatime: MS_NOATIME,
  nodiratime: MS_NODIRATIME,
  sync: MS_SYNCHRONOUS,
  dirsync: MS_DIRSYNC,
} as const;

/** Flags of mount(2), by mount(8)'s names. */
export type MountFlag = keyof typeof flagBits;

export interface MountOptions extends Watch {
  readonly flags?: readonly MountFlag[];
  /** Other users may look in, as far as the image's permissions let them: root's default. */
  readonly allowOther?: boolean;
  /** What the mount table shows; the image's source by default. */
  readonly fsname?: string;
  /** Bytes of memory for decompressed blocks. */
  readonly cacheSize?: number;
  /** 'always' reads all layers to verify them; 'never' checks no digest. By default what was not verified before is. */
  readonly verify?: 'when-new' | 'always' | 'never';
  /** False: indexes are neither taken from the cache directory nor saved there. */
  readonly useIndexCache?: boolean;
  /** Where they are kept: $XDG_CACHE_HOME/stratafs by default. */
  readonly cacheDirectory?: string;
}

export interface MountStatistics {
  /** By the kernel's name of the kind; kinds never asked are left out. */
  readonly requests: Readonly<Record<string, number>>;
  readonly bytesRead: number;
  readonly cache: CacheStatistics;
}

/** A mount that this process serves. */
export interface Mount extends AsyncDisposable {
  /** Absolute. */
  readonly mountpoint: string;
  readonly image: Image;
  /** Resolves when the mount is gone, by whomever it was unmounted, and everything is closed. */
  readonly closed: Promise<void>;
  statistics(): MountStatistics;
  /**
   * Unmounts and waits until everything is closed. InputError where the mount is busy: it then stays, and the
   * message says who holds it. `lazy` detaches at once; what is open goes on being served until it is closed.
   */
  unmount(options?: { readonly lazy?: boolean }): Promise<void>;
  /** Unmounts, or detaches where the mount is busy. May be called twice. */
  close(): Promise<void>;
}

/**
 * The image that `source` names (containers-transports(5), or a path that is looked into), its layers found but not
 * read. InputError for what is no image, or doesn't say which of several.
 */
export function openImage(source: string, options: OpenImageOptions = {}): Promise<Image> {
  const { onNotice, onProgress, ...rest } = options;
  return openImageSource(source, {
    ...rest,
    cacheDirectory: options.cacheDirectory ?? defaultCacheDirectory(),
    notice: onNotice,
    progress: (done, total) => onProgress?.({ what: `unpacking ${source}`, done, total }),
  });
}

/** The bare stack of a `lowerdir=` value: topmost first, tars and directories, a backslash escaping ':'. */
export async function openLowerDirectories(list: string, options: LayerSelection = {}): Promise<Image> {
  return selectLayers(await openLowerStack(list), options);
}

/**
 * Mounts an image read-only on `mountpoint` and serves it from this process; resolves when the mount answers.
 * InputError where the image, the mount point or the machine doesn't allow it; then nothing is left behind.
 */
export async function mount(
  image: string | Image,
  mountpoint: string,
  options: MountOptions & OpenImageOptions = {},
): Promise<Mount> {
  const place = await prepareMountPoint(mountpoint, options.onWarning ?? (() => undefined));
  const opened = typeof image === 'string' ? await openImage(image, options) : image;
  refuseOwnLayer(opened, place);
  const cache = new BlockCache(options.cacheSize ?? DEFAULT_CACHE_SIZE);
  const { tree, readers } = await openTree(opened, cache, options);
  const closeReaders = (): void => closeAll(readers);
  try {
    if (tree.inodeCount > LARGE_TREE) collectGarbage();
    options.signal?.throwIfAborted();
    const served = await serve(opened, tree, readers, cache, place, options);
    void served.closed.then(closeReaders);
    return served;
  } catch (error) {
    closeReaders();
    throw error;
  }
}

/** The tree has all that the layers' indexes had: those are let go of here, and only the readers stay open. */
async function openTree(
  image: Image,
  cache: BlockCache,
  options: MountOptions,
): Promise<{ tree: Tree; readers: readonly BlobReader[] }> {
  const layers = await openLayers(image, layerOptions(cache, options));
  const readers = layers.map(({ layer }) => layer.reader);
  try {
    const tree = buildTree(
      layers.map(({ layer }) => layer.index),
      { nameLayer: (layer) => nameLayer(image, layer) },
    );
    return { tree, readers };
  } catch (error) {
    closeAll(readers);
    throw error;
  }
}

function closeAll(readers: readonly BlobReader[]): void {
  for (const reader of readers.toReversed()) reader.close();
}

function layerOptions(cache: BlockCache, options: MountOptions): OpenLayersOptions {
  const { onNotice, onProgress, signal } = options;
  const useStore = options.useIndexCache ?? true;
  return {
    cache,
    store: useStore ? new IndexStore(options.cacheDirectory ?? defaultCacheDirectory()) : undefined,
    verify: options.verify ?? 'when-new',
    ...(signal === undefined ? {} : { signal }),
    ...(onNotice === undefined ? {} : { onNotice }),
    ...(onProgress === undefined
      ? {}
      : { onProgress: (done, total) => onProgress({ what: 'indexing', done, total }) }),
  };
}

/** $XDG_CACHE_HOME/stratafs (XDG base directory specification: a relative one is ignored). */
function defaultCacheDirectory(): string {
  const given = process.env['XDG_CACHE_HOME'] ?? '';
  return join(isAbsolute(given) ? given : join(homedir(), '.cache'), 'stratafs');
}

/** The layer would vanish beneath the mount that shows it. */
function refuseOwnLayer(image: Image, place: string): void {
  for (const source of image.layers) {
    if (source.kind === 'directory' && source.path === place) {
      throw new InputError(`${place}: is one of the layers that would be mounted on it`);
    }
  }
}

/** Brings the file system to the kernel. */
async function serve(
  image: Image,
  tree: Tree,
  readers: readonly BlobReader[],
  cache: BlockCache,
  place: string,
  options: MountOptions,
): Promise<Mount> {
  const facts: MountFacts = {
    pid: process.pid,
    started: Date.now(),
    source: image.source,
    layers: readers.length,
    ...(image.id === undefined ? {} : { imageId: image.id }),
  };
  const statistics = (): MountStatistics => ({ ...fuseMount.statistics(), cache: cache.statistics() });
  const fileSystem = new Overlay({
    tree,
    readers,
    syntheticXattr: (name) => {
      if (SYNTHETIC_PREFIX + name === MOUNT_XATTR) return Buffer.from(JSON.stringify(facts));
      return SYNTHETIC_PREFIX + name === STATISTICS_XATTR
        ? Buffer.from(JSON.stringify(statistics()))
        : undefined;
    },
    nameLayer: (layer) => Buffer.from(nameLayer(image, layer)),
  });
  const fuseMount: FuseMount = await mountDevFuse(fileSystem, place, {
    source: options.fsname ?? image.source,
    flags: (options.flags ?? []).reduce((bits, flag) => bits | flagBits[flag], 0),
    allowOther: options.allowOther ?? process.geteuid?.() === 0,
  });
  return new ServedMount(image, fuseMount, statistics);
}

/** What `indexImage` learnt of one layer. */
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

/** Makes the indexes of an image's layers, so that mounting it finds them; base first. */
export async function indexImage(
  image: string | Image,
  options: MountOptions & OpenImageOptions = {},
): Promise<IndexedLayer[]> {
  const opened = typeof image === 'string' ? await openImage(image, options) : image;
  const layers = await openLayers(opened, layerOptions(new BlockCache(DEFAULT_CACHE_SIZE), options));
  for (const { layer } of layers) layer.close();
  return layers.map(({ layer, source, wasRead, milliseconds }, i) => ({
    number: i + 1,
    digest: layer.digest,
    compression: layer.compression,
    entries: layer.index.dentryCount,
    size: source.kind === 'blob' ? source.blob.length : 0,
    tarSize: source.kind === 'blob' ? layer.reader.size : 0,
    wasRead,
    milliseconds,
  }));
}

const isErrno = (error: unknown, errno: number): boolean =>
  error instanceof ErrnoError && error.errno === -errno;

class ServedMount implements Mount {
  readonly image: Image;
  readonly mountpoint: string;
  readonly closed: Promise<void>;
  readonly statistics: () => MountStatistics;
  readonly #fuseMount: FuseMount;
  #isClosed = false;

  constructor(image: Image, fuseMount: FuseMount, statistics: () => MountStatistics) {
    this.image = image;
    this.mountpoint = fuseMount.mountpoint;
    this.closed = fuseMount.closed;
    this.statistics = statistics;
    this.#fuseMount = fuseMount;
    void this.closed.then(() => (this.#isClosed = true));
  }

  async unmount(options: { readonly lazy?: boolean } = {}): Promise<void> {
    try {
      await this.#fuseMount.unmount(options);
    } catch (error) {
      if (!isErrno(error, EBUSY)) throw error;
      throw new InputError(await describeHolders(this.mountpoint), { cause: error });
    }
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    try {
      await this.#fuseMount.unmount();
    } catch (error) {
      // EINVAL: it was unmounted meanwhile.
      if (isErrno(error, EBUSY)) await this.#fuseMount.unmount({ lazy: true });
      else if (!isErrno(error, EINVAL)) throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** What the mount at `mountpoint` (absolute) counted, whoever serves it. InputError where none answers. */
export async function readStatistics(mountpoint: string): Promise<MountStatistics> {
  const found = await findMountAt(mountpoint);
  if (found === undefined) throw new InputError(`${mountpoint}: not a stratafs mount`);
  const answer =
    found.answer.kind === 'answered' ? await askMount(mountpoint, STATISTICS_XATTR) : found.answer;
  if (answer.kind === 'silent') throw new SilentMountError(mountpoint);
  if (answer.kind !== 'answered') {
    throw new InputError(`${mountpoint}: the mount gives no statistics: ${describeAnswer(answer)}`);
  }
  return answer.json as MountStatistics;
}
