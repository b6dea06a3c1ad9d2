// A mount that the kernel serves: its EROFS driver answers names and attributes from an image of the merged
// layers, and reads the bytes of files in place from the archive. Compressed layers are served by this process, each as one
// file of plain bytes. Without such layers no process is left. Writes go through kernel overlayfs over the image.
import { rmdirSync, statSync } from 'node:fs';
import { OVERLAY_TYPE, attachOverlay } from '../erofs/mounts/attach-overlay.ts';
import { EROFS_TYPE, type ImageFiles, attachErofs } from '../erofs/mounts/attach.ts';
import {
  type MountRecord,
  type RecordedFile,
  type RecordedProcess,
  announceMount,
  removeRecord,
  writeRecord,
} from '../erofs/mounts/records.ts';
import { makePrivateDirectory } from '../erofs/mounts/run-directory.ts';
import { serveStatistics } from '../erofs/mounts/statistics-socket.ts';
import { type PlacedLayers, placeLayers } from '../erofs/devices.ts';
import type { DriverStatistics, FuseMount } from '../fuse/driver.ts';
import { shownSource } from '../fuse/mounts/kernel-mount.ts';
import type { Image } from '../image/image.ts';
import type { OpenErofsImage } from '../erofs/image-file.ts';
import { fileStateOf } from '../sys/file-state.ts';
import { MNT_DETACH, MS_NODEV, MS_NOSUID, UMOUNT_NOFOLLOW, unmount } from '../sys/mount-calls.ts';
import { type MountEntry, mountAt, readMountTable } from '../sys/mount-table.ts';
import { untilUnmounted } from '../sys/mount-watch.ts';
import { processStart } from '../sys/process-start.ts';
import { untilRecorded } from '../layer/partial-layer.ts';
import type { BlobReader } from '../vfs/blob-reader.ts';
import { ErrnoError } from '../vfs/errno.ts';
import { InputError } from '../vfs/input-error.ts';
import { type ClaimedUpper, claimUpper } from './claim-upper.ts';
import { describeMount } from './describe-mount.ts';
import { type MountableImage, openErofsImage, shownPathOf, uuidOf } from './erofs-image.ts';
import { type ServedLayers, serveLayers } from './layer-file-mount.ts';
import { type StackedLayers, isInRegistry } from './layers.ts';
import { mountFlagBits } from './options.ts';
import { originOf } from './origin.ts';
import type { PreparedUpper } from './prepare-upper.ts';
import type { ServeRequest } from './serve.ts';
import { type Mount, type MountStatistics, NO_STATISTICS, ServedMount } from './served-mount.ts';
import type { Transfers } from './transfers.ts';

/**
 * Mounts on `place`. `layers` and `upper` are closed when the mount ends; where this fails they stay the caller's.
 * InputError where the kernel can't, or the mount can't be recorded.
 */
export async function serveByErofs(request: ServeRequest): Promise<Mount> {
  const { layers, upper, place, options } = request;
  const placed = placeLayers(layers.readers);
  const written = await openErofsImage(layers, placed, upper !== undefined, options);
  try {
    return await serveImage(written, placed, {
      ...request,
      size: layers.size,
      upper:
        upper === undefined
          ? undefined
          : { prepared: upper, claim: (uuid) => claimUpper(upper, layers, uuid, place) },
    });
  } finally {
    written.close();
  }
}

/** As `serveByErofs`, read-only, from an image of these layers that was saved. The image stays the caller's. */
export function serveSavedByErofs(
  saved: OpenErofsImage,
  placed: PlacedLayers,
  request: Omit<ImageRequest, 'upper' | 'size'>,
): Promise<Mount> {
  return serveImage(saved, placed, { ...request, size: saved.layersSize, upper: undefined });
}

