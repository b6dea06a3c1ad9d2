// The Tree's table: where each column lies in the one ArrayBuffer. This file alone knows; native code that reads
// the table takes the offsets from its header and the meaning from here.
//
// Header, 256 bytes, numbers in the machine's own (little-endian) order:
// | offset | size | meaning                                                                  |
// | ---    | ---  | ---                                                                      |
// | 0      | 4    | magic, TABLE_MAGIC (u32)                                                 |
// | 4      | 4    | version, TABLE_VERSION (u32)                                             |
// | 8      | 4    | inode count (u32)                                                        |
// | 12     | 4    | dentry count (u32)                                                       |
// | 16     | 4    | layer count (u32)                                                        |
// | 20     | 4    | bit 0: some inode may carry a POSIX ACL (u32)                            |
// | 24     | 8    | sum of the sizes of the regular files, each inode once (f64)             |
// | 32     | 8    | bytes of the whole table (f64)                                           |
// | 40     | 8n   | offset of column n from the start of the table (f64), in `columns` order |
// | 200    | 8    | count of numbers in `extents` (f64)                                      |
// | 208    | 8    | bytes of `pool` (f64)                                                    |
// | 216    | 8    | bytes of `xattrs` (f64)                                                  |
//
// Columns, each beginning at a multiple of 64 bytes; 64 bytes an inode and 9 a dentry (plus its name) in all:
// | n  | name       | element | per    | meaning                                                           |
// | ---| ---        | ---     | ---    | ---                                                               |
// | 0  | size       | f64     | inode  | regular: bytes; symlink: length of its target;                    |
// |    |            |         |        | directory: two u32 instead, the parent's inode and 0              |
// | 1  | data       | f64     | inode  | regular: offset in the layer's uncompressed blob;                 |
// |    |            |         |        | sparse: index in `extents`; symlink: offset in `pool`;            |
// |    |            |         |        | directory: two u32 instead, first child dentry and child count;   |
// |    |            |         |        | device: two u32 instead, rdev (new_encode_dev) and 0              |
// | 2  | mtimeSec   | f64     | inode  | seconds since 1970, negative before                               |
// | 3  | atimeSec   | f64     | inode  |                                                                   |
// | 4  | extents    | f64     | number | lists: count, sum of lengths, then count times: offset in the     |
// |    |            |         |        | file, length, offset in the blob; ascending, none empty           |
// | 5  | mtimeNsec  | u32     | inode  | 0 to 999,999,999                                                  |
// | 6  | atimeNsec  | u32     | inode  |                                                                   |
// | 7  | mode       | u32     | inode  | as st_mode                                                        |
// | 8  | uid        | u32     | inode  |                                                                   |
// | 9  | gid        | u32     | inode  |                                                                   |
// | 10 | xattr      | u32     | inode  | 0: none; otherwise 1 + offset in `xattrs`                         |
// | 11 | nlink      | u32     | inode  | names in the merged tree; directory: 2 + its subdirectories       |
// | 12 | nameOffset | u32     | dentry | where the name begins in `pool`                                   |
// | 13 | target     | u32     | dentry | inode                                                             |
// | 14 | layer      | u16     | inode  | layer that holds the inode's bytes and attributes, base 0         |
// | 15 | flags      | u8      | inode  | TableFlag                                                         |
// | 16 | pristine   | u8      | inode  | 1: this table alone answers for the inode                         |
// | 17 | nameLength | u8      | dentry | bytes                                                             |
// | 18 | pool       | u8      | byte   | names, in dentry order, then symlink targets                      |
// | 19 | xattrs     | u8      | byte   | blocks as in LayerIndex.xattrs                                    |
//
// Inode 0 is the root, which has no dentry. Directories stand in breadth-first order; the children of one are
// contiguous dentries, sorted bytewise by name. The order of everything is fixed, so that one pass can check a table that
// was read from a file: native/fast-path/tree_check.h.

/** "STRT" read as little-endian u32. */
export const TABLE_MAGIC = 0x54525453;
export const TABLE_VERSION = 3;
export const HEADER_SIZE = 256;
const COLUMN_ALIGNMENT = 64;
const COLUMN_OFFSETS = 40;
const EXTENT_NUMBERS = 200;
const POOL_BYTES = 208;
const XATTR_BYTES = 216;

