// A character device 0:0 that shows in the mount: what mknod(2) and RENAME_WHITEOUT leave, and an image may hold. It is how
// an overlay that has its upper on our mount hides a name; to us it is a device like others.
//
// In our own upper such a device would hide a name of the image. So it lies there as an empty regular file marked
// P.stratafs.whiteout, with P.overlay.whiteout as the kernel escapes it; its directory has P.overlay.opaque "x", escaped.
// The kernel's mount of the upper then shows an xattr whiteout, which hides the name for an overlay over that mount
// (overlayfs.rst, "Nesting overlayfs mounts"). Our mount shows none of these attributes.
import { closeSync, constants } from 'node:fs';
import { NO_NAME, XATTR_CREATE, createAt, getxattrAt, setxattrAt, unlinkAt } from '../../sys/upper-calls.ts';
import { S_IFCHR, S_IFMT, S_IFREG } from '../../vfs/attr.ts';
import { EEXIST } from '../../vfs/errno.ts';
import type { Status } from '../../vfs/filesystem.ts';
import { latin1Of } from '../../vfs/names.ts';
import type { MarkSpace } from './marks.ts';
import type { UpperDirectory, UpperInode } from './upper-inode.ts';
import type { Place, Upper } from './upper.ts';

const YES = Buffer.from('y');
const HOLDS_XATTR_WHITEOUTS = Buffer.from('x');

/** True for the mode and device number of a whiteout. */
export function isWhiteoutDevice(mode: number, rdev: number): boolean {
  return (mode & S_IFMT) === S_IFCHR && rdev === 0;
}

/** Makes one where nobody sees it yet. `mode`: its permission bits. On failure nothing is left. */
export function makeShownWhiteout(
  marks: MarkSpace,
  dir: number,
  name: Uint8Array,
  mode: number,
  umask: number,
): Status {
  const fd = createAt(dir, name, constants.O_RDWR, mode & 0o7777, umask);
  if (fd < 0) return fd;
  let status = marks.set(fd, NO_NAME, 'stratafs.whiteout', YES);
  if (status === 0) status = marks.set(fd, NO_NAME, 'overlay.whiteout', YES);
  closeSync(fd);
  if (status < 0) unlinkAt(dir, name);
  return status;
}

/** True for an inode that lies in the upper in that form. */
export function isShownWhiteout(upper: Upper, inode: UpperInode): boolean {
  if (inode.type !== S_IFCHR || !inode.hasUpper) return false;
  const place = upper.placeOf(inode);
  const stat = typeof place === 'number' ? place : upper.statAt(place.dir, place.name);
  return typeof stat !== 'number' && (stat.mode & S_IFMT) === S_IFREG;
}

/** Before one gets a name in an upper directory. A user's own attribute of that name stays. */
export function markHolder(upper: Upper, directory: UpperDirectory): Status {
  const dir = upper.directoryFd(directory);
  if (dir < 0) return dir;
  const { marks } = upper;
  const status = upper.asOwner(dir, NO_NAME, () =>
    setxattrAt(dir, NO_NAME, marks.bytesOf('overlay.opaque'), HOLDS_XATTR_WHITEOUTS, XATTR_CREATE),
  );
  if (status === -EEXIST) return 0;
  return status < 0 ? status : marks.set(dir, NO_NAME, 'stratafs.whiteout', YES);
}

/** The attributes, as a user would see them, that `place` has for the kernel's sake only: latin1. */
export function hiddenXattrs(marks: MarkSpace, { dir, name }: Place): readonly string[] {
  if (typeof marks.get(dir, name, 'stratafs.whiteout') === 'number') return [];
  const opaque = getxattrAt(dir, name, marks.bytesOf('overlay.opaque'));
  const isOurs = typeof opaque !== 'number' && HOLDS_XATTR_WHITEOUTS.equals(opaque);
  return [`${marks.prefix}whiteout`, ...(isOurs ? [`${marks.prefix}opaque`] : [])];
}

/** As `hiddenXattrs`, of one attribute as a user names it; the upper is asked for marks only. */
export function hidesXattr(marks: MarkSpace, place: Place, name: Uint8Array): boolean {
  const text = latin1Of(name);
  return text.startsWith(marks.prefix) && hiddenXattrs(marks, place).includes(text);
}
