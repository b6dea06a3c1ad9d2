// LowerOwners: owners, modes and types that files of a directory layer keep in an xattr (vfs/override-stat.ts), as
// fuse-overlayfs with xattr_permissions= and containers/storage with force_mask leave them. The layer's root decides.
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
  /** Those that count, the first of a file's; none if the root has none. */
  #names: readonly OverrideName[] = [];
  readonly #fakesRoot: boolean;
  readonly #trust: OverrideTrust;
  /** Files of this user that keep no owner are root's. */
  #rootUid: number | undefined;

  /** `fakesRoot`: files of the layer's root's owner that keep no owner show as root's. */
  constructor(fakesRoot: boolean) {
    this.#fakesRoot = fakesRoot;
    this.#trust = new OverrideTrust(fakesRoot);
  }

  /** The layer's root, before anything is asked of `apply`. */
  readRoot(uid: number, xattrs: ReadonlyMap<string, Uint8Array>): void {
    if (this.#fakesRoot) this.#rootUid = uid;
    const found = OVERRIDE_NAMES.find((name) => xattrs.has(name) && this.#trust.believes(name, uid));
    if (found === undefined) return;
    this.#names =
      found === PRIVILEGED_OVERRIDE ? [found] : [found, ...USER_NAMES.filter((name) => name !== found)];
  }

  /**
   * Gives `member` what its `xattrs` keep, and takes all such attributes out of them. A value that can't be understood is
   * answered, and nothing is changed.
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
    const kept = this.#trust.limit(name, parsed, member.mode);
    member.mode = kept.mode;
    member.uid = kept.uid;
    member.gid = kept.gid;
    member.rdev = kept.rdev;
    return undefined;
  }
}
