// Mounts an EROFS image by the kernel's own driver, with the files that hold the layers as its extra devices.
//
// The kernel takes the files themselves (Linux 6.12, CONFIG_EROFS_FS_BACKED_BY_FILE). If it can't, they become loop
// devices: before 6.12, and if the image lies on a file system without a page cache of its own, such as overlayfs or
// tmpfs. Devices are given by open descriptors, so no other file can take their place.
import { closeSync } from 'node:fs';
import { type LoopDevice, attachLoop } from '../../sys/loop-device.ts';
import { MS_RDONLY, mountOnPool } from '../../sys/mount-calls.ts';
import { EACCES, EINVAL, EMFILE, ENODEV, ENOENT, ENXIO, EPERM, errnoName } from '../../vfs/errno.ts';
import { InputError } from '../../vfs/input-error.ts';

export const EROFS_TYPE = 'erofs';
/** Not in node:os: the source of a mount is not a block device. */
const ENOTBLK = 15;
/** Options longer than a page are refused by mount(2). */
const MAX_OPTIONS = 4095;

/** An image, open, and the files that it refers to. */
export interface ImageFiles {
  /** The path of the image, which the mount table shows as the source. */
  readonly path: string;
  /** The same file, open. */
  readonly fd: number;
  /** Descriptors of the extra devices, in the order of the image's device table. */
  readonly devices: readonly number[];
}

export interface ErofsMountOptions {
  /** MS_* flags of mount(2); MS_RDONLY is added. */
  readonly flags: number;
  /** False: POSIX ACLs are not obeyed. */
  readonly obeysAcls: boolean;
}

/**
 * Mounts `image` on `mountpoint` (absolute, a directory). Its descriptors stay the caller's and may be closed. InputError
 * where the kernel or its rights don't allow it.
 */
export async function attachErofs(
  image: ImageFiles,
  mountpoint: string,
  options: ErofsMountOptions,
): Promise<void> {
  const files = image.devices.map((fd) => `/proc/self/fd/${fd}`);
  const status = await mountDevices(image.path, files, mountpoint, options);
  if (status === 0) return;
  if (status !== -ENOTBLK) throw new InputError(problemOf(mountpoint, status));
  const loops: LoopDevice[] = [];
  try {
    for (const fd of [image.fd, ...image.devices]) loops.push(requireLoop(fd, mountpoint));
    const [source = '', ...devices] = loops.map(({ path }) => path);
    const second = await mountDevices(source, devices, mountpoint, options);
    if (second !== 0) throw new InputError(problemOf(mountpoint, second));
  } finally {
    for (const { fd } of loops) closeSync(fd);
  }
}

function mountDevices(
  source: string,
  devices: readonly string[],
  mountpoint: string,
  { flags, obeysAcls }: ErofsMountOptions,
): Promise<number> {
  const options = [...(obeysAcls ? [] : ['noacl']), ...devices.map((path) => `device=${path}`)].join(',');
  if (options.length > MAX_OPTIONS) {
    throw new InputError(
      `${mountpoint}: driver=erofs: found layers in ${devices.length} files, more than one call of mount(2) takes`,
    );
  }
  return mountOnPool(source, mountpoint, EROFS_TYPE, flags | MS_RDONLY, options);
}

function requireLoop(fd: number, mountpoint: string): LoopDevice {
  const device = attachLoop(fd);
  if (typeof device !== 'number') return device;
  const reason =
    device === -ENOENT || device === -ENXIO || device === -ENODEV
      ? 'there are none: load the module (modprobe loop), or give the container /dev/loop-control and devices'
      : errnoName(device);
  throw new InputError(
    `${mountpoint}: driver=erofs: the kernel can't mount the image's file, and loop devices can't be used: ${reason}`,
  );
}

function problemOf(mountpoint: string, status: number): string {
  return `${mountpoint}: driver=erofs: ${reasonOf(status)}`;
}

function reasonOf(status: number): string {
  switch (-status) {
    case ENODEV:
      return 'this kernel has no EROFS (CONFIG_EROFS_FS; modprobe erofs)';
    case EPERM:
    case EACCES:
      return `only root of the machine may mount it (${errnoName(status)})`;
    case EMFILE:
      return 'too many mounts or open files (EMFILE)';
    case EINVAL:
      return 'the kernel refused the image (EINVAL): Linux before 6.4 cannot read it; else its log says why (dmesg)';
    default:
      return `mount(2) failed: ${errnoName(status)}`;
  }
}
