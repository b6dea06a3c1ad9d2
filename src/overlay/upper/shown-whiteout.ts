// A character device 0:0 that the mount shows. mknod(2) and RENAME_WHITEOUT create it, and an image may hold one. An overlay whose
// upper lies on our mount hides a name with it; our mount shows it as an ordinary device.
//
// In our own upper such a device would be a whiteout. So it is stored there as an empty regular file marked P.stratafs.whiteout,
// with an escaped P.overlay.whiteout; its directory has an escaped P.overlay.opaque of "x". A kernel mount of the upper then shows
// an xattr whiteout, which hides the name in an overlay on top of that mount (overlayfs.rst, "Nesting overlayfs mounts"). Our
// mount hides these xattrs.
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

/** Creates one in a directory that nobody else uses. `mode`: permission bits. On failure nothing is left. */
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

/** True for an inode that the upper stores in this form. */
export function isShownWhiteout(upper: Upper, inode: UpperInode): boolean {
  if (inode.type !== S_IFCHR || !inode.hasUpper) return false;
  const place = upper.placeOf(inode);
  const stat = typeof place === 'number' ? place : upper.statAt(place.dir, place.name);
  return typeof stat !== 'number' && (stat.mode & S_IFMT) === S_IFREG;
}

/** Must be called before a shown whiteout gets a name in `directory`: marks it. A user's own xattr of the same name stays. */
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

/** The xattrs (latin1, by the name that a user would see) that `place` has only for kernel overlayfs. */
export function hiddenXattrs(marks: MarkSpace, { dir, name }: Place): readonly string[] {
  if (typeof marks.get(dir, name, 'stratafs.whiteout') === 'number') return [];
  const opaque = getxattrAt(dir, name, marks.bytesOf('overlay.opaque'));
  const isOurs = typeof opaque !== 'number' && HOLDS_XATTR_WHITEOUTS.equals(opaque);
  return [`${marks.prefix}whiteout`, ...(isOurs ? [`${marks.prefix}opaque`] : [])];
}

/** True if `hiddenXattrs` contains `name`. Reads the upper only if `name` has the prefix of marks. */
export function hidesXattr(marks: MarkSpace, place: Place, name: Uint8Array): boolean {
  const text = latin1Of(name);
  return text.startsWith(marks.prefix) && hiddenXattrs(marks, place).includes(text);
}
