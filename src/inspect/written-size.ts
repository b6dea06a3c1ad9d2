// How many bytes were written to a mount.
import { openDirectoryLayer } from '../layer/directory-layer.ts';
import { type MountedImage, canReadMarks, upperOf } from '../mount/mounted-image.ts';
import { InputError } from '../vfs/input-error.ts';
import { mergeImage } from './merged-image.ts';
import { type InspectOptions, inspectMounted } from './open-inspection.ts';
import { hasMoved, sizeOfUpper, sizeWithMoved } from './upper-size.ts';

/**
 * Bytes written to a mount, as docker counts the size of a container; undefined if this user may not read them. Throws
 * InputError if directories were moved, so that the image is needed, and it can't be opened again.
 */
export async function measureWritten(
  mounted: MountedImage,
  options: InspectOptions = {},
): Promise<number | undefined> {
  const upper = upperOf(mounted.facts);
  if (!mounted.isTrusted) return undefined;
  if (upper === undefined) return 0;
  if (!canReadMarks(upper)) return undefined;
  try {
    const layer = openDirectoryLayer(upper.path, {
      marks: upper.upperMarks,
      isUpper: true,
      fakesRoot: upper.fakesRoot,
      obeysOwners: mounted.facts.ownerKeeping !== undefined,
    });
    layer.close();
    // Redirects that only the mount of their owner follows: this user can't compute the size.
    if ((layer.index.unfollowed?.size ?? 0) > 0) return undefined;
    if (!hasMoved(layer.index)) return sizeOfUpper(layer.index);
  } catch (error) {
    const { code } = (error instanceof InputError ? error.cause : error) as NodeJS.ErrnoException;
    // ENOENT: it has been unmounted, and its upper directory was temporary.
    if (code === 'EACCES' || code === 'ENOENT') return undefined;
    throw error;
  }
  const inspection = await inspectMounted(mounted, true, options);
  try {
    const top = inspection.layers.at(-1)?.layer.index;
    return top === undefined ? 0 : sizeWithMoved(top, mergeImage(inspection).tree);
  } finally {
    inspection.close();
  }
}
