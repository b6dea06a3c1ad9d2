// A BlobReader for bytes in memory, and one for a file. They behave like the readers of layers.
import { type BlobReader, FileRange, type ReadResult } from '../../src/vfs/blob-reader.ts';

export class MemoryReader implements BlobReader {
  readonly bytes: Uint8Array;
  /** Offset and length of each read. */
  readonly reads: [number, number][] = [];
  isClosed = false;
  readonly #isAsync: boolean;

  constructor(bytes: Uint8Array, isAsync = false) {
    this.bytes = bytes;
    this.#isAsync = isAsync;
  }

  get size(): number {
    return this.bytes.length;
  }

  read(offset: number, length: number): ReadResult | Promise<ReadResult> {
    this.reads.push([offset, length]);
    const view = this.bytes.subarray(offset, offset + length);
    return this.#isAsync ? Promise.resolve(view) : view;
  }

  close(): void {
    this.isClosed = true;
  }
}

export class FileReader implements BlobReader {
  readonly fd: number;
  readonly size: number;

  constructor(fd: number, size: number) {
    this.fd = fd;
    this.size = size;
  }

  read(offset: number, length: number): FileRange {
    return new FileRange(this.fd, offset, length);
  }

  close(): void {
    return;
  }
}
