// The xattrs by which kernel overlayfs marks what a lower directory holds: obeyed, and never shown.
//
// Source: Documentation/filesystems/overlayfs.rst, fs/overlayfs/overlayfs.h (Linux 6.18). The attributes are in
// `trusted.` or, for unprivileged mounts and with `userxattr`, in `user.`. A mount obeys one of both; what bears the other's
// names is data.
import { latin1Of } from '../vfs/names.ts';
import { HAS_TRUSTED_MARKS } from './trusted-marks.ts';
import { FUSE_OVERLAYFS_OPAQUE, FUSE_OVERLAYFS_ORIGIN } from './override-stat.ts';

const YES = 0x79;

/** The namespace of the marks. */
export type MarkNamespace = 'trusted' | 'user';

/** What a file's overlay xattrs say. */
export interface OverlayMarks {
  /** "y": hides lower names. "x": may hold whiteouts in the form of an xattr. */
  opaque: string | undefined;
  /** An empty regular file with it is a whiteout, in a directory whose `opaque` is "x". */
  isWhiteout: boolean;
  /** An empty regular file with it is a character device 0:0 that shows (docs/formats.md). */
  isShownWhiteout: boolean;
  /** The lower name or absolute path from which this was renamed. */
  redirect: Uint8Array | undefined;
  /** A regular file's bytes lie in a lower layer. */
  isMetacopy: boolean;
}

/**
 * Parses a block (see `readDirectoryBatch`) into `out`, which gets the attributes that the file shows, names as latin1.
 * An escaped mark (`trusted.overlay.overlay.NAME`) is a nested overlay's own and shows as `trusted.overlay.NAME`.
 * `prefix`: how marks begin. `isAufsForm`: fuse-overlayfs's own marks count too.
 */
export function readXattrs(
  block: Buffer,
  prefix: string,
  isAufsForm: boolean,
  out: Map<string, Uint8Array>,
): OverlayMarks {
  const marks: OverlayMarks = {
    opaque: undefined,
    isWhiteout: false,
    isShownWhiteout: false,
    redirect: undefined,
    isMetacopy: false,
  };
  const count = block.length === 0 ? 0 : block.readUInt16LE(0);
  for (let i = 0, at = 2; i < count; i++) {
    const nameEnd = at + 5 + block.readUInt8(at);
    const valueEnd = nameEnd + block.readUInt32LE(at + 1);
    const name = block.toString('latin1', at + 5, nameEnd);
    const value = block.subarray(nameEnd, valueEnd);
    if (name === HAS_TRUSTED_MARKS) {
      // Ours, in either namespace.
    } else if (name.startsWith(prefix)) applyMark(prefix, name.slice(prefix.length), value, marks, out);
    else if (isAufsForm && name === FUSE_OVERLAYFS_OPAQUE)
      marks.opaque = value[0] === YES ? 'y' : marks.opaque;
    // Of no use here.
    else if (!isAufsForm || name !== FUSE_OVERLAYFS_ORIGIN) out.set(name, Uint8Array.from(value));
    at = valueEnd;
  }
  if (marks.isShownWhiteout) hideNested(prefix, out);
  return marks;
}

function applyMark(
  prefix: string,
  mark: string,
  value: Buffer,
  marks: OverlayMarks,
  out: Map<string, Uint8Array>,
): void {
  if (mark.startsWith('overlay.')) out.set(prefix + mark.slice('overlay.'.length), Uint8Array.from(value));
  else if (mark === 'opaque') marks.opaque = marks.opaque === 'y' ? 'y' : value.toString('latin1');
  else if (mark === 'whiteout') marks.isWhiteout = true;
  else if (mark === 'redirect') marks.redirect = Uint8Array.from(value);
  else if (mark === 'metacopy') marks.isMetacopy = true;
  else if (mark === 'stratafs.whiteout') marks.isShownWhiteout = true;
}

/** What such a device, and its directory, have for the kernel's mount of the upper alone. */
function hideNested(prefix: string, out: Map<string, Uint8Array>): void {
  out.delete(`${prefix}whiteout`);
  const opaque = out.get(`${prefix}opaque`);
  if (opaque !== undefined && latin1Of(opaque) === 'x') out.delete(`${prefix}opaque`);
}
