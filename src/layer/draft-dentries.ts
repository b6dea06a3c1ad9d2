// The names of a layer that is being indexed: an open-addressing hash from (directory, name) to a dentry, over columns.
//
// A dentry is never removed, only changed. Its directory is a draft inode number, so the children of a directory that
// was replaced remain under a number that nothing reaches.
import { randomInt } from 'node:crypto';
import type { ByteArena } from './byte-arena.ts';

/**
 * Kinds of a draft dentry: DentryKind, and links with an unresolved target (`target` is then the number of the link).
 */
export const DraftKind = { inode: 0, whiteout: 1, pendingLink: 2 } as const;

const FIRST_CAPACITY = 1 << 8;

export class DraftDentries {
  count = 0;
  /** Draft inode of the directory. */
  parent = new Uint32Array(FIRST_CAPACITY);
  nameOffset = new Uint32Array(FIRST_CAPACITY);
  nameLength = new Uint8Array(FIRST_CAPACITY);
  kind = new Uint8Array(FIRST_CAPACITY);
  target = new Uint32Array(FIRST_CAPACITY);
  #hash = new Uint32Array(FIRST_CAPACITY);
  /** 1 + dentry, 0 if free; at most half full. */
  #slots = new Uint32Array(2 * FIRST_CAPACITY);
  readonly #names: ByteArena;
  /** A random seed: the author of an archive can't choose names that collide. */
  readonly #seed = randomInt(0x7fffffff);
  readonly #limit: number;
  readonly #refuse: () => Error;

  /** Names go to `names`. Adding more than `limit` dentries throws the error that `refuse` returns. */
  constructor(names: ByteArena, limit: number, refuse: () => Error) {
    this.#names = names;
    this.#limit = limit;
    this.#refuse = refuse;
  }

  /** The dentry of a name (bytes `start` to `end` of `source`), or -1. */
  find(parent: number, source: Uint8Array, start: number, end: number): number {
    const hash = this.#hashOf(parent, source, start, end);
    const mask = this.#slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const dentry = (this.#slots[slot] as number) - 1;
      if (dentry < 0) return -1;
      if (this.#hash[dentry] === hash && this.#matches(dentry, parent, source, start, end)) return dentry;
    }
  }

  /** Adds a new name of 1 to 255 bytes. */
  add(parent: number, source: Uint8Array, start: number, end: number, kind: number, target: number): number {
    if (this.count === this.parent.length) this.#grow();
    const dentry = this.count++;
    const hash = this.#hashOf(parent, source, start, end);
    this.parent[dentry] = parent;
    this.nameOffset[dentry] = this.#names.append(source, start, end);
    this.nameLength[dentry] = end - start;
    this.kind[dentry] = kind;
    this.target[dentry] = target;
    this.#hash[dentry] = hash;
    this.#insert(hash, dentry);
    return dentry;
  }

  #hashOf(parent: number, source: Uint8Array, start: number, end: number): number {
    let hash = this.#seed ^ Math.imul(parent, 0x9e3779b1);
    for (let i = start; i < end; i++) hash = Math.imul(hash ^ (source[i] as number), 0x01000193);
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    return (hash ^ (hash >>> 13)) >>> 0;
  }

  #matches(dentry: number, parent: number, source: Uint8Array, start: number, end: number): boolean {
    if (this.parent[dentry] !== parent || this.nameLength[dentry] !== end - start) return false;
    const { bytes } = this.#names;
    for (let i = start, at = this.nameOffset[dentry] as number; i < end; i++, at++) {
      if (bytes[at] !== source[i]) return false;
    }
    return true;
  }

  #insert(hash: number, dentry: number): void {
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
    this.#slots[slot] = dentry + 1;
  }

  #grow(): void {
    if (this.count >= this.#limit) throw this.#refuse();
    const capacity = Math.min(this.#limit, this.count * 2);
    this.parent = enlarged(this.parent, new Uint32Array(capacity));
    this.nameOffset = enlarged(this.nameOffset, new Uint32Array(capacity));
    this.nameLength = enlarged(this.nameLength, new Uint8Array(capacity));
    this.kind = enlarged(this.kind, new Uint8Array(capacity));
    this.target = enlarged(this.target, new Uint32Array(capacity));
    this.#hash = enlarged(this.#hash, new Uint32Array(capacity));
    this.#slots = new Uint32Array(this.#slots.length * 2);
    for (let dentry = 0; dentry < this.count; dentry++) this.#insert(this.#hash[dentry] as number, dentry);
  }
}

function enlarged<T extends Uint32Array | Uint8Array>(old: T, larger: T): T {
  larger.set(old);
  return larger;
}
