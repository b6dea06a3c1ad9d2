// A writer of plain ustar members, fast enough for a million: one header, patched for each member.
//
// tar-stream writes the images of the tests; it makes an object and several microtasks a member, which is minutes here.
import { once } from 'node:events';
import { createWriteStream, type WriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';

const block = 512;
const batchBytes = 1 << 20;

/** Members go to the file in the order of the calls; `close` ends the archive, and only then is it whole. */
export class TarWriter {
  readonly #file: WriteStream;
  readonly #header = Buffer.alloc(block);
  #batch = Buffer.allocUnsafe(batchBytes);
  #used = 0;

  constructor(path: string) {
    this.#file = createWriteStream(path);
    this.#header.write('0000000\0' + '0000000\0', 108, 'latin1');
    this.#header.write('14524770000\0', 136, 'latin1'); // mtime: 2023-11-14
    this.#header.write('ustar\x0000', 257, 'latin1');
  }

  /** `path`: ASCII, at most 100 bytes, no trailing slash. Await what it returns: the file may be slower than the caller. */
  directory(path: string): Promise<void> | undefined {
    return this.#member(`${path}/`, '5', 0o755, Buffer.alloc(0));
  }

  /** The same for a file; `content` is copied. */
  file(path: string, content: Buffer): Promise<void> | undefined {
    return this.#member(path, '0', 0o644, content);
  }

  async close(): Promise<void> {
    this.#reserve(2 * block).fill(0);
    this.#file.end(this.#batch.subarray(0, this.#used));
    await finished(this.#file);
  }

  #member(path: string, type: string, mode: number, content: Buffer): Promise<void> | undefined {
    if (path.length > 100) throw new RangeError(`${path}: longer than the 100 bytes of a ustar name`);
    const header = this.#header;
    header.fill(0, 0, 100).write(path, 0, 'latin1');
    header.write(`${mode.toString(8).padStart(7, '0')}\0`, 100, 'latin1');
    header.write(`${content.length.toString(8).padStart(11, '0')}\0`, 124, 'latin1');
    header.write(`        ${type}`, 148, 'latin1'); // the checksum is taken with spaces in its place
    let sum = 0;
    for (const byte of header) sum += byte;
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');

    const padded = Math.ceil(content.length / block) * block;
    const flushed =
      this.#used + block + padded > this.#batch.length ? this.#flush(block + padded) : undefined;
    header.copy(this.#reserve(block));
    const body = this.#reserve(padded);
    content.copy(body);
    body.fill(0, content.length);
    return flushed;
  }

  #reserve(bytes: number): Buffer {
    const start = this.#used;
    this.#used += bytes;
    return this.#batch.subarray(start, this.#used);
  }

  #flush(needed: number): Promise<void> | undefined {
    const more = this.#file.write(this.#batch.subarray(0, this.#used));
    this.#batch = Buffer.allocUnsafe(Math.max(batchBytes, needed + 2 * block));
    this.#used = 0;
    return more ? undefined : once(this.#file, 'drain').then(() => undefined);
  }
}
