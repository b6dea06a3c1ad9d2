// Which driver serves a mount, and why it is not the kernel's own where any may be taken.
import { InputError } from '../vfs/input-error.ts';
import { serveByErofs } from './erofs-mount.ts';
import { allowsSetId, erofsObstacle, unsafeArchive } from './erofs-obstacle.ts';
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

/** InputError with suid; a warning without it. */
function report(danger: string, place: string, options: MountOptions): void {
  const text = `${danger}: what is written to the archive shows in the mount, because no daemon checks it`;
  if (allowsSetId(options)) throw new InputError(`${place}: driver=erofs with suid: ${text}`);
  options.onWarning?.(text);
}
