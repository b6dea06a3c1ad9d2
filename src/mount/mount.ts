// The composition root: image -> layers -> tree -> overlay -> driver. It and src/mount/ alone know them all.
//
// If a step fails, everything that was opened is closed in reverse order. A process must not touch its own mount synchronously
// (fs.readFileSync and the like): it would wait for an answer that only itself can give. Asynchronous calls of
// node:fs work, though a few of them at a time can take all of libuv's pool threads; child processes are best.
import { resolve } from 'node:path';
import type { MountFacts } from '../fuse/mounts/mount-facts.ts';
import { locateMountPoint, prepareMountPoint } from '../fuse/mounts/mount-point.ts';
import { lockMountPoint } from '../fuse/mounts/mount-point-lock.ts';
import {
  type FoundMount,
  STATISTICS_XATTR,
  SilentMountError,
  askMount,
  describeAnswer,
  findMountAt,
  isKernelMount,
} from '../fuse/mounts/mounts.ts';
import type { Image } from '../image/image.ts';
import {
  type IndexedLayer,
  type MergedLayers,
  type StackedLayers,
  indexLayers,
  openMergedLayers,
  reopenStackedLayers,
} from './layers.ts';
import { settleFakeRoot } from './fake-root.ts';
import { type WithDiskCache, withDiskCache } from './cache-choice.ts';
import { withImage } from './open-image.ts';
import { type MountOptions, type OpenImageOptions, refuseUnsafeFlags } from './options.ts';
import { prepareUpper } from './prepare-upper.ts';
import { mayRemountByErofs, remountByErofs, serveByDriver } from './choose-driver.ts';
import { askStatistics } from '../erofs/mounts/statistics-socket.ts';
import { type Mount, type MountStatistics, NO_STATISTICS } from './served-mount.ts';
import { type Host, mountSharing, sharedLayers } from './sharing.ts';
import { Transfers, servesParts } from './transfers.ts';
import { isRegistrySource } from '../image/source.ts';
import { IndexStore } from '../layer/index-store.ts';
import type { PushedIndex } from '../remote/push-index.ts';
import { InputError } from '../vfs/input-error.ts';
import { showText } from '../vfs/show-text.ts';

export type { CacheStatistics } from '../cache/block-cache.ts';
export type {
  ForeignLayer,
  HistoryStep,
  Image,
  LayerSource,
  Platform,
  RemoteLayer,
  StoredDocument,
  StoredManifest,
} from '../image/image.ts';
export type { BlobLocation, Compression, ExpectedDigests } from '../layer/layer.ts';
export type { MarkNamespace } from '../overlayfs-format/overlay-xattrs.ts';
export type { MountFlagName } from '../sys/mount-calls.ts';
export type { NamespaceProcess } from '../sys/mount-namespaces.ts';
export { nameStandardInput } from '../image/source.ts';
export type { MountFacts } from '../fuse/mounts/mount-facts.ts';
export { type FoundMount, SilentMountError, findMounts, listMounts } from '../fuse/mounts/mounts.ts';
export { isOwnMount } from '../fuse/mounts/mount-owner.ts';
export { type HeldMount, findHeldMounts } from '../fuse/mounts/held-mounts.ts';
export { handOverAt } from './hand-over.ts';
export { unmountAt, unmountFuseAt } from './unmount.ts';
export { locateMountPoint } from '../fuse/mounts/mount-point.ts';
export type { PushedIndex } from '../remote/push-index.ts';
export type { IndexedLayer } from './layers.ts';
export { openImage, openLowerDirectories } from './open-image.ts';
export type {
  DriverName,
  FuseDriverName,
  MountFlag,
  MountOptions,
  OpenImageOptions,
  ThrowAwayUpper,
  UpperBehaviour,
  UpperDirectories,
  UpperOptions,
} from './options.ts';
export type { IdRange, OwnerMapping } from '../fuse/owners/id-mapping.ts';
export type { OwnerKeeping } from '../overlay/upper/kept-owners.ts';
export type { TransferStatistics } from './transfers.ts';
export { type ChosenDriver, CopiedMountError, type Mount, type MountStatistics } from './served-mount.ts';
export type { Progress, Watch } from './watch.ts';
export { becomeProgram, exitNow, silence } from '../sys/process-calls.ts';

/**
 * Mounts an image on `mountpoint` and serves it from this process; resolves when the mount answers. Read-only unless
 * `options.upper` says where writes go. Mounts of one `host` share the layers and names of their images, and one cache, except
 * for a mount with a `cacheSize`, which has its own. InputError where the image, the directories or the machine don't allow
 * it; then nothing is left behind.
 */
export async function mount(
  image: string | Image,
  mountpoint: string,
  options: MountOptions & OpenImageOptions = {},
  host: Host = { sharing: mountSharing },
): Promise<Mount> {
  refuseUnsafeFlags(options.flags);
  const settled = settleFakeRoot(options);
  // The working directory of the process may be another one after the first wait.
  const path = resolve(mountpoint);
  const unlock = lockMountPoint(await locateMountPoint(path, mountpoint));
  try {
    return await mountLocked(image, path, mountpoint, settled, host);
  } finally {
    unlock();
  }
}

