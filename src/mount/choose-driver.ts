// Which driver serves a mount, and why it is not the kernel's own where any may be taken.
import type { Image } from '../image/image.ts';
import { InputError } from '../vfs/input-error.ts';
import { placeLayers } from '../erofs/devices.ts';
import { loadErofsImage } from './erofs-image.ts';
import { serveByErofs, serveSavedByErofs } from './erofs-mount.ts';
import { allowsSetId, erofsObstacle, unsafeArchive } from './erofs-obstacle.ts';
import type { StackedLayers } from './layers.ts';
import type { MountOptions } from './options.ts';
import { type ServeRequest, serve } from './serve.ts';
import type { Mount } from './served-mount.ts';

/**
 * Mounts by the driver that the options ask for; resolves when the mount answers. Layers and upper are closed after it; where it fails they stay the caller's. InputError where that driver can't.
 */
export async function serveByDriver(request: ServeRequest): Promise<Mount> {
  const { image, layers, place, options } = request;
  const { driver = 'dev-fuse' } = options;
  if (driver === 'dev-fuse' || driver === 'fuse-native') return serve({ name: driver }, request);
  const obstacle = erofsObstacle(image, options);
  const danger = obstacle === undefined ? unsafeArchive(image, layers) : undefined;
  if (driver === 'erofs') {
    if (obstacle !== undefined) throw new InputError(`${place}: driver=erofs: ${obstacle}`);
    if (danger !== undefined) report(danger, place, options);
    return serveByErofs(request);
  }
  const reason = obstacle ?? danger ?? (await tryErofs());
  if (typeof reason !== 'string') return reason;
  return serve({ name: 'dev-fuse', reason }, request);

  async function tryErofs(): Promise<Mount | string> {
    try {
      return await serveByErofs(request);
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      return error.message;
    }
  }
}

/** A mount whose layers are open, and not merged. */
export type RemountRequest = Pick<ServeRequest, 'image' | 'cache' | 'place' | 'options'> & {
  readonly layers: StackedLayers;
};

/** True if the options ask for a mount that an earlier one may have saved an EROFS image of. */
export function mayRemountByErofs(image: Image, options: MountOptions): boolean {
  const { driver, upper } = options;
  // What an upper has of the layers is found in the merged tree.
  if ((driver !== 'erofs' && driver !== 'auto') || upper !== undefined) return false;
  return erofsObstacle(image, options) === undefined;
}

/**
 * Mounts from the EROFS image that an earlier mount saved: neither layers nor the merged tree are read. Undefined where another
 * way is needed; `serveByDriver` then knows why. The layers are closed after the mount; without one they stay the caller's.
 */
export async function remountByErofs({
  layers,
  cache,
  image,
  place,
  options,
}: RemountRequest): Promise<Mount | undefined> {
  const danger = unsafeArchive(image, layers);
  if (danger !== undefined && options.driver === 'auto') return undefined;
  const placed = placeLayers(layers.readers);
  const saved = await loadErofsImage(layers, placed, options);
  if (saved === undefined) return undefined;
  try {
    if (danger !== undefined) report(danger, place, options);
    return await serveSavedByErofs(saved, placed, { image, layers, cache, place, options });
  } catch (error) {
    if (options.driver === 'auto' && error instanceof InputError) return undefined;
    throw error;
  } finally {
    saved.close();
  }
}

/** InputError with suid; a warning without it. */
function report(danger: string, place: string, options: MountOptions): void {
  const text = `${danger}: what is written to the archive shows in the mount, because no daemon checks it`;
  if (allowsSetId(options)) throw new InputError(`${place}: driver=erofs with suid: ${text}`);
  options.onWarning?.(text);
}
