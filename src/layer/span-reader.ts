// SpanReader: a compressed layer, read in place.
//
// The blob is cut into spans (src/sys/scan.ts), each decompressed as a whole on a pool thread and kept in the block
// cache. Reading on sequentially fetches the next span before it is asked for. What the scan spilled (one huge zstd
// frame) is read from the spill file as it is.
import { closeSync, readSync } from 'node:fs';
import type { BlockOwner, Block } from '../cache/block-cache.ts';
import { SpanKind, type SpanTable } from '../sys/scan.ts';
import { type BlobReader, FileRange, type ReadResult } from '../vfs/blob-reader.ts';
import { EIO } from '../vfs/errno.ts';

/** Decompresses span `span`: its bytes, all of them, or a negative errno. */
export type DecodeSpan = (span: number) => Promise<Block>;

/** How many spans the cache must be able to hold for reading ahead to be of use. */
const READ_AHEAD_ROOM = 4;

export class SpanReader implements BlobReader {
  readonly size: number;
  readonly #spans: SpanTable;
  readonly #blocks: BlockOwner;
  readonly #decode: DecodeSpan;
  readonly #fds: readonly number[];
  readonly #spillFd: number | undefined;
  readonly #isSourceChanged: () => boolean;
  #lastSpan = -1;
  #decodesUnderWay = 0;
  #isClosed = false;

  /** `fds` are what `decode` reads from; they and `spillFd` are owned by the reader from now on. */
  constructor(
    spans: SpanTable,
    blocks: BlockOwner,
    decode: DecodeSpan,
    fds: readonly number[],
    spillFd: number | undefined,
    isSourceChanged: () => boolean,
  ) {
    this.size = spans.plainOffset[spans.count] ?? 0;
    this.#spans = spans;
    this.#blocks = blocks;
    this.#decode = decode;
    this.#fds = fds;
    this.#spillFd = spillFd;
    this.#isSourceChanged = isSourceChanged;
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

  /** What is being decoded ends first: a descriptor's number may be another file's as soon as it is closed. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#spillFd !== undefined) closeSync(this.#spillFd);
    if (this.#decodesUnderWay === 0) this.#closeStored();
  }

  #closeStored(): void {
    for (const fd of this.#fds) closeSync(fd);
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

  /** Joins what several spans have, which all are fetched at once. */
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

  /** The last span that begins at or before `offset`. */
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

/** The bytes of `parts` behind each other; the first errno where one failed. */
function join(parts: readonly ReadResult[], length: number): ReadResult {
  const joined = Buffer.allocUnsafe(length);
  let at = 0;
  for (const part of parts) {
    if (typeof part === 'number') return part;
    if (part instanceof FileRange) {
      // A boundary between spilled and decompressed bytes: met once a huge frame, and it lies in the page cache.
      if (readSync(part.fd, joined, at, part.length, part.position) !== part.length) return -EIO;
      at += part.length;
    } else {
      joined.set(part, at);
      at += part.byteLength;
    }
  }
  return joined;
}