/** As `mount`, while nobody else mounts there. */
async function mountLocked(
  image: string | Image,
  path: string,
  typed: string,
  options: MountOptions & OpenImageOptions,
  host: Host,
): Promise<Mount> {
  const place = await prepareMountPoint(path, options.onWarning ?? (() => undefined), typed);
  const withCache = withDiskCache(options);
  return withImage(image, withCache, (opened) => mountOpened(opened, place, withCache, host));
}

async function mountOpened(
  image: Image,
  place: string,
  options: WithDiskCache<MountOptions>,
  host: Host,
): Promise<Mount> {
  refuseLayers(image, place);
  const upper =
    options.upper === undefined ? undefined : await prepareUpper(options.upper, image, place, options);
  let reopened: StackedLayers | undefined;
  let layers: MergedLayers | undefined;
  try {
    const shared = sharedLayers(host.sharing, options);
    if (mayRemountByErofs(image, options)) {
      reopened = await reopenStackedLayers(image, shared, options);
      const request = { image, cache: shared.cache, place, options };
      const remounted = reopened && (await remountByErofs({ ...request, layers: reopened }));
      if (remounted !== undefined) return remounted;
    }
    const transfers = new Transfers(options);
    const again = reopened;
    reopened = undefined;
    layers = await openMergedLayers(image, shared, options, {
      mayIndex: host.daemon === undefined,
      reopened: again,
      opensParts: servesParts(options),
      onFailure: (text) => transfers.noteFailure(text),
    });
    transfers.begin(layers.readers);
    options.signal?.throwIfAborted();
    const { cache } = shared;
    return await serveByDriver({ image, layers, upper, cache, place, options, host, transfers });
  } catch (error) {
    reopened?.close();
    layers?.close();
    upper?.release();
    throw error;
  }
}

/** A directory that is mounted on vanishes beneath the mount that shows it; a foreign layer is not there. */
function refuseLayers(image: Image, place: string): void {
  for (const source of image.layers) {
    if (source.kind === 'foreign') throw new InputError(source.reason);
    if (source.kind === 'directory' && source.path === place) {
      throw new InputError(`${place}: is one of the layers that would be mounted on it`);
    }
  }
}

/** Makes the indexes of an image's layers, so that mounting it finds them; base first. */
export async function indexImage(
  image: string | Image,
  options: MountOptions & OpenImageOptions = {},
): Promise<IndexedLayer[]> {
  const withCache = withDiskCache(options);
  return withImage(image, withCache, (opened) => indexLayers(opened, withCache));
}

/**
 * The same of an image of a registry, and sends the indexes there, so that others can mount it before its layers are there.
 * InputError if the registry refuses them.
 */
export async function pushIndexes(
  source: string,
  options: MountOptions & OpenImageOptions = {},
): Promise<{ readonly layers: readonly IndexedLayer[]; readonly pushed: PushedIndex }> {
  const withCache = withDiskCache(options);
  const { diskCache, signal } = withCache;
  if (!isRegistrySource(source))
    throw new InputError(`${showText(source)}: is not in a registry (docker://HOST/NAME)`);
  if (diskCache === undefined)
    throw new InputError('an index to push needs a cache directory (XDG_CACHE_HOME)');
  const { pushIndex } = await import('../remote/push-index.ts');
  return withImage(source, withCache, async (image) => ({
    layers: await indexLayers(image, withCache),
    pushed: await pushIndex(image, { store: new IndexStore(diskCache), signal }),
  }));
}

/** The kernel counts nothing. If a process serves layers to it, what that was asked. InputError where it does not answer. */
async function statisticsOfKernelMount({ entry, answer }: FoundMount): Promise<MountStatistics> {
  if (answer.kind !== 'answered') {
    throw new InputError(`${entry.mountPoint}: the mount gives no statistics: ${describeAnswer(answer)}`);
  }
  const counted = await askStatistics(entry.device);
  if (counted !== undefined) return counted as MountStatistics;
  if ((answer.json as MountFacts).pid === undefined) return NO_STATISTICS;
  throw new InputError(
    `${entry.mountPoint}: the mount gives no statistics: only root can ask its process (driver=erofs)`,
  );
}

/** What the mount at `mountpoint` (absolute) counted, whoever serves it. InputError where none answers. */
export async function readStatistics(mountpoint: string): Promise<MountStatistics> {
  const found = await findMountAt(mountpoint);
  if (found === undefined)
    throw new InputError(`${mountpoint}: not a stratafs mount`, { code: 'ERR_STRATAFS_NOT_MOUNTED' });
  if (isKernelMount(found.entry)) return await statisticsOfKernelMount(found);
  const answer =
    found.answer.kind === 'answered' ? await askMount(mountpoint, STATISTICS_XATTR) : found.answer;
  if (answer.kind === 'silent') throw new SilentMountError(mountpoint);
  if (answer.kind !== 'answered') {
    throw new InputError(`${mountpoint}: the mount gives no statistics: ${describeAnswer(answer)}`);
  }
  // A mount that an older version serves knows of neither.
  const counted = answer.json as Omit<MountStatistics, 'answeredNatively' | 'restarts'>;
  return { answeredNatively: {}, restarts: 0, ...counted };
}
