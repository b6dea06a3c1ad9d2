// Serves a merged image through FUSE: overlay, the facts that the mount reports, driver.
import { existsSync, statfsSync } from 'node:fs';
import type { BlockCache } from '../cache/block-cache.ts';
import { mountDevFuse } from '../fuse/dev-fuse.ts';
import type { BegunConnection, Driver, FuseMount } from '../fuse/driver.ts';
import { deviceOfMount } from '../fuse/mounts/mount-point.ts';
import { MOUNT_XATTR, STATISTICS_XATTR } from '../fuse/mounts/mounts.ts';
import { mountFuseNative } from '../fuse/fuse-native/fuse-native.ts';
import { fakeRootOwners } from '../fuse/owners/fake-root.ts';
import { makeOwnerMaps } from '../fuse/owners/id-mapping.ts';
import { mappedOwners } from '../fuse/owners/mapped-owners.ts';
import { type OwnerView, ownersAsStored } from '../fuse/owners/owner-view.ts';
import type { Image } from '../image/image.ts';
import { nameLayer } from '../image/open-layers.ts';
import { untilRecorded } from '../layer/partial-layer.ts';
import { Overlay } from '../overlay/read/overlay.ts';
import type { SyntheticSources } from '../overlay/read/synthetic-xattrs.ts';
import type { Upper } from '../overlay/upper/upper.ts';
import { WritableOverlay } from '../overlay/write/writable-overlay.ts';
import { MS_RDONLY } from '../sys/mount-calls.ts';
import type { FileSystem } from '../vfs/filesystem.ts';
import { showText } from '../vfs/show-text.ts';
import type { WithDiskCache } from './cache-choice.ts';
import { describeMount } from './describe-mount.ts';
import { type LayerFile, findLayerFiles } from './keeper/layer-files.ts';
import type { MergedLayers } from './layers.ts';
import { type FuseDriverName, type MountOptions, type OpenImageOptions, mountFlagBits } from './options.ts';
import { type MountOrigin, originOf } from './origin.ts';
import type { PreparedUpper } from './prepare-upper.ts';
import type { Host } from './sharing.ts';
import type { Transfers } from './transfers.ts';
import { type ChosenDriver, type Mount, type MountStatistics, ServedMount } from './served-mount.ts';

const SYNTHETIC_PREFIX = 'user.stratafs.';
const OVERLAYFS_SUPER_MAGIC = 0x794c7630;

/** `passesCallerIds`: a request carries its caller's IDs; without it a writable mount lets no other users in. */
const drivers: Readonly<
  Record<FuseDriverName, { readonly mount: Driver; readonly passesCallerIds: boolean }>
> = {
  'dev-fuse': { mount: mountDevFuse, passesCallerIds: true },
  'fuse-native': { mount: mountFuseNative, passesCallerIds: false },
};

/** A driver that serves from this process, and why it was taken. */
export interface FuseDriver extends ChosenDriver {
  readonly name: FuseDriverName;
}

/** One mount of merged layers. */
export interface ServeRequest {
  readonly image: Image;
  readonly layers: MergedLayers;
  readonly upper: PreparedUpper | undefined;
  readonly cache: BlockCache;
  /** Absolute, a directory. */
  readonly place: string;
  readonly options: WithDiskCache<MountOptions & OpenImageOptions>;
  readonly host: Host;
  readonly transfers: Transfers;
  /** Of a mount that an earlier daemon served. */
  readonly takeover?: Takeover | undefined;
}

/** What stays the same when another daemon goes on with a mount. */
export interface Takeover {
  readonly connection: BegunConnection;
  /** "major:minor" of the file system. */
  readonly device: string;
  /** Milliseconds since 1970. */
  readonly started: number;
  readonly origin: MountOrigin;
  readonly files: readonly LayerFile[];
}

/**
 * Mounts; resolves when the mount answers. `layers` and `upper` are closed after it; where it fails they stay the caller's.
 */