/** Bits of the `flags` column. */
export const TableFlag = {
  /** A regular file whose `data` indexes `extents`. */
  sparse: 1,
  /** Can't be looked up: EPERM. Never pristine. Only in stacks with a directory as a layer, which are never saved. */
  forbidden: 2,
  /** chattr +i and +a of a file or directory. Also only of stacks with a directory. */
  immutable: 4,
  appendOnly: 8,
  /** A regular file: as InodeFlag.cleanTail of the layer that has its bytes. */
  cleanTail: 16,
} as const;

export interface TableCounts {
  readonly inodes: number;
  readonly dentries: number;
  readonly layers: number;
  /** Count of numbers in `extents`. */
  readonly extentNumbers: number;
  readonly poolBytes: number;
  readonly xattrBytes: number;
}

/** The columns in their order: the name, the bytes of an element, and the count that gives the length. */
export const columns = [
  ['size', 8, 'inodes'],
  ['data', 8, 'inodes'],
  ['mtimeSec', 8, 'inodes'],
  ['atimeSec', 8, 'inodes'],
  ['extents', 8, 'extentNumbers'],
  ['mtimeNsec', 4, 'inodes'],
  ['atimeNsec', 4, 'inodes'],
  ['mode', 4, 'inodes'],
  ['uid', 4, 'inodes'],
  ['gid', 4, 'inodes'],
  ['xattr', 4, 'inodes'],
  ['nlink', 4, 'inodes'],
  ['nameOffset', 4, 'dentries'],
  ['target', 4, 'dentries'],
  ['layer', 2, 'inodes'],
  ['flags', 1, 'inodes'],
  ['pristine', 1, 'inodes'],
  ['nameLength', 1, 'dentries'],
  ['pool', 1, 'poolBytes'],
  ['xattrs', 1, 'xattrBytes'],
] as const satisfies readonly (readonly [string, number, keyof TableCounts])[];

type ColumnName = (typeof columns)[number][0];

/** The offset of each column of a table, and its end, in bytes. */
function placeColumns(counts: TableCounts): { offsets: ReadonlyMap<ColumnName, number>; end: number } {
  const offsets = new Map<ColumnName, number>();
  let end = HEADER_SIZE;
  for (const [name, bytes, per] of columns) {
    offsets.set(name, end);
    end += Math.ceil((counts[per] * bytes) / COLUMN_ALIGNMENT) * COLUMN_ALIGNMENT;
  }
  return { offsets, end };
}

/** Bytes of a table. */
export function tableLength(counts: TableCounts): number {
  return placeColumns(counts).end;
}

/** Writes the part of the header that follows from the counts. */
function writeHeader(
  header: DataView,
  counts: TableCounts,
  { offsets, end }: ReturnType<typeof placeColumns>,
): void {
  header.setUint32(0, TABLE_MAGIC, true);
  header.setUint32(4, TABLE_VERSION, true);
  header.setUint32(8, counts.inodes, true);
  header.setUint32(12, counts.dentries, true);
  header.setUint32(16, counts.layers, true);
  header.setFloat64(32, end, true);
  header.setFloat64(EXTENT_NUMBERS, counts.extentNumbers, true);
  header.setFloat64(POOL_BYTES, counts.poolBytes, true);
  header.setFloat64(XATTR_BYTES, counts.xattrBytes, true);
  [...offsets.values()].forEach((offset, n) => header.setFloat64(COLUMN_OFFSETS + 8 * n, offset, true));
}

/** The part of the header that doesn't follow from the counts: `hasPosixAcl` and `totalSize`, in bytes. */
const UNDECIDED = { from: 20, to: 32 } as const;

/** True if the header is that of a table with these counts. */
function hasHeader(
  buffer: ArrayBuffer,
  counts: TableCounts,
  places: ReturnType<typeof placeColumns>,
): boolean {
  if (buffer.byteLength !== places.end) return false;
  const found = Buffer.from(buffer, 0, HEADER_SIZE);
  const expected = Buffer.alloc(HEADER_SIZE);
  writeHeader(new DataView(expected.buffer, expected.byteOffset, HEADER_SIZE), counts, places);
  found.copy(expected, UNDECIDED.from, UNDECIDED.from, UNDECIDED.to);
  return found.equals(expected);
}

/** The table as typed arrays on one ArrayBuffer. The merge writes it; later it does not change (Tree.withOwnMarks). */
export class TreeTable {
  readonly buffer: ArrayBuffer;
  readonly counts: TableCounts;
  readonly inodeCount: number;
  readonly dentryCount: number;
  readonly layerCount: number;

