// Output: the image on its way to the sink, through one buffer.
import type { ErofsSink } from './source.ts';

const SIZE = 1 << 20;

export class Output {
  readonly #sink: ErofsSink;
  readonly #bytes = Buffer.alloc(SIZE);
  readonly #view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset, SIZE);
  #used = 0;
  #flushed = 0;

  constructor(sink: ErofsSink) {
    this.#sink = sink;
  }

  /** Bytes written so far: the place of the next one in the image. */
  get position(): number {
    return this.#flushed + this.#used;
  }

  /** The buffer, whose bytes from `cursor` on are zeros. */
  get bytes(): Buffer {
    return this.#bytes;
  }

  get view(): DataView {
    return this.#view;
  }

  /** Index in `bytes` of the next byte. */
  get cursor(): number {
    return this.#used;
  }

  /** True if `length` bytes fit without a flush. */
  hasRoom(length: number): boolean {
    return this.#used + length <= SIZE;
  }

  /** Counts bytes that were filled in place. */
  advance(length: number): void {
    this.#used += length;
  }

  async flush(): Promise<void> {
    if (this.#used === 0) return;
    await this.#sink.write(this.#bytes.subarray(0, this.#used));
    this.#flushed += this.#used;
    this.#bytes.fill(0, 0, this.#used);
    this.#used = 0;
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let from = 0; from < bytes.length;) {
      if (this.#used === SIZE) await this.flush();
      const count = Math.min(bytes.length - from, SIZE - this.#used);
      this.#bytes.set(bytes.subarray(from, from + count), this.#used);
      this.#used += count;
      from += count;
    }
  }

  /** Writes zeros up to `position`, which must not be passed yet. */
  async padTo(position: number): Promise<void> {
    if (position < this.position) throw new Error(`the image is at ${this.position}, expected ${position}`);
    while (this.position < position) {
      if (this.#used === SIZE) await this.flush();
      this.#used += Math.min(position - this.position, SIZE - this.#used);
    }
  }
}
