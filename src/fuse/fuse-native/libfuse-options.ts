// The options that libfuse 2 mounts with: its own, and mount(2)'s by name.
import { InputError } from '../../vfs/input-error.ts';
import { MS_RDONLY, mountFlagNames } from '../../sys/mount-calls.ts';
import type { DriverOptions } from '../driver.ts';
import { SUBTYPE } from '../mounts/kernel-mount.ts';
import { FOREVER } from '../wire/protocol.ts';

/** Bytes of the options, and of the mount point, that the package takes; it cuts off the rest. */
const TEXT_LIMIT = 1023;
/** Characters of the source that are shown; with escapes and in UTF-8 they may be four times as many bytes. */
const SOURCE_LENGTH = 160;

/** The package's option text. InputError for a flag that libfuse doesn't know. */
export function libfuseOptions(options: DriverOptions, isRoot: boolean): string {
  const { flags } = options;
  const named = mountFlagNames(flags);
  for (const unknown of ['nodiratime', 'strictatime'] as const) {
    if (!named.includes(unknown)) continue;
    throw new InputError(`driver=fuse-native: libfuse 2 has no mount option ${unknown}`);
  }
  // Unless root asks for them libfuse takes both away.
  const explicit = isRoot ? (['suid', 'dev'] as const).filter((name) => !named.includes(`no${name}`)) : [];
  const isReadOnly = (flags & MS_RDONLY) !== 0;
  const caching = isReadOnly
    ? [`attr_timeout=${FOREVER}`, `negative_timeout=${FOREVER}`, 'kernel_cache']
    : // An inode's names are inodes of their own here: what one changes, the kernel must ask about for the others.
      ['attr_timeout=0', 'big_writes'];
  const all = [
    ...named,
    ...explicit,
    ...(options.checksPermissions === false ? [] : ['default_permissions']),
    ...(options.allowOther ? ['allow_other'] : []),
    `subtype=${SUBTYPE}`,
    `fsname=${shown(options.source)}`,
    // Inode numbers are ours, not libfuse's.
    'use_ino',
    // A mount point that is not empty was warned of already.
    'nonempty',
    `entry_timeout=${FOREVER}`,
    ...caching,
  ];
  return `-o${all.join(',')}`;
}

function shown(source: string): string {
  const text = source.length <= SOURCE_LENGTH ? source : `${source.slice(0, SOURCE_LENGTH - 3)}...`;
  return text.replace(/[,\\]/g, '\\$&');
}

/** InputError if the package would cut `mountpoint` off. */
export function checkMountPoint(mountpoint: string): void {
  if (Buffer.byteLength(mountpoint) > TEXT_LIMIT) {
    throw new InputError(
      `driver=fuse-native: found a mount point of ${Buffer.byteLength(mountpoint)} bytes, expected ${TEXT_LIMIT} at most`,
    );
  }
}
