// SpanReader: a compressed layer, read in place.
//
// The blob consists of spans (src/sys/scan.ts). Each is decompressed as a whole on a pool thread and stored in the
// block cache. A sequential reader triggers read-ahead of the next span. Bytes that the scan spilled (one huge zstd
// frame) are read from the spill file.
import { closeSync, readSync } from 'node:fs';
import type { BlockOwner, Block } from '../cache/block-cache.ts';
import { SpanKind, type SpanTable } from '../sys/scan.ts';
import { type BlobReader, FileRange, type ReadResult } from '../vfs/blob-reader.ts';
import { EIO } from '../vfs/errno.ts';

/** Decompresses span `span`: all its bytes, or a negative errno. */
export type DecodeSpan = (span: number) => Promise<Block>;

/** What a SpanReader must know of its spans. */
export type SpanPlaces = Pick<SpanTable, 'count' | 'plainOffset' | 'kind'>;

/** The number of spans that the cache must be able to hold to make read-ahead useful. */
const READ_AHEAD_ROOM = 4;

export class SpanReader implements BlobReader {
  readonly size: number;
  readonly #spans: SpanPlaces;
  readonly #blocks: BlockOwner;
  readonly #decode: DecodeSpan;
  readonly #closeStored: () => void;
  readonly #spillFd: number | undefined;
  readonly #isSourceChanged: () => boolean;
  #lastSpan = -1;
  #decodesUnderWay = 0;
  #isClosed = false;

  /**
   * The reader owns `spillFd` from now on. `closeStored` ends what `decode` reads from, when nothing is decoded any more.
   */
  constructor(
    spans: SpanPlaces,
    blocks: BlockOwner,
    decode: DecodeSpan,
    closeStored: () => void,
    spillFd: number | undefined,
    isSourceChanged: () => boolean,
  ) {
    this.size = spans.plainOffset[spans.count] ?? 0;
    this.#spans = spans;
    this.#blocks = blocks;
    this.#decode = decode;
    this.#closeStored = closeStored;
    this.#spillFd = spillFd;
    this.#isSourceChanged = isSourceChanged;
  }

  /** Undefined where some span is only in the blob. */
  get unpacked(): FileRange | undefined {
    if (this.#spillFd === undefined) return undefined;
    const isSpilled = (kind: number): boolean => kind === SpanKind.spill;
    const kinds = this.#spans.kind.subarray(0, this.#spans.count);
    return kinds.every(isSpilled) ? new FileRange(this.#spillFd, 0, this.size) : undefined;
  }

  read(offset: number, length: number): ReadResult | Promise<ReadResult> {
    const end = Math.min(offset + length, this.size);
    if (this.#isClosed) return -EIO;
    if (offset >= end) return new Uint8Array(0);
    const first = this.#spanAt(offset);
    if (end <= this.#spanEnd(first)) return this.#readWithin(first, offset, end);
    return this.#readAcross(first, offset, end);
  }

  isSourceChanged(): boolean {
    return !this.#isClosed && this.#isSourceChanged();
  }

  /** Waits for decoding under way: the number of a closed descriptor may soon be another file's. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#spillFd !== undefined) closeSync(this.#spillFd);
    if (this.#decodesUnderWay === 0) this.#closeStored();
  }

  async #fetch(span: number): Promise<Block> {
    this.#decodesUnderWay++;
    try {
      return await this.#decode(span);
    } finally {
      if (--this.#decodesUnderWay === 0 && this.#isClosed) this.#closeStored();
    }
  }

  #readWithin(span: number, offset: number, end: number): ReadResult | Promise<ReadResult> {
    if (this.#spillFd !== undefined && this.#spans.kind[span] === SpanKind.spill) {
      return new FileRange(this.#spillFd, offset, end - offset);
    }
    const start = this.#spanStart(span);
    const cut = (block: Block): ReadResult =>
      typeof block === 'number' ? block : block.subarray(offset - start, end - start);
    const block = this.#block(span);
    return block instanceof Promise ? block.then(cut) : cut(block);
  }

  /** Joins the bytes of several spans, which are fetched concurrently. */
  #readAcross(first: number, offset: number, end: number): ReadResult | Promise<ReadResult> {
    const parts: (ReadResult | Promise<ReadResult>)[] = [];
    for (let span = first, at = offset; at < end; span++) {
      const partEnd = Math.min(end, this.#spanEnd(span));
      parts.push(this.#readWithin(span, at, partEnd));
      at = partEnd;
    }
    return parts.some((part) => part instanceof Promise)
      ? Promise.all(parts.map((part) => Promise.resolve(part))).then((settled) => join(settled, end - offset))
      : join(parts as ReadResult[], end - offset);
  }

  #block(span: number): Block | Promise<Block> {
    const block = this.#blocks.get(span, () => this.#fetch(span));
    if (span === this.#lastSpan + 1) this.#readAhead(span + 1);
    this.#lastSpan = span;
    return block;
  }

  #readAhead(span: number): void {
    if (span >= this.#spans.count || this.#spans.kind[span] === SpanKind.spill) return;
    const size = this.#spanEnd(span) - this.#spanStart(span);
    this.#blocks.prefetch(span, () => this.#fetch(span), size, READ_AHEAD_ROOM);
  }

  #spanStart(span: number): number {
    return this.#spans.plainOffset[span] as number;
  }

  #spanEnd(span: number): number {
    return this.#spans.plainOffset[span + 1] as number;
  }

  /** The last span that starts at or before `offset`. */
  #spanAt(offset: number): number {
    let low = 0;
    let high = this.#spans.count - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.#spanStart(middle) <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

/** The bytes of `parts`, one after the other; the first errno if one failed. */
function join(parts: readonly ReadResult[], length: number): ReadResult {
  const joined = Buffer.allocUnsafe(length);
  let at = 0;
  for (const part of parts) {
    if (typeof part === 'number') return part;
    if (part instanceof FileRange) {
      // A boundary between spilled and decompressed bytes. It is rare, and the spilled bytes are in the page cache.
      if (readSync(part.fd, joined, at, part.length, part.position) !== part.length) return -EIO;
      at += part.length;
    } else {
      joined.set(part, at);
      at += part.byteLength;
    }
  }
  return joined;
}
