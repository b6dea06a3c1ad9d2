// The positions of a LayerIndex's columns in its one ArrayBuffer. No other file knows them.
//
// The widest elements come first, and every column starts at a multiple of 8. So the same bytes serve as views in
// memory and as the second body of an index file. Little-endian, like every machine on which Node can use FUSE.
import type { LayerIndex } from './layer-index.ts';

/** Elements of the columns. */
export interface LayerIndexCounts {
  readonly dentries: number;
  readonly inodes: number;
  /** Bytes. */
  readonly pool: number;
  /** Bytes. */
  readonly xattrs: number;
  /** Numbers, not lists. */
  readonly extents: number;
  /** Numbers, not pairs. */
  readonly links: number;
}

type ColumnName = Exclude<keyof LayerIndex, 'dentryCount' | 'inodeCount'>;
type ColumnType = Float64ArrayConstructor | Uint32ArrayConstructor | Uint8ArrayConstructor;

/** The columns, in the order of their positions. */
export const columnOrder: readonly (readonly [ColumnName, ColumnType, keyof LayerIndexCounts])[] = [
  ['size', Float64Array, 'inodes'],
  ['mtimeSec', Float64Array, 'inodes'],
  ['atimeSec', Float64Array, 'inodes'],
  ['dataOffset', Float64Array, 'inodes'],
  ['extents', Float64Array, 'extents'],
  ['mode', Uint32Array, 'inodes'],
  ['uid', Uint32Array, 'inodes'],
  ['gid', Uint32Array, 'inodes'],
  ['rdev', Uint32Array, 'inodes'],
  ['mtimeNsec', Uint32Array, 'inodes'],
  ['atimeNsec', Uint32Array, 'inodes'],
  ['firstChild', Uint32Array, 'inodes'],
  ['childCount', Uint32Array, 'inodes'],
  ['xattr', Uint32Array, 'inodes'],
  ['nameOffset', Uint32Array, 'dentries'],
  ['dentryTarget', Uint32Array, 'dentries'],
  ['links', Uint32Array, 'links'],
  ['inodeFlags', Uint8Array, 'inodes'],
  ['nameLength', Uint8Array, 'dentries'],
  ['dentryKind', Uint8Array, 'dentries'],
  ['pool', Uint8Array, 'pool'],
  ['xattrs', Uint8Array, 'xattrs'],
];

/** `length` rounded up to a multiple of 8. */
export const align8 = (length: number): number => Math.ceil(length / 8) * 8;

/** The length of all columns in bytes, a multiple of 8. */
export function layerIndexLength(counts: LayerIndexCounts): number {
  let length = 0;
  for (const [, type, count] of columnOrder) length += align8(counts[count] * type.BYTES_PER_ELEMENT);
  return length;
}

/** The columns as views of `buffer` from `offset` on, a multiple of 8. The buffer must be long enough. */
export function viewLayerIndex(buffer: ArrayBuffer, offset: number, counts: LayerIndexCounts): LayerIndex {
  const columns: Partial<Record<ColumnName, Float64Array | Uint32Array | Uint8Array>> = {};
  let at = offset;
  for (const [name, type, count] of columnOrder) {
    columns[name] = new type(buffer, at, counts[count]);
    at += align8(counts[count] * type.BYTES_PER_ELEMENT);
  }
  return {
    dentryCount: counts.dentries,
    inodeCount: counts.inodes,
    ...(columns as Omit<
      LayerIndex,
      'dentryCount' | 'inodeCount' | 'redirects' | 'metacopies' | 'unfollowed' | 'protections'
    >),
  };
}

/** The counts of an index, for `layerIndexLength`. */
export function countsOf(index: LayerIndex): LayerIndexCounts {
  return {
    dentries: index.dentryCount,
    inodes: index.inodeCount,
    pool: index.pool.length,
    xattrs: index.xattrs.length,
    extents: index.extents.length,
    links: index.links.length,
  };
}

/** All columns of an index as the bytes that `viewLayerIndex` reads: a view, not a copy. */
export function bytesOfLayerIndex(index: LayerIndex): Uint8Array {
  return new Uint8Array(index.size.buffer, index.size.byteOffset, layerIndexLength(countsOf(index)));
}
