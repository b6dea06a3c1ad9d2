// The extents of a layer's sparse files while it is being indexed (form: LayerIndex.extents).

const MAX_EXTENT_NUMBERS = 1 << 25;

export class DraftExtents {
  numbers = new Float64Array(64);
  length = 0;
  readonly #refuse: () => Error;

  /** More than 2^25 numbers throw the error that `refuse` returns. */
  constructor(refuse: () => Error) {
    this.#refuse = refuse;
  }

  /**
   * Adds the list for a checked sparse map whose stored bytes start at `blobOffset`. Drops empty pieces, joins adjacent
   * ones, and returns the index of the list.
   */
  add(map: Float64Array, blobOffset: number): number {
    this.#reserve(1 + (map.length / 2) * 3);
    const { numbers } = this;
    const list = this.length;
    let at = list + 1;
    let end = -1;
    let blob = blobOffset;
    for (let i = 0; i < map.length; i += 2) {
      const offset = map[i] as number;
      const length = map[i + 1] as number;
      if (length === 0) continue;
      if (offset === end) {
        numbers[at - 2] = (numbers[at - 2] as number) + length;
      } else {
        numbers[at] = offset;
        numbers[at + 1] = length;
        numbers[at + 2] = blob;
        at += 3;
      }
      end = offset + length;
      blob += length;
    }
    numbers[list] = (at - list - 1) / 3;
    this.length = at;
    return list;
  }

  #reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.numbers.length) return;
    if (needed > MAX_EXTENT_NUMBERS) throw this.#refuse();
    const larger = new Float64Array(Math.max(needed, this.numbers.length * 2));
    larger.set(this.numbers);
    this.numbers = larger;
  }
}
