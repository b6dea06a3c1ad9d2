// Attaching a FUSE connection to the mount table, and detaching it.
//
// Root, also a user namespace's own, calls mount(2). Anybody else, and a root that may not mount, asks fusermount3,
// which opens the device and passes it back over a socket (_FUSE_COMMFD, libfuse's own convention).
import { execFile, spawnSync } from 'node:child_process';
import { closeSync } from 'node:fs';
import {
  EACCES,
  EBUSY,
  EINVAL,
  ENOENT,
  ENODEV,
  ENXIO,
  EPERM,
  ErrnoError,
  errnoName,
} from '../../vfs/errno.ts';
import { InputError } from '../../vfs/input-error.ts';
import {
  MNT_DETACH,
  MNT_FORCE,
  MS_NODEV,
  MS_NOSUID,
  UMOUNT_NOFOLLOW,
  mount,
  mountFlagNames,
  openDevice,
  receiveDescriptor,
  socketPair,
  unmount,
} from '../../sys/mount-calls.ts';
import type { DriverOptions } from '../driver.ts';

const DEVICE = '/dev/fuse';
const HELPER = 'fusermount3';
export const SUBTYPE = 'stratafs';
/** The type of our mounts in the mount table. */
export const FUSE_TYPE = `fuse.${SUBTYPE}`;
/**
 * Characters of the source that the mount table shows. mount(2) refuses PATH_MAX bytes and more with EINVAL, and a tall
 * stack's lowerdir= is longer; `stratafs ls` asks the mount itself for the whole.
 */
const SHOWN_SOURCE_LENGTH = 1024;

/** Attaches a new connection to `mountpoint`: its device, owned by the caller. InputError where that can't be. */
export function attach(mountpoint: string, options: DriverOptions): number {
  if (process.geteuid?.() !== 0) return attachByHelper(mountpoint, options);
  const device = openDevice(DEVICE);
  if (device < 0) throw new InputError(deviceProblem(-device));
  const connection = [
    `fd=${device}`,
    'rootmode=40000',
    'user_id=0',
    'group_id=0',
    ...(options.checksPermissions === false ? [] : ['default_permissions']),
    ...(options.allowOther ? ['allow_other'] : []),
  ];
  const status = mount(
    shownSource(options.source),
    mountpoint,
    FUSE_TYPE,
    options.flags,
    connection.join(','),
  );
  if (status === 0) return device;
  closeSync(device);
  if (status === -EPERM || status === -EACCES) return attachByHelper(mountpoint, options);
  throw new InputError(`${mountpoint}: mount(2) failed: ${errnoName(status)}`);
}

/** `source`, as long as the mount table can show it. */
export function shownSource(source: string): string {
  return source.length <= SHOWN_SOURCE_LENGTH ? source : `${source.slice(0, SHOWN_SOURCE_LENGTH - 3)}...`;
}

/**
 * How a mount is taken off: only while nobody uses it; at once, ending when nobody does; its requests aborted first; at once,
 * and its requests aborted, which only root can do: for others that is 'lazy'.
 */
export type Detachment = 'when-free' | 'lazy' | 'forced' | 'abandoned';

const DETACH_FLAGS: Readonly<Record<Detachment, number>> = {
  'when-free': 0,
  lazy: MNT_DETACH,
  forced: MNT_FORCE,
  abandoned: MNT_DETACH | MNT_FORCE,
};

/** Detaches `mountpoint`. Throws ErrnoError: EBUSY where it is in use, EINVAL where nothing is mounted. */
export async function detach(mountpoint: string, how: Detachment): Promise<void> {
  const status = await unmount(mountpoint, UMOUNT_NOFOLLOW | DETACH_FLAGS[how]);
  if (status === 0) return;
  if (status !== -EPERM) throw new ErrnoError(status, 'umount2', mountpoint);
  await detachByHelper(mountpoint, how);
}

