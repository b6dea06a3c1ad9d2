// Output: the image on its way to the sink, through one buffer.
//
// Single structures are written without waiting, because a promise for each of a million inodes takes longer than the
// work: the buffer grows to hold what is written between two calls of `drain`.
import type { ErofsSink } from './source.ts';

const SIZE = 1 << 20;

export class Output {
  readonly #sink: ErofsSink;
  #bytes = Buffer.alloc(2 * SIZE);
  #view = viewOf(this.#bytes);
  #used = 0;
  #flushed = 0;

  constructor(sink: ErofsSink) {
    this.#sink = sink;
  }

  /** Bytes written so far: the place of the next one in the image. */
  get position(): number {
    return this.#flushed + this.#used;
  }

  /** The buffer, until the next call that writes. Its bytes from the place that `reserve` returns are zeros. */
  get bytes(): Buffer {
    return this.#bytes;
  }

  get view(): DataView {
    return this.#view;
  }

  /** Adds `length` zeros, which the caller may change. Returns their place in `bytes`. */
  reserve(length: number): number {
    const at = this.#used;
    const end = at + length;
    if (end > this.#bytes.length) {
      const larger = Buffer.alloc(2 * end);
      larger.set(this.#bytes.subarray(0, at));
      this.#bytes = larger;
      this.#view = viewOf(larger);
    }
    this.#used = end;
    return at;
  }

  put(bytes: Uint8Array): void {
    const at = this.reserve(bytes.length);
    this.#bytes.set(bytes, at);
  }

  /** Adds zeros up to `position`, which must not be passed yet. */
  padTo(position: number): void {
    if (position < this.position) throw new Error(`the image is at ${this.position}, expected ${position}`);
    this.reserve(position - this.position);
  }

  /** Hands everything to the sink if that is enough for a write. */
  async drain(): Promise<void> {
    if (this.needsDrain) await this.flush();
  }

  /** True if `drain` would write. */
  get needsDrain(): boolean {
    return this.#used >= SIZE;
  }

  async flush(): Promise<void> {
    if (this.#used === 0) return;
    await this.#sink.write(this.#bytes.subarray(0, this.#used));
    this.#flushed += this.#used;
    this.#bytes.fill(0, 0, this.#used);
    this.#used = 0;
  }
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
