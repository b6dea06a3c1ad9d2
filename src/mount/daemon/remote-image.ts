// The image of a registry for a client of the daemon, who has opened it before: the daemon asks the registry again, for exactly
// the manifest and the index that the client found. So the registry decides at each mount who may see the image, whatever
// the cache has.
import type { Image, LayerSource, LoadedIndex } from '../../image/image.ts';
import { isRegistrySource, pinSource } from '../../image/source.ts';
import { CacheDirectory } from '../../layer/cache-directory.ts';
import { IndexStore } from '../../layer/index-store.ts';
import type { SettingPlaces } from '../../remote/setting-places.ts';
import { InputError } from '../../vfs/input-error.ts';
import { showText } from '../../vfs/show-text.ts';
import type { MountMessage } from './mount-message.ts';
import { refuseOtherSettings } from './remote-settings.ts';

/**
 * The image; its indexes are here until it is released, so that mounting it waits for no registry. `own`: the settings of this
 * process. Rejects with an InputError if the registry refuses it, or the client has other settings; with the reason of `signal`.
 */
export async function openRemoteImage(
  { image, origin, cacheDirectory }: MountMessage,
  own: SettingPlaces,
  signal: AbortSignal,
): Promise<Image> {
  const { source, names, remote } = image;
  if (remote === undefined || !isRegistrySource(source)) {
    throw new InputError(`${showText(source)}: is not in a registry (docker://HOST/NAME)`);
  }
  refuseOtherSettings(remote.settings, own);
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
  const loaded: LoadedIndex[] = [];
  const release = (): void => {
    loaded.length = 0;
    opened.release?.();
  };
  try {
    for (const each of opened.layers) {
      const index = await loadIndexInLayer(each, new IndexStore(diskCache), signal);
      if (index !== undefined) loaded.push(index);
    }
  } catch (error) {
    release();
    throw error;
  }
  return { ...opened, source, names, release };
}

/** Brings the index of `layer` here. That which lies in the layer is returned, unless this machine has made one. */
async function loadIndexInLayer(
  layer: LayerSource,
  store: IndexStore,
  signal: AbortSignal,
): Promise<LoadedIndex | undefined> {
  if (layer.kind !== 'blob' || layer.digest === undefined || layer.remote?.isHere() !== false)
    return undefined;
  const index = await layer.remote.findIndex?.(signal);
  if (index?.isInLayer !== true) return undefined;
  if ((await store.loadBlob(layer.digest.slice('sha256:'.length))) !== undefined) return undefined;
  const loaded = await index.load();
  if (loaded !== undefined) return loaded;
  throw new InputError(`${layer.digest}: the registry does not give the index of this layer any more`);
}
