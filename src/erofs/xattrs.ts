// The xattrs of an EROFS image: what each inode has, and the values that several inodes share.
//
// A block of the Tree that several inodes use is written once, among the shared xattrs; all others stand beside their
// inode. Names whose prefix EROFS has no number for can't be read through it and are left out, and so are
// `user.stratafs.*`, which mounts compute.
import { S_IFDIR, S_IFMT, S_IFREG } from '../vfs/attr.ts';
import type { Tree } from '../tree/tree.ts';
import { InputError } from '../vfs/input-error.ts';
import { latin1Of } from '../vfs/names.ts';
import { showPathOf } from './inode-path.ts';
import { alignUp } from './layout.ts';
import type { ErofsSource } from './source.ts';

const AREA_HEADER = 12;
const SHARED_COUNT = 4;
const SHARED_NUMBER = 4;
const ENTRY_HEADER = 4;
const ENTRY_ALIGNMENT = 4;
/** i_xattr_icount has 16 bits. */
const MAX_AREA = AREA_HEADER + 4 * (0xffff - 1);
/** h_shared_count has 8 bits. */
const MAX_SHARED = 255;
/** e_value_size has 16 bits: a value of exactly 64 KiB, which Linux allows, doesn't fit. */
const MAX_VALUE = 0xffff;

/** EROFS_XATTR_INDEX_*; the name after the prefix is stored. ACLs have no such rest. */
const prefixes: readonly (readonly [string, number])[] = [
  ['user.', 1],
  ['system.posix_acl_access', 2],
  ['system.posix_acl_default', 3],
  ['trusted.', 4],
  ['security.', 6],
];
const OVERLAY_PREFIX = 'trusted.overlay.';
const OWN_PREFIX = 'user.stratafs.';
const LAYER_NAME = 'user.stratafs.layer';
/** The Tree stores a layer number in 16 bits; and none. */
const LAYERS = 0x1_0001;

export class ErofsXattrs {
  readonly #source: ErofsSource;
  readonly #shared: Buffer[] = [];
  #sharedSize = 0;
  /** Numbers of the shared xattrs of a block, by the block's number in the Tree. */
  readonly #sharedBlocks = new Map<number, readonly number[]>();
  /** Numbers of the xattrs that name the layers. */
  readonly #sharedLayers = new Map<number, number>();
  /** Areas of which all is shared, by block, and layer where that is named. */
  readonly #areas = new Map<number, Buffer>();

  /** Finds what is shared: one pass over the inodes. Throws InputError for an inode with too many xattrs. */
  static of(source: ErofsSource): ErofsXattrs {
    const xattrs = new ErofsXattrs(source);
    for (const [block, inode] of repeatedBlocks(source.tree)) xattrs.#shareBlock(block, inode);
    for (const layer of source.layerNames === undefined ? [] : usedLayers(source.tree)) {
      xattrs.#shareLayer(layer);
    }
    return xattrs;
  }

  private constructor(source: ErofsSource) {
    this.#source = source;
  }

  /** The shared xattrs, to be written from a block's start on. */
  get shared(): readonly Buffer[] {
    return this.#shared;
  }

  /** Bytes of `shared`. */
  get sharedSize(): number {
    return this.#sharedSize;
  }

  /** The bytes after the inode, a multiple of 4; undefined: none. Throws InputError for too many. */
  areaOf(inode: number): Buffer | undefined {
    const { tree } = this.#source;
    const block = tree.xattrBlockOf(inode);
    const layer = tree.layerOf(inode);
    const layerNumber = mayHaveUserXattrs(tree, inode) ? this.#sharedLayers.get(layer) : undefined;
    if (block === 0 && layerNumber === undefined) return undefined;
    const key = block * LAYERS + (layerNumber === undefined ? 0 : layer + 1);
    const sharedArea = this.#areas.get(key);
    if (sharedArea !== undefined) return sharedArea;
    const numbers = this.#sharedBlocks.get(block);
    const shared = [...(layerNumber === undefined ? [] : [layerNumber]), ...(numbers ?? [])];
    if (block === 0 || numbers !== undefined) {
      const area = encodeArea(shared, []);
      this.#areas.set(key, area);
      return area;
    }
    const entries = this.#entriesOf(inode);
    const area = shared.length + entries.length === 0 ? undefined : encodeArea(shared, entries);
    if (area !== undefined && area.length > MAX_AREA) throw tooMany(showPathOf(tree, inode), area.length);
    return area;
  }

