// Extent lists: where the data of a sparse file lies. A list is its count, the sum of its lengths, then for each
// extent its offset in the file, its length and its offset in the blob; ascending, none empty, none overlapping.

const LIST_HEADER = 2;
const EXTENT = 3;

/** Numbers that `copyExtents` will write for a layer's list at `at`. */
export function measureExtents(source: Float64Array, at: number): number {
  const count = source[at] as number;
  let kept = 0;
  for (let i = 0; i < count; i++) if ((source[at + 1 + EXTENT * i + 1] as number) > 0) kept++;
  return LIST_HEADER + EXTENT * kept;
}

/** Copies a LayerIndex list (count, then the extents) without its empty extents. Returns the end of what it wrote. */
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

/** Bytes of the file that are stored. */
export function allocatedBytes(extents: Float64Array, list: number): number {
  return extents[list + 1] as number;
}

/** The number of the first extent of the list that ends behind `offset`; the list's count where none does. */
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