  readonly size: Float64Array;
  /** `size` as pairs of u32: word 2 d is the parent of directory d. */
  readonly sizeWords: Uint32Array;
  readonly data: Float64Array;
  /**
   * `data` as pairs of u32: word 2 d is the first child of directory d, word 2 d + 1 their count; of a device, word 2 d
   * is rdev.
   */
  readonly dataWords: Uint32Array;
  readonly mtimeSec: Float64Array;
  readonly atimeSec: Float64Array;
  readonly extents: Float64Array;
  readonly mtimeNsec: Uint32Array;
  readonly atimeNsec: Uint32Array;
  readonly mode: Uint32Array;
  readonly uid: Uint32Array;
  readonly gid: Uint32Array;
  readonly xattr: Uint32Array;
  readonly nlink: Uint32Array;
  readonly nameOffset: Uint32Array;
  readonly target: Uint32Array;
  readonly layer: Uint16Array;
  readonly flags: Uint8Array;
  readonly pristine: Uint8Array;
  readonly nameLength: Uint8Array;
  readonly pool: Uint8Array;
  readonly xattrs: Uint8Array;
  readonly #header: DataView;

  /** A new table of zeros. Throws RangeError if there is not enough memory. */
  static create(counts: TableCounts): TreeTable {
    const places = placeColumns(counts);
    const buffer = new ArrayBuffer(places.end);
    writeHeader(new DataView(buffer, 0, HEADER_SIZE), counts, places);
    return new TreeTable(buffer, counts, places);
  }

  /** The table in `buffer`, whose columns are not checked; undefined if the header doesn't match the counts. */
  static open(counts: TableCounts, buffer: ArrayBuffer): TreeTable | undefined {
    const places = placeColumns(counts);
    return hasHeader(buffer, counts, places) ? new TreeTable(buffer, counts, places) : undefined;
  }

  private constructor(buffer: ArrayBuffer, counts: TableCounts, places: ReturnType<typeof placeColumns>) {
    this.buffer = buffer;
    this.#header = new DataView(buffer, 0, HEADER_SIZE);
    const at = (name: ColumnName): number => places.offsets.get(name) as number;
    const u8 = (name: ColumnName, length: number): Uint8Array =>
      new Uint8Array(this.buffer, at(name), length);
    const u32 = (name: ColumnName, length: number): Uint32Array =>
      new Uint32Array(this.buffer, at(name), length);
    const f64 = (name: ColumnName, length: number): Float64Array =>
      new Float64Array(this.buffer, at(name), length);
    const { inodes, dentries } = counts;

    this.counts = counts;
    this.inodeCount = inodes;
    this.dentryCount = dentries;
    this.layerCount = counts.layers;
    this.size = f64('size', inodes);
    this.sizeWords = u32('size', 2 * inodes);
    this.data = f64('data', inodes);
    this.dataWords = u32('data', 2 * inodes);
    this.mtimeSec = f64('mtimeSec', inodes);
    this.atimeSec = f64('atimeSec', inodes);
    this.extents = f64('extents', counts.extentNumbers);
    this.mtimeNsec = u32('mtimeNsec', inodes);
    this.atimeNsec = u32('atimeNsec', inodes);
    this.mode = u32('mode', inodes);
    this.uid = u32('uid', inodes);
    this.gid = u32('gid', inodes);
    this.xattr = u32('xattr', inodes);
    this.nlink = u32('nlink', inodes);
    this.nameOffset = u32('nameOffset', dentries);
    this.target = u32('target', dentries);
    this.layer = new Uint16Array(this.buffer, at('layer'), inodes);
    this.flags = u8('flags', inodes);
    this.pristine = u8('pristine', inodes);
    this.nameLength = u8('nameLength', dentries);
    this.pool = u8('pool', counts.poolBytes);
    this.xattrs = u8('xattrs', counts.xattrBytes);
  }

  get hasPosixAcl(): boolean {
    return this.#header.getUint32(20, true) !== 0;
  }

  set hasPosixAcl(value: boolean) {
    this.#header.setUint32(20, value ? 1 : 0, true);
  }

  get totalSize(): number {
    return this.#header.getFloat64(24, true);
  }

  set totalSize(value: number) {
    this.#header.setFloat64(24, value, true);
  }
}