  #shareBlock(block: number, inode: number): void {
    const entries = this.#entriesOf(inode);
    if (entries.length > MAX_SHARED - 1) return;
    this.#sharedBlocks.set(
      block,
      entries.map((entry) => this.#share(entry)),
    );
  }

  #shareLayer(layer: number): void {
    const name = this.#source.layerNames?.[layer];
    const entry = name === undefined ? undefined : encodeEntry(LAYER_NAME, name);
    if (entry !== undefined) this.#sharedLayers.set(layer, this.#share(entry));
  }

  #share(entry: Buffer): number {
    const number = this.#sharedSize / ENTRY_ALIGNMENT;
    this.#shared.push(entry);
    this.#sharedSize += entry.length;
    return number;
  }

  #entriesOf(inode: number): Buffer[] {
    const { tree, isOverlayLower } = this.#source;
    const names = latin1Of(tree.listxattr(inode)).split('\0').slice(0, -1);
    return names.flatMap((name) => {
      const value = tree.getxattr(inode, Buffer.from(name, 'latin1'));
      if (value === undefined || name.startsWith(OWN_PREFIX)) return [];
      const isEscaped = isOverlayLower && name.startsWith(OVERLAY_PREFIX);
      return encodeEntry(isEscaped ? OVERLAY_PREFIX + name.slice('trusted.'.length) : name, value) ?? [];
    });
  }
}

/** The blocks that several inodes use, each with one of its inodes, in the order of their second use. */
function repeatedBlocks(tree: Tree): Map<number, number> {
  const seen = new Set<number>();
  const repeated = new Map<number, number>();
  for (let inode = 0; inode < tree.inodeCount; inode++) {
    const block = tree.xattrBlockOf(inode);
    if (block === 0) continue;
    if (!seen.has(block)) seen.add(block);
    else if (!repeated.has(block)) repeated.set(block, inode);
  }
  return repeated;
}

/** Linux lists `user.*` of other inodes and does not let it be read (xattr(7)). */
function mayHaveUserXattrs(tree: Tree, inode: number): boolean {
  const type = tree.modeOf(inode) & S_IFMT;
  return type === S_IFREG || type === S_IFDIR;
}

/** The layers that some inode comes from, ascending. */
function usedLayers(tree: Tree): number[] {
  const isUsed = new Uint8Array(tree.layerCount);
  for (let inode = 0; inode < tree.inodeCount; inode++) isUsed[tree.layerOf(inode)] = 1;
  return [...isUsed.keys()].filter((layer) => isUsed[layer] === 1);
}

/** Undefined: EROFS can't hold it. */
function encodeEntry(name: string, value: Uint8Array): Buffer | undefined {
  const prefix = prefixes.find(([text, number]) =>
    number === 2 || number === 3 ? name === text : name.startsWith(text),
  );
  if (prefix === undefined || value.length > MAX_VALUE) return undefined;
  const rest = name.slice(prefix[0].length);
  const entry = Buffer.alloc(alignUp(ENTRY_HEADER + rest.length + value.length, ENTRY_ALIGNMENT));
  entry.writeUInt8(rest.length, 0);
  entry.writeUInt8(prefix[1], 1);
  entry.writeUInt16LE(value.length, 2);
  entry.write(rest, ENTRY_HEADER, 'latin1');
  entry.set(value, ENTRY_HEADER + rest.length);
  return entry;
}

function encodeArea(shared: readonly number[], entries: readonly Buffer[]): Buffer {
  const header = Buffer.alloc(AREA_HEADER + SHARED_NUMBER * shared.length);
  header.writeUInt8(shared.length, SHARED_COUNT);
  for (const [i, number] of shared.entries()) header.writeUInt32LE(number, AREA_HEADER + SHARED_NUMBER * i);
  return Buffer.concat([header, ...entries]);
}

/** The value of i_xattr_icount for an area of `length` bytes. */
export function xattrCountOf(length: number): number {
  return length === 0 ? 0 : (length - AREA_HEADER) / 4 + 1;
}

function tooMany(path: string, bytes: number): InputError {
  return new InputError(
    `${path}: has ${bytes} bytes of xattrs, expected at most ${MAX_AREA} for an EROFS image; the FUSE drivers can show it`,
  );
}
