// Owners that are shown differently from how they are stored, as with fuse-overlayfs's uidmapping= and squash_to_*.
//
// The way out (a stored ID is shown) is total: squashed, mapped, or the overflow ID. The way back (an ID that a caller
// has or gives is stored) is not: an ID that no range shows can't be stored, and nothing else is stored in its place.
import { readFileSync } from 'node:fs';

/** `count` IDs from `stored` on are shown as `shown` and the following. */
export interface IdRange {
  readonly stored: number;
  readonly shown: number;
  readonly count: number;
}

/** How owners are shown. Ranges left out: as they are stored. Plain values only. */
export interface OwnerMapping {
  /** Of overlapping ranges the last one holds. */
  readonly uids?: readonly IdRange[];
  readonly gids?: readonly IdRange[];
  /** All are shown as this one, whatever the ranges say; what is stored is mapped by the ranges alone. */
  readonly squashedUid?: number;
  readonly squashedGid?: number;
}

/** One kind of ID, both ways. */
export class IdMap {
  readonly #ranges: readonly IdRange[] | undefined;
  readonly #squashed: number | undefined;
  readonly #overflow: number;

  /** `overflow`: shown for what is in no range. */
  constructor(ranges: readonly IdRange[] | undefined, squashed: number | undefined, overflow: number) {
    this.#ranges = ranges?.toReversed();
    this.#squashed = squashed;
    this.#overflow = overflow;
  }

  /** How a stored ID is shown. */
  show(id: number): number {
    if (this.#squashed !== undefined) return this.#squashed;
    if (this.#ranges === undefined) return id;
    for (const { stored, shown, count } of this.#ranges) {
      if (id >= stored && id < stored + count) return shown + (id - stored);
    }
    return this.#overflow;
  }

  /** How an ID that is shown is stored; -1 where no range has it. */
  store(id: number): number {
    if (this.#ranges === undefined) return id;
    for (const { stored, shown, count } of this.#ranges) {
      if (id >= shown && id < shown + count) return stored + (id - shown);
    }
    return -1;
  }
}

/** Users and groups. */
export interface OwnerMaps {
  readonly users: IdMap;
  readonly groups: IdMap;
}

/** The kernel's overflow IDs are read once, here. */
export function makeOwnerMaps({ uids, gids, squashedUid, squashedGid }: OwnerMapping): OwnerMaps {
  return {
    users: new IdMap(uids, squashedUid, overflowId('overflowuid')),
    groups: new IdMap(gids, squashedGid, overflowId('overflowgid')),
  };
}

function overflowId(name: string): number {
  return Number(readFileSync(`/proc/sys/kernel/${name}`, 'latin1'));
}

const ACL_VERSION = 2;
const ACL_HEADER = 4;
const ACL_ENTRY = 8;
const ACL_USER = 2;
const ACL_GROUP = 8;

/**
 * The value of a system.posix_acl_* xattr (linux/posix_acl_xattr.h: u32 version, then entries of u16 tag, u16
 * permissions, u32 ID, little-endian) with the IDs of named users and groups put through `users` and `groups`;
 * undefined if one of them answers -1. Any other value is left alone.
 */
export function mapAcl(
  value: Uint8Array,
  users: (id: number) => number,
  groups: (id: number) => number,
): Uint8Array | undefined {
  const mapped = Buffer.from(value);
  if (mapped.length < ACL_HEADER || mapped.readUInt32LE(0) !== ACL_VERSION) return mapped;
  for (let at = ACL_HEADER; at + ACL_ENTRY <= mapped.length; at += ACL_ENTRY) {
    const tag = mapped.readUInt16LE(at);
    if (tag !== ACL_USER && tag !== ACL_GROUP) continue;
    const id = (tag === ACL_USER ? users : groups)(mapped.readUInt32LE(at + 4));
    if (id < 0) return undefined;
    mapped.writeUInt32LE(id, at + 4);
  }
  return mapped;
}
