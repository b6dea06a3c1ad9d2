// Which driver serves a mount, and why it is not the kernel's own where any may be taken.
import type { BlockCache } from '../cache/block-cache.ts';
import type { Image } from '../image/image.ts';
import { InputError } from '../vfs/input-error.ts';
import type { WithDiskCache } from './cache-choice.ts';
import { serveByErofs } from './erofs-mount.ts';
import { allowsSetId, erofsObstacle, unsafeArchive } from './erofs-obstacle.ts';
import type { MergedLayers } from './layers.ts';
import type { MountOptions, OpenImageOptions } from './options.ts';
import type { PreparedUpper } from './prepare-upper.ts';
import { serve } from './serve.ts';
import type { Mount } from './served-mount.ts';

/**
 * Mounts on `place` (absolute, a directory) by the driver that `options` ask for; resolves when the mount answers. `layers`
 * and `upper` are closed after it; where it fails they stay the caller's. InputError where that driver can't.
 */
export async function serveByDriver(
  image: Image,
  layers: MergedLayers,
  upper: PreparedUpper | undefined,
  cache: BlockCache,
  place: string,
  options: WithDiskCache<MountOptions & OpenImageOptions>,
): Promise<Mount> {
  const { driver = 'dev-fuse' } = options;
  if (driver === 'dev-fuse' || driver === 'fuse-native') {
    return serve({ name: driver }, image, layers, upper, cache, place, options);
  }
  const obstacle = erofsObstacle(image, options);
  const danger = obstacle === undefined ? unsafeArchive(image, layers) : undefined;
  if (driver === 'erofs') {
    if (obstacle !== undefined) throw new InputError(`${place}: driver=erofs: ${obstacle}`);
    if (danger !== undefined) report(danger, place, options);
    return serveByErofs({ image, layers, upper, cache, place, options });
  }
  const reason = obstacle ?? danger ?? (await tryErofs());
  if (typeof reason !== 'string') return reason;
  return serve({ name: 'dev-fuse', reason }, image, layers, upper, cache, place, options);

  async function tryErofs(): Promise<Mount | string> {
    try {
      return await serveByErofs({ image, layers, upper, cache, place, options });
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      return error.message;
    }
  }
}

/** InputError with suid; a warning without it. */
function report(danger: string, place: string, options: MountOptions): void {
  const text = `${danger}: what is written to the archive shows in the mount, because no daemon checks it`;
  if (allowsSetId(options)) throw new InputError(`${place}: driver=erofs with suid: ${text}`);
  options.onWarning?.(text);
}
