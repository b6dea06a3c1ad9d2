// Converts an upper directory from AUFS's form (aufs-form.ts) to the kernel's, before its first change. The code that changes
// the upper therefore handles only the kernel's form.
import { NO_NAME, unlinkAt } from '../../sys/upper-calls.ts';
import { S_IFDIR, S_IFMT } from '../../vfs/attr.ts';
import { EISDIR, ENOENT } from '../../vfs/errno.ts';
import type { Status } from '../../vfs/filesystem.ts';
import { bytesOf, latin1Of } from '../../vfs/names.ts';
import { OPAQUE_NAME } from '../../overlayfs-format/whiteout-names.ts';
import { hiddenBy } from './aufs-form.ts';
import type { UpperDirectory } from './upper-inode.ts';
import type { Upper } from './upper.ts';

/** True if a directory has to be converted before a change. */
export function needsConversion({ aufsNames, hasAufsOpaque }: UpperDirectory): boolean {
  return aufsNames.size > 0 || hasAufsOpaque;
}

/**
 * Converts the upper directory `dir`. New marks and whiteouts are created before the old ones are removed, so the directory shows
 * the same names all the time. `hasLower` returns whether the lower directory has a name.
 */
export function convertAufsMarkers(
  upper: Upper,
  directory: UpperDirectory,
  dir: number,
  hasLower: (name: Uint8Array) => boolean,
): Status {
  if (directory.hasAufsOpaque) {
    const status = upper.marks.setOpaque(dir, NO_NAME);
    if (status < 0) return status;
    directory.hasAufsOpaque = false;
  }
  for (const name of directory.aufsNames) {
    const bytes = bytesOf(name);
    const hidden = hiddenBy(bytes);
    // AUFS's own files (`.wh..wh.plnk` and others) are left alone.
    if (hidden === undefined && !OPAQUE_NAME.equals(bytes)) continue;
    let status = hidden === undefined ? 0 : hideAsKernel(upper, directory, dir, hidden, hasLower);
    if (status === 0) status = unlinkAt(dir, bytes);
    // A marker may be a file of any type. A directory is left alone too.
    if (status === -EISDIR) continue;
    if (status < 0 && status !== -ENOENT) return status;
    directory.aufsNames.delete(name);
  }
  return 0;
}

function hideAsKernel(
  upper: Upper,
  directory: UpperDirectory,
  dir: number,
  name: Uint8Array,
  hasLower: (name: Uint8Array) => boolean,
): Status {
  const found = upper.statStoredAt(dir, name);
  if (typeof found !== 'number') {
    // A file in the upper hides a lower file by itself.
    return (found.mode & S_IFMT) === S_IFDIR ? upper.marks.setOpaque(dir, name) : 0;
  }
  if (found !== -ENOENT) return found;
  if (!hasLower(name)) return 0;
  let status = upper.whiteouts.prepare(directory, dir);
  if (status === 0) status = upper.whiteouts.link(dir, name);
  if (status === 0) directory.whiteouts.add(latin1Of(name));
  return status;
}
