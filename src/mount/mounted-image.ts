// A stratafs mount as a source: it says itself where its image came from, and what was written to it lies in its upper
// directory, which shows over the image as one more layer.
//
// The image is opened anew, perhaps by another user than the mounting one. An archive that was moved, or that holds another
// image by now, is reported under the mount point's name.
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { isTrustedMount, requireTrustedMount } from '../fuse/mounts/mount-owner.ts';
import { locateMountPoint } from '../fuse/mounts/mount-point.ts';
import type { MountFacts } from '../fuse/mounts/mount-facts.ts';
import {
  type FoundMount,
  STATISTICS_XATTR,
  SilentMountError,
  askMount,
  describeAnswer,
  findMountAt,
} from '../fuse/mounts/mounts.ts';
import type { Image } from '../image/image.ts';
import { absoluteLowerStack } from '../image/lower-stack.ts';
import { selectLayers } from '../image/select-layers.ts';
import { absoluteSource, isRegistrySource, pinSource } from '../image/source.ts';
import type { MarkNamespace } from '../overlayfs-format/overlay-xattrs.ts';
import { isInitialRoot } from '../sys/initial-root.ts';
import { syncFileSystemLater } from '../sys/upper-calls.ts';
import { ErrnoError } from '../vfs/errno.ts';
import { InputError } from '../vfs/input-error.ts';
import type { WithDiskCache } from './cache-choice.ts';
import { openImageWith, openLowerDirectories } from './open-image.ts';
import type { OpenImageOptions } from './options.ts';
import type { MountOrigin } from './origin.ts';
import type { MountStatistics } from './served-mount.ts';

/** Each lets the kernel send 64 MiB more: MAX_BACKGROUND requests of 1 MiB. */
const MAX_SYNC_ROUNDS = 64;

/** A mount that has answered. */
export interface MountedImage {
  /** The mount point, absolute. */
  readonly place: string;
  readonly facts: MountFacts & Partial<MountOrigin>;
  /** Whether the paths in `facts` may be opened. */
  readonly isTrusted: boolean;
}

/** A mount that was found, where it has answered. */
export function mountedImageOf({ entry, answer }: FoundMount): MountedImage | undefined {
  if (answer.kind !== 'answered') return undefined;
  return {
    place: entry.mountPoint,
    facts: answer.json as MountFacts & Partial<MountOrigin>,
    isTrusted: isTrustedMount(entry),
  };
}

/**
 * The mount at `path`; undefined if it is not a stratafs mount. InputError if it doesn't describe itself, or is not to be
 * believed: what it names would be opened with this user's rights.
 */
export async function findMountedImage(path: string): Promise<MountedImage | undefined> {
  const place = await locateMountPoint(path).catch(() => undefined); // it may be no path at all
  const found = place === undefined ? undefined : await findMountAt(place);
  if (place === undefined || found === undefined) return undefined;
  requireTrustedMount(found.entry);
  const { answer } = found;
  if (answer.kind === 'silent') throw new SilentMountError(place);
  if (answer.kind !== 'answered') {
    throw new InputError(`${place}: the mount does not name its image: ${describeAnswer(answer)}`);
  }
  return mountedImageOf(found);
}

/** True where `options` choose layers: those are of the whole image, whatever of it is mounted. */
export function choosesLayers({ layer, upto }: OpenImageOptions): boolean {
  return layer !== undefined || upto !== undefined;
}

/**
 * The image that is mounted, as much of it as is mounted, or as `options` choose. InputError where it can't be opened again, or
 * is another by now.
 */
export async function reopenImage(
  mounted: MountedImage,
  options: WithDiskCache<OpenImageOptions>,
): Promise<Image> {
  const { place, facts } = mounted;
  const { source, imageId, directory = '/', platform } = facts;
  const whole: { -readonly [Name in keyof typeof options]: (typeof options)[Name] } = { ...options };
  if (platform !== undefined) whole.platform = platform;
  // Layers are chosen once it is known that it is this image.
  delete whole.layer;
  delete whole.upto;
  const image = await (
    imageId === undefined
      ? reopenStack(source, directory, whole)
      : openImageWith(sourceOf(source, directory, facts.manifest), whole)
  ).catch((error: unknown) => {
    if (!isMissing(error)) throw error;
    throw new InputError(`${place}: its image can't be opened again: ${error.message}`, { cause: error });
  });
  try {
    return selectMounted(image, mounted, options);
  } catch (error) {
    image.release?.();
    throw error;
  }
}

