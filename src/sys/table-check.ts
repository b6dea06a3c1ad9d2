// Checks a table that was read from a file, before its first use (native/fast-path/tree_check.h,
// native/addon/index_check.h).
//
// A process that can write a cache file can put anything into it, with a matching checksum. So one pass on a pool
// thread checks every offset, count, child range, link, name and number. A table that passes is one that this program
// could have written: readers need no bounds checks, and none can loop forever.
import { addon } from './addon.ts';

interface TableChecks {
  checkTree(table: ArrayBuffer): Promise<string | undefined>;
  checkLayerIndex(index: object, tarSize: number): Promise<string | undefined>;
  indexColumns(): (string | number)[];
}

const calls = addon as TableChecks;

/** The fault of a Tree's table; undefined if it is good. `table` is lent until the promise settles. */
export const checkTree = (table: ArrayBuffer): Promise<string | undefined> => calls.checkTree(table);

/**
 * The fault of a LayerIndex; undefined if it is good. `tarSize` is the size of its uncompressed tar. The columns are
 * lent until the promise settles. Throws TypeError if columns are missing or differ in length.
 */
export const checkLayerIndex = (index: object, tarSize: number): Promise<string | undefined> =>
  calls.checkLayerIndex(index, tarSize);

/** The columns of a LayerIndex that native code expects: for each, the name and the bytes of an element. */
export const indexColumns = (): (string | number)[] => calls.indexColumns();
