// One growing array to which bytes are appended: names and link targets while a layer is indexed.

export class ByteArena {
  bytes: Uint8Array;
  length = 0;
  readonly #limit: number;
  readonly #refuse: () => Error;

  /** Growing beyond `limit` bytes throws the error that `refuse` returns. */
  constructor(limit: number, refuse: () => Error) {
    this.bytes = new Uint8Array(1 << 12);
    this.#limit = limit;
    this.#refuse = refuse;
  }

  /** Appends bytes `start` to `end` of `source`; returns the offset of the copy. */
  append(source: Uint8Array, start: number, end: number): number {
    const at = this.length;
    const length = at + end - start;
    if (length > this.bytes.length) this.#grow(length);
    const { bytes } = this;
    // Names are short: a loop is faster than a view and set().
    for (let from = start, to = at; from < end; from++, to++) bytes[to] = source[from] as number;
    this.length = length;
    return at;
  }

  #grow(length: number): void {
    if (length > this.#limit) throw this.#refuse();
    const larger = new Uint8Array(Math.min(this.#limit, Math.max(length, this.bytes.length * 2)));
    larger.set(this.bytes.subarray(0, this.length));
    this.bytes = larger;
  }
}
