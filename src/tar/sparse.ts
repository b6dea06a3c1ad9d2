// Reads the maps of GNU sparse members: old GNU (type S), and the pax forms 0.0, 0.1 and 1.0.
//
// A map is an ordered list of pairs (offset in the file, length). The member's data are the pieces one after the other.
// Source: GNU tar manual, "Storing Sparse Files". Every count is bounded before anything is allocated for it.
import { showName } from '../vfs/show-text.ts';
import { readDecimal } from './decimal.ts';
import { BLOCK_SIZE, Field, readNumber } from './header.ts';
import type { Place } from './place.ts';

/** Limit of the pieces of one file. */
export const MAX_SPARSE_PIECES = 1 << 20;

const PAIR_SIZE = 24;
const HEADER_PAIRS = 4;
const BLOCK_PAIRS = 21;
/** In an extension block: not NUL if another block follows. */
export const EXTENSION_IS_EXTENDED = 504;
const NEWLINE = 0x0a;
const COMMA = 0x2c;

/** Collects pairs. */
export class SparseMapBuilder {
  #pairs = new Float64Array(16);
  #length = 0;

  push(value: number, at: number, place: Place): void {
    if (this.#length === this.#pairs.length) {
      if (this.#length >= 2 * MAX_SPARSE_PIECES) {
        throw place.error(at, 'a sparse map of more pieces', `at most ${MAX_SPARSE_PIECES}`);
      }
      const larger = new Float64Array(this.#pairs.length * 2);
      larger.set(this.#pairs);
      this.#pairs = larger;
    }
    this.#pairs[this.#length++] = value;
  }

  get length(): number {
    return this.#length;
  }

  finish(): Float64Array {
    return this.#pairs.slice(0, this.#length);
  }
}

/**
 * Throws FormatError unless the pieces are ordered, don't overlap, lie within `realSize` and have at most `storedSize`
 * bytes together. Errors name index `at`.
 */
export function checkSparseMap(
  map: Float64Array,
  realSize: number,
  storedSize: number,
  at: number,
  place: Place,
): void {
  let end = 0;
  let stored = 0;
  if (map.length % 2 !== 0) throw place.error(at, 'an odd sparse map', 'pairs of offset and length');
  for (let i = 0; i < map.length; i += 2) {
    const offset = map[i] as number;
    const length = map[i + 1] as number;
    if (offset < end || length < 0 || offset + length > realSize) {
      throw place.error(
        at,
        `a sparse piece of ${length} bytes at ${offset}`,
        `one between ${end} and ${realSize}`,
      );
    }
    end = offset + length;
    stored += length;
  }
  if (stored > storedSize) {
    throw place.error(at, `a sparse map of ${stored} bytes`, `at most ${storedSize}, what the member stores`);
  }
}

/** The map of a type S member: it starts in the header block at `header` and continues in extension blocks. */
export function readOldGnuMap(
  bytes: Uint8Array,
  header: number,
  extension: Uint8Array,
  place: Place,
): Float64Array {
  const map = new SparseMapBuilder();
  if (!readPairs(bytes, header + Field.sparse, HEADER_PAIRS, map, place)) return map.finish();
  let isExtended = bytes[header + Field.isExtended] !== 0;
  for (let block = 0; isExtended; block += BLOCK_SIZE) {
    if (block + BLOCK_SIZE > extension.length) {
      throw place.error(header + Field.isExtended, 'no further extension block', 'one, as the flag says');
    }
    // Errors name the place of the header, because the extension blocks come after it.
    if (!readPairs(extension, block, BLOCK_PAIRS, map, place)) break;
    isExtended = extension[block + EXTENSION_IS_EXTENDED] !== 0;
  }
  return map.finish();
}

/** False if the list ended before the last slot. */
function readPairs(
  bytes: Uint8Array,
  start: number,
  count: number,
  map: SparseMapBuilder,
  place: Place,
): boolean {
  for (let i = 0; i < count; i++) {
    const at = start + i * PAIR_SIZE;
    if (bytes[at] === 0 && bytes[at + 12] === 0) return false;
    map.push(readNumber(bytes, at, 12, place, 'a sparse offset'), at, place);
    map.push(readNumber(bytes, at + 12, 12, place, 'a sparse length'), at, place);
  }
  return true;
}

/** The map of form 0.1: "offset,length,offset,length". */
export function readCommaMap(bytes: Uint8Array, start: number, end: number, place: Place): Float64Array {
  const map = new SparseMapBuilder();
  for (let at = start; at < end;) {
    let stop = at;
    while (stop < end && bytes[stop] !== COMMA) stop++;
    map.push(readDecimal(bytes, at, stop, Number.MAX_SAFE_INTEGER, place, 'a sparse number'), at, place);
    at = stop + 1;
  }
  return map.finish();
}

/** Form 1.0: the map, and the number of bytes of the member's data that it occupies, padding included. */
export interface DataMap {
  readonly map: Float64Array;
  readonly length: number;
}

/**
 * The map at the start of the member's data (form 1.0): the count of pieces and the pairs, each number followed by a
 * newline, padded to a block. Undefined if `data` ends before the map does. Throws FormatError.
 */
export function readDataMap(data: Uint8Array, place: Place): DataMap | undefined {
  const map = new SparseMapBuilder();
  let count = -1;
  let at = 0;
  while (count < 0 || map.length < 2 * count) {
    const stop = data.indexOf(NEWLINE, at);
    if (stop < 0 && data.length - at <= 20) return undefined;
    if (stop < 0 || stop - at > 20) {
      throw place.error(
        at,
        `'${showName(data.subarray(at, at + 20))}'`,
        'a number of a sparse map and a newline',
      );
    }
    if (count < 0) count = readDecimal(data, at, stop, MAX_SPARSE_PIECES, place, 'a count of sparse pieces');
    else map.push(readDecimal(data, at, stop, Number.MAX_SAFE_INTEGER, place, 'a sparse number'), at, place);
    at = stop + 1;
  }
  return { map: map.finish(), length: Math.ceil(at / BLOCK_SIZE) * BLOCK_SIZE };
}