/** A mount of layers that need not be merged: their image is there. */
interface ImageRequest extends Omit<ServeRequest, 'layers' | 'upper' | 'host' | 'transfers'> {
  readonly layers: StackedLayers;
  /** Undefined if all layers are here. */
  readonly transfers?: Transfers | undefined;
  /** Bytes of all layers' files, as docker counts an image's size. */
  readonly size: number;
  readonly upper: TakenUpper | undefined;
}

interface TakenUpper {
  readonly prepared: PreparedUpper;
  /** `uuid`: of the image beneath it. */
  readonly claim: (uuid: Uint8Array) => Promise<ClaimedUpper>;
}

async function serveImage(
  written: MountableImage,
  placed: PlacedLayers,
  request: ImageRequest,
): Promise<Mount> {
  const { image, layers, size, upper: taken, cache, place, options, transfers } = request;
  const upper = taken?.prepared;
  const served = await serveUnplaced(placed, layers.readers);
  // A directory that is removed when the mount ends needs somebody who does it.
  const isServed = served !== undefined || upper?.isThrowAway === true;
  const facts = describeMount(
    {
      ...{ image, layers, size, upper, driver: 'erofs' },
      upperMarks: upper === undefined ? undefined : 'trusted',
      pid: isServed ? process.pid : undefined,
    },
    originOf(options),
  );
  const { missingBytes } = transfers?.statistics() ?? {};
  try {
    const files = { path: shownPathOf(written), fd: written.fd, devices: devicesOf(placed, served) };
    const record = {
      facts: { ...facts, missingBytes },
      files: recordFiles(image),
      daemon: isServed ? recordedProcess() : undefined,
    };
    options.signal?.throwIfAborted();
    const entry =
      taken === undefined
        ? await mountReadOnly(files, request, record)
        : await mountWritable(files, request, taken, record);
    await served?.hide();
    const fuseMount = new KernelMount(place, entry.device, served?.fuseMount);
    const statistics = (): MountStatistics => ({
      ...fuseMount.statistics(),
      cache: cache.statistics(),
      transfers: transfers?.statistics(),
    });
    const counts = isServed ? await serveStatistics(entry.device, statistics) : undefined;
    return new ServedMount({
      ...{ image, fuseMount, driver: { name: 'erofs' }, isServed, statistics, device: entry.device },
      cleanUp: async () => {
        counts?.close();
        transfers?.end();
        layers.close();
        upper?.release();
        await untilRecorded(layers.readers);
      },
    });
  } catch (error) {
    await served?.hide();
    await served?.fuseMount.abort();
    throw error;
  }
}

async function mountReadOnly(
  files: ImageFiles,
  { place, options }: ImageRequest,
  record: MountRecord,
): Promise<MountEntry> {
  const attach = (): Promise<void> =>
    attachErofs(files, place, {
      flags: mountFlagBits(options.flags),
      obeysAcls: options.usesAcl ?? true,
    });
  return recordMount({ type: EROFS_TYPE, source: files.path, mountPoint: place }, record, attach);
}

/** Kernel overlayfs over the image, which no path leads to. */
async function mountWritable(
  files: ImageFiles,
  { image, place, options }: ImageRequest,
  { prepared: upper, claim }: TakenUpper,
  record: MountRecord,
): Promise<MountEntry> {
  const claimed = await claim(uuidOf(files.fd));
  try {
    const lower = await makePrivateDirectory('lower');
    try {
      await attachErofs(files, lower, { flags: MS_NOSUID | MS_NODEV, obeysAcls: true });
      try {
        const { upper: directory, work = '' } = upper.paths;
        const { metacopy, redirect } = upper.writes;
        const source = shownSource(options.fsname ?? image.source);
        const attach = (): Promise<void> =>
          attachOverlay(
            {
              ...{ lower, upper: directory, work, isVolatile: upper.isThrowAway },
              ...{ usesMetacopy: metacopy, usesRedirect: redirect },
            },
            place,
            { source, flags: mountFlagBits(options.flags) },
          );
        return await recordMount({ type: OVERLAY_TYPE, source, mountPoint: place }, record, attach);
      } finally {
        await unmount(lower, UMOUNT_NOFOLLOW | MNT_DETACH);
      }
    } finally {
      rmdirSync(lower);
    }
  } finally {
    claimed.release();
  }
}

