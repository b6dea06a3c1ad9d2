// Mounts kernel overlayfs over an EROFS mount, so that it takes writes.
import { mountOnPool } from '../../sys/mount-calls.ts';
import { EBUSY, EINVAL, ENODEV, ESTALE, errnoName } from '../../vfs/errno.ts';
import { InputError } from '../../vfs/input-error.ts';

export const OVERLAY_TYPE = 'overlay';
/** Options longer than a page are refused by mount(2). */
const MAX_OPTIONS = 4095;

/** The directories of an overlay, absolute and without symlinks, and what it writes. */
export interface OverlayLayers {
  readonly lower: string;
  readonly upper: string;
  readonly work: string;
  readonly usesMetacopy: boolean;
  readonly usesRedirect: boolean;
  /** True: nothing is synced. */
  readonly isVolatile: boolean;
}

/**
 * Mounts on `mountpoint` (absolute, a directory). `source` is what the mount table shows, `flags` are MS_* of mount(2).
 * InputError where the kernel refuses.
 */
export async function attachOverlay(
  layers: OverlayLayers,
  mountpoint: string,
  { source, flags }: { readonly source: string; readonly flags: number },
): Promise<void> {
  const options = [
    `lowerdir=${escapePath(layers.lower)}`,
    `upperdir=${escapePath(layers.upper)}`,
    `workdir=${escapePath(layers.work)}`,
    // As docs/formats.md ("What can be exchanged") has it; names of one inode stay together (index).
    ...[`redirect_dir=${onOff(layers.usesRedirect)}`, `metacopy=${onOff(layers.usesMetacopy)}`],
    ...['index=on', 'xino=on'],
    ...(layers.isVolatile ? ['volatile'] : []),
  ].join(',');
  if (Buffer.byteLength(options) > MAX_OPTIONS) {
    throw new InputError(
      `${mountpoint}: driver=erofs: the paths of the upper and work directories are too long for mount(2)`,
    );
  }
  const status = await mountOnPool(source, mountpoint, OVERLAY_TYPE, flags, options);
  if (status < 0) throw new InputError(`${mountpoint}: driver=erofs: ${reasonOf(status, layers.upper)}`);
}

const onOff = (isOn: boolean): string => (isOn ? 'on' : 'off');

/** Kernel overlayfs splits its options at commas, and layers at colons, without a backslash before them. */
function escapePath(path: string): string {
  return path.replace(/[\\,:]/g, '\\$&');
}

function reasonOf(status: number, upper: string): string {
  switch (-status) {
    case ENODEV:
      return 'this kernel has no overlayfs (CONFIG_OVERLAY_FS; modprobe overlay)';
    case EBUSY:
      return `${upper} is in use by another mount of kernel overlayfs (EBUSY)`;
    case ESTALE:
      return `${upper} was indexed over another file system (ESTALE); start with new directories`;
    case EINVAL:
      return 'kernel overlayfs refuses these directories (EINVAL); its log says why (dmesg)';
    default:
      return `mount(2) of overlayfs failed: ${errnoName(status)}`;
  }
}
