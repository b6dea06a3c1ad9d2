// The EROFS image of a mount: as an earlier mount saved it, or written now, and saved where there is a cache directory.
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readSync,
  readlinkSync,
  statSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import type { PlacedLayers } from '../erofs/devices.ts';
import type { OpenErofsImage } from '../erofs/image-file.ts';
import { erofsLayerNames, keyOfErofsImage } from '../erofs/image-key.ts';
import { ErofsImageStore } from '../erofs/image-store.ts';
import type { ErofsSource } from '../erofs/source.ts';
import { writeErofsImage } from '../erofs/write-image.ts';
import { PartialReader } from '../layer/partial-layer.ts';
import { InputError } from '../vfs/input-error.ts';
import { type WithDiskCache, indexCacheOf } from './cache-choice.ts';
import { MAX_COPIED_BYTES } from './keep-erofs-image.ts';
import type { MergedLayers, StackedLayers } from './layers.ts';
import type { MountOptions } from './options.ts';

/** Not in node:fs; the same on all architectures that Node runs on. */
const O_TMPFILE = 0o20200000;
/** Of the UUID in an image: src/erofs/layout.ts. */
const UUID_OFFSET = 1024 + 48;
const UUID_SIZE = 16;

/** The limit of what is copied from layers that are not here: it is fetched before the mount answers. */
const MAX_FETCHED_BYTES = 2 ** 22;

/** What mounting an image needs. */
export type MountableImage = Pick<OpenErofsImage, 'fd' | 'path' | 'close'>;

/**
 * The image of `layers`, whose places are `placed`; owned by the caller. `isOverlayLower`: kernel overlayfs comes on top.
 * InputError for what an image can't hold.
 */
export async function openErofsImage(
  { tree, treeKey, readers, size: layersSize }: MergedLayers,
  placed: PlacedLayers,
  isOverlayLower: boolean,
  options: WithDiskCache<MountOptions>,
): Promise<MountableImage> {
  const form = formOf(placed, isOverlayLower, options);
  const isPartial = readers.some((reader) => reader instanceof PartialReader);
  const maxCopiedBytes = isPartial ? MAX_FETCHED_BYTES : MAX_COPIED_BYTES;
  const source = { tree, layersSize, ...placed, ...form, maxCopiedBytes };
  const cache = indexCacheOf(options);
  if (treeKey === undefined || cache === undefined) return writeTemporary(source);
  const store = new ErofsImageStore(cache);
  const key = keyOfErofsImage(treeKey, placed, form);
  const saved = await store.load(key);
  if (saved !== undefined) return saved;
  const isSaved = await store.save(key, source);
  return (isSaved ? await store.load(key) : undefined) ?? writeTemporary(source);
}

/** The image that an earlier read-only mount of these layers saved, owned by the caller; undefined if there is none. */
export async function loadErofsImage(
  { treeKey }: Pick<StackedLayers, 'treeKey'>,
  placed: PlacedLayers,
  options: WithDiskCache<MountOptions>,
): Promise<OpenErofsImage | undefined> {
  const cache = indexCacheOf(options);
  if (treeKey === undefined || cache === undefined) return undefined;
  const key = keyOfErofsImage(treeKey, placed, formOf(placed, false, options));
  return new ErofsImageStore(cache).load(key);
}

/** Overlayfs would copy the layer's name to the upper with the file. */
function formOf(
  { layers }: PlacedLayers,
  isOverlayLower: boolean,
  { showsLayers = true }: MountOptions,
): Pick<ErofsSource, 'layerNames' | 'isOverlayLower'> {
  const layerNames = showsLayers && !isOverlayLower ? erofsLayerNames(layers.length) : undefined;
  return { layerNames, isOverlayLower };
}

/** The path of an open image as people know it; what `path` of it says where it has none, or another file is there. */
export function shownPathOf({ fd, path }: MountableImage): string {
  const named = readlinkSync(path);
  const [there, open] = [statSync(named, { throwIfNoEntry: false }), fstatSync(fd)];
  return there?.ino === open.ino && there.dev === open.dev ? named : path;
}

/** The UUID of the image's file system, 16 bytes: another for another image. */
export function uuidOf(fd: number): Buffer {
  const uuid = Buffer.alloc(UUID_SIZE);
  readSync(fd, uuid, 0, uuid.length, UUID_OFFSET);
  return uuid;
}

/** In a file without a name, which ends with the mount. No other image has its UUID. */
async function writeTemporary(source: ErofsSource): Promise<MountableImage> {
  const fd = openTemporary();
  try {
    await writeErofsImage(
      { ...source, uuid: randomBytes(UUID_SIZE) },
      {
        write: (bytes) => {
          for (let done = 0; done < bytes.length;) done += writeSync(fd, bytes, done);
          return Promise.resolve();
        },
      },
    );
    return { fd, path: `/proc/self/fd/${fd}`, close: () => closeSync(fd) };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function openTemporary(): number {
  try {
    return openSync(tmpdir(), constants.O_RDWR | O_TMPFILE, 0o600);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new InputError(
      `driver=erofs: no temporary image can be written: ${reason}; $TMPDIR names another place for it`,
      { cause: error },
    );
  }
}
