// Gives a new upper file the metadata of a lower inode.
import {
  KEEP_MODE,
  type NewXattr,
  type PackedMetadata,
  packMetadata,
  setNewMetadata,
} from '../../sys/upper-fill.ts';
import { Attr, S_IFBLK, S_IFCHR, S_IFLNK, S_IFMT } from '../../vfs/attr.ts';
import type { Status } from '../../vfs/filesystem.ts';
import { bytesOf, latin1Of } from '../../vfs/names.ts';
import { encodeProtattr } from '../../overlayfs-format/protattr.ts';
import { encodeOrigin } from '../../overlayfs-format/origin.ts';
import type { StoredOwner } from '../upper/owner-form.ts';
import type { Place, Upper } from '../upper/upper.ts';
import type { CopyUpParts } from './copy-up-parts.ts';

type MetadataParts = Pick<CopyUpParts, 'tree' | 'upper'>;

const CAPABILITY = 'security.capability';
/** ACLs are set last: they may forbid the owner to set user.* xattrs. */
const ACL_PREFIX = 'system.';
const NO_VALUE = new Uint8Array(0);

/** Gives the file at `place` the metadata of the tree's inode `lower`. */
export function copyMetadata(parts: MetadataParts, lower: number, place: Place): Status {
  const metadata = metadataOf(parts, lower, place);
  if (typeof metadata === 'number') return metadata;
  return setNewMetadata(place.dir, place.name, metadata.numbers, metadata.xattrs);
}

/**
 * Owner, xattrs, mode and times of the tree's inode `lower`, and the marks of its origin and its protection, for a new file at
 * `place`; or a negative errno.
 */
export function metadataOf(parts: MetadataParts, lower: number, place: Place): PackedMetadata | number {
  const { tree, upper } = parts;
  const attr = new Attr();
  tree.readAttr(lower, attr);
  const type = attr.mode & S_IFMT;
  const owner = storedOwner(upper, attr, place);
  if (typeof owner === 'number') return owner;
  const mode = type === S_IFLNK ? KEEP_MODE : owner.mode;
  return packMetadata(owner, xattrsOf(parts, lower, type, owner), mode, attr);
}

/** How the upper stores owner and mode. A device may lie there as a regular file, which then shows as it does without owner. */
function storedOwner(upper: Upper, attr: Attr, { dir, name }: Place): StoredOwner | number {
  const type = attr.mode & S_IFMT;
  if (type !== S_IFCHR && type !== S_IFBLK) return upper.owners.storeNew(attr, type);
  const stored = upper.statStoredAt(dir, name);
  if (typeof stored === 'number') return stored;
  const shown = upper.statAt(dir, name);
  if (typeof shown === 'number') return shown;
  const mode = (shown.mode & S_IFMT) | (attr.mode & 0o7777);
  return upper.owners.storeNew({ ...shown, uid: attr.uid, gid: attr.gid, mode }, stored.mode & S_IFMT);
}

function xattrsOf(
  { tree, upper }: MetadataParts,
  lower: number,
  type: number,
  { xattr }: StoredOwner,
): NewXattr[] {
  const { marks, identity } = upper;
  const first: NewXattr[] = [];
  const last: NewXattr[] = [];
  if (xattr !== undefined) first.push({ ...xattr, mayBeLost: false });
  if (marks.canMark(type)) {
    first.push({ name: marks.bytesOf('origin'), value: encodeOrigin(identity, lower), mayBeLost: false });
  }
  const protection = tree.protectionOf(lower);
  if (protection !== 0) {
    first.push({ name: marks.bytesOf('protattr'), value: encodeProtattr(protection), mayBeLost: false });
  }
  for (const attribute of latin1Of(tree.listxattr(lower)).split('\0')) {
    if (attribute === '' || upper.isPrivateXattr(attribute)) continue;
    const value = tree.getxattr(lower, bytesOf(attribute)) ?? NO_VALUE;
    const name = bytesOf(marks.toUpper(attribute));
    (attribute.startsWith(ACL_PREFIX) ? last : first).push({ name, value, mayBeLost: mayBeLost(attribute) });
  }
  return [...first, ...last];
}

/** Like kernel overlayfs: an xattr is dropped if only root may set it, or if the upper's file system does not support it. */
function mayBeLost(attribute: string): boolean {
  return attribute === CAPABILITY || !attribute.startsWith('user.');
}
