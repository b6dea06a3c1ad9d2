// The check of a table that was read from a file, before its first use (native/fast-path/tree_check.h, native/addon/index_check.h).
//
// Whoever can write a cache file can put anything into it, and its checksum covers that too. So every offset, count,
// child range, link, name and number is checked, in one pass on a pool thread. Whatever passes is a table that this program
// can have made: no reader needs to look at bounds, and none can run in a circle.
import { addon } from './addon.ts';

interface TableChecks {
  checkTree(table: ArrayBuffer): Promise<string | undefined>;
  checkLayerIndex(index: object, tarSize: number): Promise<string | undefined>;
  indexColumns(): (string | number)[];
}

const calls = addon as TableChecks;

/** Why the Tree's table in `table` can't be used; undefined for a good one. It is lent until the promise settles. */
export const checkTree = (table: ArrayBuffer): Promise<string | undefined> => calls.checkTree(table);

/**
 * Why a LayerIndex can't be used; undefined for a good one. `tarSize` is the size of the uncompressed tar that it is of. The
 * columns are lent until the promise settles. Throws TypeError where columns are missing or differ in length.
 */
export const checkLayerIndex = (index: object, tarSize: number): Promise<string | undefined> =>
  calls.checkLayerIndex(index, tarSize);

/** The columns of a LayerIndex as native code knows them: a name, then the bytes of an element, of each. */
export const indexColumns = (): (string | number)[] => calls.indexColumns();
