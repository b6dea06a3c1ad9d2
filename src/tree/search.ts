// Binary search of a name among sorted siblings, for a layer's index and for the merged table.

/** The name columns that both tables have. */
export interface NameColumns {
  readonly pool: Uint8Array;
  readonly nameOffset: Uint32Array;
  readonly nameLength: Uint8Array;
}

/**
 * The dentry among `first` to `first + count - 1`, sorted bytewise, whose name is bytes `start` to `end` of `name`; -1
 * if none has it. Allocates nothing.
 */
export function searchName(
  table: NameColumns,
  first: number,
  count: number,
  name: Uint8Array,
  start: number,
  end: number,
): number {
  const { pool, nameOffset, nameLength } = table;
  const length = end - start;
  let low = first;
  let high = first + count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const offset = nameOffset[middle] as number;
    const otherLength = nameLength[middle] as number;
    const common = otherLength < length ? otherLength : length;
    let i = 0;
    while (i < common && pool[offset + i] === name[start + i]) i++;
    const order =
      i < common ? (pool[offset + i] as number) - (name[start + i] as number) : otherLength - length;
    if (order === 0) return middle;
    if (order < 0) low = middle + 1;
    else high = middle;
  }
  return -1;
}
