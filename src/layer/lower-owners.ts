// LowerOwners: reads owners, modes and types from xattrs of the files of a directory layer (vfs/override-stat.ts), as
// written by fuse-overlayfs with xattr_permissions= and by containers/storage with force_mask. The layer's root decides
// whether they count.
import { OverrideTrust } from '../overlayfs-format/override-trust.ts';
import type { Member } from '../tar/member.ts';
import {
  CONTAINERS_OVERRIDE,
  OVERRIDE_NAMES,
  type OverrideName,
  PRIVILEGED_OVERRIDE,
  USER_OVERRIDE,
  canOverride,
  isOverrideAttribute,
  parseOverride,
} from '../overlayfs-format/override-stat.ts';

const USER_NAMES = [CONTAINERS_OVERRIDE, USER_OVERRIDE] as const;

export class LowerOwners {
  /** The xattr names that count; the first one that a file has is used. Empty if the root has none of them. */
  #names: readonly OverrideName[] = [];
  readonly #fakesRoot: boolean;
  readonly #trust: OverrideTrust;
  /** The user whose files show as root's if they have no such xattr. */
  #rootUid: number | undefined;

  /** `fakesRoot`: files of the owner of the layer's root show as root's if they have no such xattr. */
  constructor(fakesRoot: boolean) {
    this.#fakesRoot = fakesRoot;
    this.#trust = new OverrideTrust(fakesRoot);
  }

  /** Reads the layer's root; call it before `apply`. */
  readRoot(uid: number, xattrs: ReadonlyMap<string, Uint8Array>): void {
    if (this.#fakesRoot) this.#rootUid = uid;
    const found = OVERRIDE_NAMES.find((name) => xattrs.has(name) && this.#trust.believes(name, uid));
    if (found === undefined) return;
    this.#names =
      found === PRIVILEGED_OVERRIDE ? [found] : [found, ...USER_NAMES.filter((name) => name !== found)];
  }

  /**
   * Applies the owner in `xattrs` to `member`, and removes all such xattrs from the map. Returns a value that is
   * malformed, in which case nothing changes.
   */
  apply(member: Member, xattrs: Map<string, Uint8Array>): Uint8Array | undefined {
    const name = this.#names.find((each) => xattrs.has(each) && this.#trust.believes(each, member.uid));
    const value = name === undefined ? undefined : xattrs.get(name);
    for (const each of [...xattrs.keys()]) if (isOverrideAttribute(each)) xattrs.delete(each);
    if (name === undefined || value === undefined || !canOverride(member.mode)) {
      if (member.uid === this.#rootUid) member.uid = member.gid = 0;
      return undefined;
    }
    const parsed = parseOverride(value, member.mode);
    if (parsed === undefined) return value;
    const allowed = this.#trust.limit(name, parsed, member.mode);
    member.mode = allowed.mode;
    member.uid = allowed.uid;
    member.gid = allowed.gid;
    member.rdev = allowed.rdev;
    return undefined;
  }
}
