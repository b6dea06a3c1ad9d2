// The xattr blocks of a layer that is being indexed (form: LayerIndex.xattrs). Equal blocks are stored once: under
// SELinux every file has one, and few differ.
import { ByteArena } from './byte-arena.ts';

const MAX_XATTR_BYTES = 1 << 28;
/** Limits of deduplication: the size of a block, and the number of blocks. */
const MAX_SHARED_SIZE = 1 << 10;
const MAX_SHARED_BLOCKS = 1 << 16;

export class DraftXattrs {
  readonly arena: ByteArena;
  readonly #shared = new Map<string, number>();
  /** By the object of the attributes: members after one global pax header share one object. */
  readonly #places = new WeakMap<ReadonlyMap<string, Uint8Array>, number>();

  /** More than 256 MiB throw the error that `refuse` returns. */
  constructor(refuse: () => Error) {
    this.arena = new ByteArena(MAX_XATTR_BYTES, refuse);
  }

  /**
   * The LayerIndex.xattr value for these attributes; 0 for none. Their names are latin1, and the map must never change.
   */
  add(xattrs: ReadonlyMap<string, Uint8Array> | undefined): number {
    if (xattrs === undefined || xattrs.size === 0) return 0;
    const sharedPlace = this.#places.get(xattrs);
    if (sharedPlace !== undefined) return sharedPlace;
    const place = this.#addBlock(encodeXattrs(xattrs));
    this.#places.set(xattrs, place);
    return place;
  }

  #addBlock(block: Buffer): number {
    const key = block.length <= MAX_SHARED_SIZE ? block.toString('latin1') : undefined;
    const shared = key === undefined ? undefined : this.#shared.get(key);
    if (shared !== undefined) return shared;
    const place = 1 + this.arena.append(block, 0, block.length);
    if (key !== undefined && this.#shared.size < MAX_SHARED_BLOCKS) this.#shared.set(key, place);
    return place;
  }
}

function encodeXattrs(xattrs: ReadonlyMap<string, Uint8Array>): Buffer {
  let length = 2;
  for (const [name, value] of xattrs) length += 5 + name.length + value.length;
  const block = Buffer.allocUnsafe(length);
  let at = block.writeUInt16LE(xattrs.size, 0);
  for (const [name, value] of xattrs) {
    at = block.writeUInt8(name.length, at);
    at = block.writeUInt32LE(value.length, at);
    at += block.write(name, at, 'latin1');
    block.set(value, at);
    at += value.length;
  }
  return block;
}
