// Extent lists: the positions of the data of a sparse file. A list is its count, the sum of its lengths, then for each
// extent the offset in the file, the length and the offset in the blob; ascending, none empty, none overlapping.

const LIST_HEADER = 2;
const EXTENT = 3;

/** The count of numbers that `copyExtents` will write for a layer's list at `at`. */
export function measureExtents(source: Float64Array, at: number): number {
  const count = source[at] as number;
  let filledExtents = 0;
  for (let i = 0; i < count; i++) if ((source[at + 1 + EXTENT * i + 1] as number) > 0) filledExtents++;
  return LIST_HEADER + EXTENT * filledExtents;
}

/** Copies a LayerIndex list (count, then the extents) without its empty extents. Returns the end of the copy. */
export function copyExtents(source: Float64Array, at: number, target: Float64Array, to: number): number {
  const count = source[at] as number;
  let end = to + LIST_HEADER;
  let allocated = 0;
  for (let i = 0; i < count; i++) {
    const from = at + 1 + EXTENT * i;
    const length = source[from + 1] as number;
    if (length === 0) continue;
    target[end++] = source[from] as number;
    target[end++] = length;
    target[end++] = source[from + 2] as number;
    allocated += length;
  }
  target[to] = (end - to - LIST_HEADER) / EXTENT;
  target[to + 1] = allocated;
  return end;
}

/** The stored bytes of the file. */
export function allocatedBytes(extents: Float64Array, list: number): number {
  return extents[list + 1] as number;
}

/** The number of the first extent of the list that ends after `offset`; the list's count if none does. */
export function findExtent(extents: Float64Array, list: number, offset: number): number {
  let low = 0;
  let high = extents[list] as number;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (extentEnd(extents, list, middle) <= offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

export function extentCount(extents: Float64Array, list: number): number {
  return extents[list] as number;
}

export function extentStart(extents: Float64Array, list: number, n: number): number {
  return extents[list + LIST_HEADER + EXTENT * n] as number;
}

export function extentEnd(extents: Float64Array, list: number, n: number): number {
  const at = list + LIST_HEADER + EXTENT * n;
  return (extents[at] as number) + (extents[at + 1] as number);
}

export function extentBlobOffset(extents: Float64Array, list: number, n: number): number {
  return extents[list + LIST_HEADER + EXTENT * n + 2] as number;
}