/** The layers of `image` that are mounted. Throws InputError if it is not the image that was mounted. */
function selectMounted(
  image: Image,
  { place, facts }: MountedImage,
  options: WithDiskCache<OpenImageOptions>,
): Image {
  const { imageId } = facts;
  if (facts.directoryMarks === 'trusted' && !isInitialRoot() && hasDirectory(image)) {
    throw new InputError(
      `${place}: only root can read its layers: directories, whose marks may be in trusted.overlay.*`,
    );
  }
  if (image.id === imageId) return selectLayers(image, choosesLayers(options) ? options : facts);
  throw new InputError(
    `${place}: ${image.source} was changed since it was mounted: found ${image.id ?? 'no image'}, expected ${imageId ?? 'a layer'}`,
    { code: 'ERR_STRATAFS_CHANGED' },
  );
}

/** For another working directory, and for a tag that has moved. */
function sourceOf(source: string, directory: string, manifest: string | undefined): string {
  const pinned = manifest !== undefined && isRegistrySource(source) ? pinSource(source, manifest) : source;
  return absoluteSource(pinned, directory);
}

function hasDirectory({ layers }: Image): boolean {
  return layers.some(({ kind }) => kind === 'directory');
}

function isMissing(error: unknown): error is Error {
  return error instanceof InputError || (error as NodeJS.ErrnoException).code === 'ENOENT';
}

/** A bare layer may have been named as a source, whose path may hold colons, or by `lowerdir=`. */
async function reopenStack(
  source: string,
  directory: string,
  options: WithDiskCache<OpenImageOptions>,
): Promise<Image> {
  try {
    return await openLowerDirectories(absoluteLowerStack(source, directory), options);
  } catch (error) {
    if (!isMissing(error)) throw error;
    return openImageWith(absoluteSource(source, directory), options);
  }
}

/**
 * The image with the mount's upper directory as its topmost layer; the image itself if the mount has none. Mapped pages that were
 * written to have reached the upper when this resolves. InputError if this user can't read the upper's marks.
 */
export async function addUpper({ place, facts }: MountedImage, image: Image): Promise<Image> {
  const upper = upperOf(facts);
  if (upper === undefined) return image;
  requireReadableMarks(place, upper);
  await syncMount(place);
  return { ...image, layers: [...image.layers, { kind: 'directory', ...upper }] };
}

/** Of a mount that has one. */
export interface UpperOfMount {
  readonly path: string;
  readonly upperMarks: MarkNamespace;
  readonly fakesRoot: boolean;
}

export function upperOf({
  upper,
  upperMarks = 'trusted',
  ownerKeeping,
}: MountedImage['facts']): UpperOfMount | undefined {
  if (upper === undefined) return undefined;
  return { path: upper, upperMarks, fakesRoot: ownerKeeping === 'fake-root' };
}

/** InputError where this user can't know what the marks of the upper say. `place`: the mount point. */
export function requireReadableMarks(place: string, upper: UpperOfMount): void {
  if (canReadMarks(upper)) return;
  throw new InputError(
    `${place}: only root can read what was written to it: ${upper.path} has its marks in trusted.overlay.*`,
  );
}

/** A process that can't read the marks of an upper shows what they hide. */
export function canReadMarks({ upperMarks }: UpperOfMount): boolean {
  return upperMarks === 'user' || isInitialRoot();
}

/**
 * Brings to the upper what the kernel still holds of a mount: what is mapped and written to. syncfs(2) sends it on its way
 * and, of a FUSE file system, waits for nothing (fs/fuse/file.c): it has arrived when a question that was sent after it
 * is answered, and no more writes came since the one before.
 */
export async function syncMount(mountpoint: string): Promise<void> {
  const directory = await open(mountpoint, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    const status = await syncFileSystemLater(directory.fd);
    if (status < 0) throw new ErrnoError(status, 'syncfs', mountpoint);
  } finally {
    await directory.close();
  }
  // A program that goes on writing would never end this; what was written before comes with the first rounds.
  for (let round = 0, written = -1; round < MAX_SYNC_ROUNDS; round++) {
    const answer = await askMount(mountpoint, STATISTICS_XATTR);
    if (answer.kind === 'silent') throw new SilentMountError(mountpoint);
    if (answer.kind !== 'answered') return;
    const { requests, pendingChanges } = answer.json as MountStatistics;
    const now = requests['WRITE'] ?? 0;
    if (now === written && pendingChanges === 0) return;
    written = now;
  }
}