function deviceProblem(errno: number): string {
  if (errno === ENOENT || errno === ENODEV || errno === ENXIO) {
    return `${DEVICE} is not there: load the kernel's module (modprobe fuse), or give the container the device (--device ${DEVICE})`;
  }
  if (errno === EACCES || errno === EPERM) {
    return `${DEVICE} can't be opened: permission denied (${errnoName(errno)}): chmod 666 ${DEVICE} as root, or allow the container the device (--device ${DEVICE})`;
  }
  return `${DEVICE} can't be opened: ${errnoName(errno)}`;
}

function attachByHelper(mountpoint: string, options: DriverOptions): number {
  const pair = socketPair();
  if (typeof pair === 'number') throw new ErrnoError(pair, 'socketpair');
  const [ours, theirs] = pair;
  try {
    const helper = spawnSync(HELPER, ['-o', helperOptions(options), '--', mountpoint], {
      env: { ...process.env, _FUSE_COMMFD: '3' },
      stdio: ['ignore', 'ignore', 'pipe', theirs],
      encoding: 'utf8',
    });
    if (helper.error !== undefined) throw new InputError(helperProblem(helper.error));
    if (helper.status !== 0) throw new InputError(`${mountpoint}: ${refusal(helper.stderr)}`);
    const device = receiveDescriptor(ours);
    if (device < 0)
      throw new InputError(`${mountpoint}: ${HELPER} passed no descriptor: ${errnoName(device)}`);
    return device;
  } finally {
    closeSync(theirs);
    closeSync(ours);
  }
}

function helperOptions(options: DriverOptions): string {
  return [
    // It doesn't know those.
    ...mountFlagNames(options.flags).filter((name) => name !== 'nodiratime' && name !== 'strictatime'),
    // It adds nosuid and nodev itself unless root asks it not to.
    ...(process.geteuid?.() === 0 ? allowedByFlags(options.flags) : []),
    ...(options.checksPermissions === false ? [] : ['default_permissions']),
    ...(options.allowOther ? ['allow_other'] : []),
    `subtype=${SUBTYPE}`,
    `fsname=${shownSource(options.source).replace(/[,\\]/g, '\\$&')}`,
  ].join(',');
}

function allowedByFlags(flags: number): string[] {
  return [...((flags & MS_NOSUID) === 0 ? ['suid'] : []), ...((flags & MS_NODEV) === 0 ? ['dev'] : [])];
}

function helperProblem(error: Error): string {
  return 'code' in error && error.code === 'ENOENT'
    ? `${HELPER} is not there, and only root can mount without it: install the package fuse3`
    : `${HELPER} can't be run: ${error.message}`;
}

/** What fusermount3 printed, and what to do about a device that is not everybody's. */
function refusal(stderr: string): string {
  const text = lastLine(stderr) || `${HELPER} failed`;
  const isForbidden = /failed to open \/dev\/fuse: Permission denied/.test(text);
  return isForbidden ? `${text}: chmod 666 ${DEVICE} as root` : text;
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}

/** fusermount3 distinguishes failures by text alone; it cannot force. */
function detachByHelper(mountpoint: string, how: Detachment): Promise<void> {
  return new Promise((resolve, reject) => {
    const args = ['-u', ...(how === 'lazy' || how === 'abandoned' ? ['-z'] : []), '--', mountpoint];
    execFile(HELPER, args, { env: { ...process.env, LC_ALL: 'C' } }, (error, _stdout, stderr) => {
      if (error === null) resolve();
      else if (error.code === 'ENOENT') reject(new InputError(helperProblem(error)));
      else if (/busy/i.test(stderr)) reject(new ErrnoError(EBUSY, 'umount2', mountpoint));
      else if (/not found in|not mounted|Invalid argument/i.test(stderr)) {
        reject(new ErrnoError(EINVAL, 'umount2', mountpoint));
      } else reject(new InputError(`${mountpoint}: ${lastLine(stderr) || error.message}`));
    });
  });
}
