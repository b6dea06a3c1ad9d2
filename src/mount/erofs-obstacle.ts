// Why the kernel's EROFS driver can't serve a mount, or should not. FUSE can do all of it.
//
// No daemon is there to notice that an archive is written over in place, and to answer EIO: the kernel would show whatever
// is there. So what others can write to is mounted only on request, and never with set-ID bits.
import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Image } from '../image/image.ts';
import { isInitialRoot } from '../sys/initial-root.ts';
import { MS_NOSUID } from '../sys/mount-calls.ts';
import { examinePath, whyNotOwn } from '../sys/trusted-path.ts';
import { showText } from '../vfs/show-text.ts';
import type { StackedLayers } from './layers.ts';
import { type MountOptions, mountFlagBits } from './options.ts';

/** What the driver can't do: one line, or undefined. It is known before anything is written. */
export function erofsObstacle(image: Image, options: MountOptions): string | undefined {
  if (!isInitialRoot()) return 'only root of the machine can mount EROFS';
  const directory = image.layers.find(({ kind }) => kind === 'directory');
  if (directory?.kind === 'directory') {
    return `a layer is a directory: ${showText(directory.path)}, expected tar archives`;
  }
  return optionObstacle(options) ?? upperObstacle(options);
}

function upperObstacle({ upper, usesAcl }: MountOptions): string | undefined {
  if (upper === undefined) return undefined;
  if (usesAcl === false) return 'noacl: kernel overlayfs always obeys ACLs';
  if (upper.isReadOnly === true) return 'the upper directory is read-only (ro)';
  if (upper.isVolatile === true) return 'volatile: nobody syncs when the mount ends';
  return undefined;
}

function optionObstacle(options: MountOptions): string | undefined {
  const { owners, ownerKeeping, allowOther, fsname, usesUserXattrs } = options;
  if (owners !== undefined) return 'owners are mapped';
  if (ownerKeeping !== undefined) return 'owners are kept in xattrs (xattr_permissions)';
  if (allowOther === false) return 'no_allow_other: the image alone decides who has access';
  if (fsname !== undefined && options.upper === undefined) {
    return 'fsname: the mount table shows the image file as the source';
  }
  return usesUserXattrs === true ? 'userxattr: there are no marks in the layers' : undefined;
}

/**
 * Why what the mount shows could be changed by others than this user: one line, or undefined. Of a compressed layer, this
 * process notices it.
 */
export function unsafeArchive({ layers }: Image, { readers }: StackedLayers): string | undefined {
  const isPlain = (_: unknown, i: number): boolean => readers[i]?.plain !== undefined;
  const plain = layers.filter(isPlain);
  const paths = new Set(plain.flatMap((source) => (source.kind === 'blob' ? source.blob.path : [])));
  for (const path of paths) {
    const directory = examinePath(dirname(path));
    if (directory.kind === 'untrusted') return directory.reason;
    const reason = whyNotOwn(path, statSync(path));
    if (reason !== undefined) return reason;
  }
  return undefined;
}

/** Whether set-ID bits and file capabilities of the image have an effect. */
export function allowsSetId({ flags }: MountOptions): boolean {
  return (mountFlagBits(flags) & MS_NOSUID) === 0;
}
