// The image of a registry for a client of the daemon, who has opened it before: the daemon asks the registry again, for exactly
// the manifest and the index that the client found. So the registry decides at each mount who may see the image, whatever
// the cache has.
import type { Image } from '../../image/image.ts';
import { isRegistrySource, pinSource } from '../../image/source.ts';
import { CacheDirectory } from '../../layer/cache-directory.ts';
import { InputError } from '../../vfs/input-error.ts';
import { showText } from '../../vfs/show-text.ts';
import type { MountMessage } from './mount-message.ts';
import { refuseOtherSettings } from './remote-settings.ts';

/**
 * The image; its indexes are in the cache directory, so that mounting it waits for no registry. Rejects with an InputError if the
 * registry refuses it, or the client has other settings; with the reason of `signal`.
 */
export async function openRemoteImage(
  { image, origin, cacheDirectory }: MountMessage,
  signal: AbortSignal,
): Promise<Image> {
  const { source, names, remote } = image;
  if (remote === undefined || !isRegistrySource(source)) {
    throw new InputError(`${showText(source)}: is not in a registry (docker://HOST/NAME)`);
  }
  refuseOtherSettings(remote.settings);
  const diskCache = CacheDirectory.open(cacheDirectory);
  if (diskCache === undefined)
    throw new InputError(`${cacheDirectory}: the daemon can't use this cache directory`);
  const { openRegistryImage } = await import('../../remote/open-registry-image.ts');
  const { layer, upto } = origin;
  const opened = await openRegistryImage(pinSource(source, remote.manifest), {
    ...{ diskCache, signal, indexDigest: remote.index },
    ...(layer === undefined ? {} : { layer }),
    ...(upto === undefined ? {} : { upto }),
  });
  try {
    for (const each of opened.layers) {
      if (each.kind === 'blob' && each.remote?.isHere() === false) await each.remote.findIndex?.(signal);
    }
  } catch (error) {
    opened.release?.();
    throw error;
  }
  return { ...opened, source, names };
}