export async function serve(
  chosen: FuseDriver,
  { image, layers, upper, cache, place, options, host, transfers, takeover }: ServeRequest,
): Promise<Mount> {
  const opened = await openUpper(layers, upper);
  const origin = takeover?.origin ?? host.daemon?.origin ?? originOf(options);
  const facts = describeMount(
    {
      ...{ image, layers, size: layers.size, upper, driver: chosen.name },
      upperMarks: opened?.marks.namespace,
      pid: process.pid,
      daemon: host.daemon?.socket,
      started: takeover?.started ?? Date.now(),
    },
    origin,
  );
  const statistics = (): MountStatistics => ({
    ...fuseMount.statistics(),
    restarts: host.keeper?.facts().restarts ?? 0,
    cache: cache.statistics(),
    transfers: transfers.statistics(),
  });
  const fileSystem = makeFileSystem(layers, opened, {
    syntheticXattr: (name) => {
      if (SYNTHETIC_PREFIX + name === MOUNT_XATTR) {
        const isSourceChanged = layers.readers.some((reader) => reader.isSourceChanged?.() === true);
        const missingBytes = transfers.statistics()?.missingBytes;
        const changing = { ...(isSourceChanged ? { isSourceChanged } : {}), missingBytes };
        return Buffer.from(JSON.stringify({ ...facts, ...host.keeper?.facts(), ...changing }));
      }
      return SYNTHETIC_PREFIX + name === STATISTICS_XATTR
        ? Buffer.from(JSON.stringify(statistics()))
        : undefined;
    },
    nameLayer:
      options.showsLayers === false
        ? undefined
        : (layer) =>
            Buffer.from(
              layer === 'upper'
                ? `upper directory ${showText(upper?.paths.upper ?? '')}`
                : nameLayer(image, layer),
            ),
  });
  const isReadOnly = upper?.isReadOnly ?? true;
  const isFakeRoot = options.ownerKeeping === 'fake-root';
  const driver = drivers[chosen.name];
  const files = takeover?.files ?? filesForNext(image, place, options, host);
  const fuseMount: FuseMount = await driver.mount(fileSystem, place, {
    owners: ownerViewOf(options),
    // An ACL that is obeyed makes the kernel check permissions.
    obeysAcls: !isFakeRoot && (options.usesAcl ?? true),
    source: options.fsname ?? image.source,
    flags: mountFlagBits(options.flags) | (isReadOnly ? MS_RDONLY : 0),
    checksPermissions: !isFakeRoot,
    allowOther:
      !isFakeRoot &&
      (options.allowOther ?? (process.geteuid?.() === 0 && (isReadOnly || driver.passesCallerIds))),
    usesFastPath: options.usesFastPath,
    begun: takeover?.connection,
    buffers: host.sharing.buffers,
    // In a container the upper lies on the overlayfs of its root, more often than not.
    maxStackDepth: upper !== undefined && isOnOverlayfs(upper.paths.upper) ? 2 : 1,
  });
  const device = takeover?.device ?? (await deviceOfMount(place));
  const { connection } = fuseMount;
  const { treeKey } = layers;
  const isWhole = transfers.statistics() === undefined;
  if (connection && treeKey !== undefined && upper === undefined && isWhole && files) {
    const { agreement } = connection;
    host.keeper?.offer({
      handover: {
        ...{ mountpoint: place, device, started: facts.started },
        treeKey,
        agreement,
        image,
        origin,
        files,
      },
      device: connection.device,
      pause: async () => fuseMount.pause?.(),
    });
  }
  return new ServedMount({
    ...{ image, fuseMount, statistics, driver: chosen, isServed: true, device },
    cleanUp: async () => {
      transfers.end();
      layers.close();
      upper?.release();
      await untilRecorded(layers.readers);
    },
  });
}

/** Undefined if there is no next daemon, or it could not find what it needs. To be called before the mount is made. */
function filesForNext(
  image: Image,
  place: string,
  { diskCache }: ServeRequest['options'],
  { keeper }: Host,
): readonly LayerFile[] | undefined {
  if (keeper === undefined) return undefined;
  const [, script = ''] = process.argv;
  const needed = [process.execPath, script, diskCache?.path ?? ''];
  return findLayerFiles(
    image,
    place,
    needed.filter((path) => existsSync(path)),
  );
}

function isOnOverlayfs(path: string): boolean {
  return statfsSync(path).type === OVERLAYFS_SUPER_MAGIC;
}

async function openUpper(
  { identity }: MergedLayers,
  upper: PreparedUpper | undefined,
): Promise<Upper | undefined> {
  return identity === undefined ? undefined : upper?.open(identity);
}

/** `upper` is closed where it fails. */
function makeFileSystem(
  { tree, readers }: MergedLayers,
  upper: Upper | undefined,
  sources: SyntheticSources,
): FileSystem {
  if (upper === undefined) return new Overlay({ tree, readers, ...sources });
  try {
    return WritableOverlay.open({ tree, readers, upper, ...sources });
  } catch (error) {
    upper.close();
    throw error;
  }
}

function ownerViewOf({ owners, ownerKeeping }: MountOptions): OwnerView {
  if (ownerKeeping === 'fake-root') return fakeRootOwners;
  return owners === undefined ? ownersAsStored : mappedOwners(makeOwnerMaps(owners));
}