const recordedProcess = (): RecordedProcess => ({ pid: process.pid, start: processStart(process.pid) });

/** Serves what no file holds as plain bytes; undefined where there is nothing such. */
async function serveUnplaced(
  { devices }: PlacedLayers,
  readers: readonly BlobReader[],
): Promise<ServedLayers | undefined> {
  const unplaced = devices.flatMap((device) =>
    device.kind === 'layer' ? (readers[device.layer] as BlobReader) : [],
  );
  return unplaced.length === 0 ? undefined : serveLayers(unplaced);
}

/** The descriptors of all devices, in order. */
function devicesOf({ devices }: PlacedLayers, served: ServedLayers | undefined): number[] {
  const files = [...(served?.files ?? [])];
  return devices.map((device) => (device.kind === 'layer' ? (files.shift()?.fd ?? -1) : device.fd));
}

/** Mounts by `attach`, with a record from before that on. If this fails, nothing stays mounted. */
async function recordMount(
  mount: Pick<MountEntry, 'type' | 'source' | 'mountPoint'>,
  record: MountRecord,
  attach: () => Promise<void>,
): Promise<MountEntry> {
  const pending = announceMount(mount, record);
  try {
    await attach();
    return await recordAttached(mount.mountPoint, record);
  } finally {
    pending.remove();
  }
}

async function recordAttached(place: string, record: MountRecord): Promise<MountEntry> {
  try {
    const table = await readMountTable();
    const entry = mountAt(table, place);
    if (entry === undefined) throw new InputError(`${place}: unmounted before it was recorded`);
    writeRecord(entry, record, table);
    return entry;
  } catch (error) {
    await unmount(place, UMOUNT_NOFOLLOW | MNT_DETACH);
    throw error;
  }
}

/** The archive files as they are now. Those that are not here as a whole nobody else can write to. */
function recordFiles({ layers }: Image): RecordedFile[] {
  const paths = new Set(
    layers.flatMap((source) => (source.kind === 'blob' && !isInRegistry(source) ? source.blob.path : [])),
  );
  return [...paths].map((path) => {
    const stats = statSync(path, { bigint: true });
    return { path, dev: Number(stats.dev), ino: Number(stats.ino), ...fileStateOf(stats) };
  });
}

/** A mount that the kernel answers, as a driver offers it; `layers`: what this process serves of it. */
class KernelMount implements FuseMount {
  readonly mountpoint: string;
  readonly closed: Promise<void>;
  readonly #device: string;
  readonly #layers: FuseMount | undefined;

  constructor(mountpoint: string, device: string, layers: FuseMount | undefined) {
    this.mountpoint = mountpoint;
    this.#device = device;
    this.#layers = layers;
    this.closed = this.#untilGone();
  }

  statistics(): DriverStatistics {
    return this.#layers?.statistics() ?? NO_STATISTICS;
  }

  async detach({ lazy }: { readonly lazy: boolean }): Promise<void> {
    const status = await unmount(this.mountpoint, UMOUNT_NOFOLLOW | (lazy ? MNT_DETACH : 0));
    if (status < 0) throw new ErrnoError(status, 'umount2', this.mountpoint);
  }

  async unmount({ lazy = false } = {}): Promise<void> {
    await this.detach({ lazy });
    if (!lazy) await this.closed;
  }

  /** What this process serves ends; the kernel goes on answering the rest to who still uses it. */
  async abort(): Promise<void> {
    await this.#layers?.abort();
    const entry = mountAt(await readMountTable(), this.mountpoint);
    if (entry?.device === this.#device) await this.detach({ lazy: true });
    await this.closed;
  }

  async #untilGone(): Promise<void> {
    await untilUnmounted(this.#device);
    removeRecord(this.#device);
    await this.#layers?.closed;
  }
}
