// Goes on with a mount whose daemon has ended: the same layers, the same merged tree, the same connection. Nothing is mounted,
// and the mount point is not looked at: a look would wait for an answer of this process.
import { InputError } from '../../vfs/input-error.ts';
import type { Image, LayerSource } from '../../image/image.ts';
import { withDiskCache } from '../cache-choice.ts';
import { settleFakeRoot } from '../fake-root.ts';
import { type MergedLayers, openMergedLayers } from '../layers.ts';
import type { MountOptions, OpenImageOptions } from '../options.ts';
import { serve } from '../serve.ts';
import type { Mount } from '../served-mount.ts';
import { type Host, sharedLayers } from '../sharing.ts';
import { Transfers } from '../transfers.ts';
import { readDocument } from './document.ts';
import { type LayerFile, layerFile } from './layer-files.ts';

/**
 * Serves the mount that the keeper of `host` holds; `options` are those that it was made with. InputError if its layers are not
 * what they were: then no daemon can serve it.
 */
export async function resumeMount(options: MountOptions & OpenImageOptions, host: Host): Promise<Mount> {
  const begun = host.keeper?.begun;
  if (begun === undefined) throw new Error('no keeper holds a mount');
  const { image, files, treeKey, mountpoint, device, started, origin, agreement } = readDocument(
    begun.document,
  );
  // The files are the same, which is checked: their digests need not be, once more.
  const verify = options.verify === 'always' ? 'when-new' : options.verify;
  const settled = withDiskCache({ ...settleFakeRoot(options), verify, upper: undefined });
  const found = requireFiles(image, files);
  const shared = sharedLayers(host.sharing, settled);
  const layers = await openMergedLayers(found, shared, settled);
  try {
    requireSame(found, files, layers, treeKey);
    const { cache } = shared;
    const takeover = { device, started, origin, files, connection: { device: begun.device, agreement } };
    return await serve(
      { name: 'dev-fuse' },
      {
        ...{
          image: found,
          layers,
          upper: undefined,
          cache,
          place: mountpoint,
          options: settled,
          host,
          takeover,
        },
        transfers: new Transfers(settled),
      },
    );
  } catch (error) {
    layers.close();
    throw error;
  }
}

/** `image`, of which only these files are opened. */
function requireFiles(image: Image, files: readonly LayerFile[]): Image {
  const layers = image.layers.map((source, i): LayerSource => {
    const { dev = -1, ino = -1 } = files[i] ?? {};
    return source.kind === 'blob' ? { ...source, blob: { ...source.blob, found: { dev, ino } } } : source;
  });
  return { ...image, layers };
}

/** InputError if a file was written to since the mount was made, or the layers are others. */
function requireSame(
  { layers }: Image,
  files: readonly LayerFile[],
  merged: MergedLayers,
  treeKey: string,
): void {
  for (const [i, source] of layers.entries()) {
    const path = source.kind === 'blob' ? source.blob.path : '';
    const now = layerFile(path);
    const then = files[i];
    const isSame =
      then !== undefined &&
      now.dev === then.dev &&
      now.ino === then.ino &&
      now.size === then.size &&
      now.mtimeSec === then.mtimeSec &&
      now.mtimeNsec === then.mtimeNsec;
    if (!isSame) {
      throw new InputError(`${path}: was changed since it was mounted`, { code: 'ERR_STRATAFS_CHANGED' });
    }
  }
  if (merged.treeKey !== treeKey) {
    throw new InputError(`layers of ${merged.treeKey ?? 'unknown'} content, expected ${treeKey}`, {
      code: 'ERR_STRATAFS_CHANGED',
    });
  }
}

/** Whether the next daemon would fail for the same reason as this one: a layer is gone or changed, the document is not of this version. */
export function isHopeless(error: unknown): boolean {
  if (error instanceof InputError || error instanceof SyntaxError) return true;
  return ['ENOENT', 'ENOTDIR', 'EACCES', 'ESTALE'].includes((error as NodeJS.ErrnoException).code ?? '');
}
