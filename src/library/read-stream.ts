// The bytes of an image as streams: a file, and the tar of an export.
import { Readable } from 'node:stream';
import type { FileContent } from '../inspect/inspect.ts';
import type { Usage } from './usage.ts';

/** Which bytes of a file a stream gives. An aborted `signal` destroys it. */
export interface ReadStreamOptions {
  /** First and last byte that is read, both included; by default all of the file. */
  readonly start?: number | undefined;
  readonly end?: number | undefined;
  /** With one, the stream gives text. */
  readonly encoding?: BufferEncoding | undefined;
  readonly highWaterMark?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A regular file. */
export interface FileBytes {
  readonly content: FileContent;
  readonly inode: number;
}

/** A stream of the bytes of the file that `find` finds once the stream is read. Failures are its 'error'. */
export function streamFile(
  find: () => Promise<FileBytes>,
  usage: Usage,
  { start = 0, end = Infinity, ...options }: ReadStreamOptions,
): Readable {
  async function* bytes(): AsyncGenerator<Uint8Array, void> {
    const { content, inode } = await usage.run(find, options.signal);
    const pieces = content.readRange(inode, start, end + 1);
    for (;;) {
      const piece = await usage.run(() => pieces.next(), options.signal);
      if (piece.done === true) return;
      yield piece.value;
    }
  }
  return Readable.from(bytes(), { objectMode: false, ...options });
}

/** Writes to a stream: `take` resolves when the stream wants more. */
export type StreamWriter = (take: (bytes: Uint8Array) => Promise<void>, signal: AbortSignal) => Promise<void>;

/** A stream of what `write` writes. It is called when the stream is first read, and aborted when it is destroyed. */
export class WrittenStream extends Readable {
  readonly #write: StreamWriter;
  readonly #stop = new AbortController();
  #isStarted = false;
  /** Lets `take` go on. */
  #resume: () => void = () => undefined;

  constructor(write: StreamWriter) {
    super();
    this.#write = write;
  }

  override _read(): void {
    this.#resume();
    if (this.#isStarted) return;
    this.#isStarted = true;
    this.#write((bytes) => this.#take(bytes), this.#stop.signal).then(
      () => this.push(null),
      (error: unknown) => this.destroy(error instanceof Error ? error : new Error(String(error))),
    );
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.#stop.abort();
    this.#resume();
    callback(error);
  }

  async #take(bytes: Uint8Array): Promise<void> {
    this.#stop.signal.throwIfAborted();
    if (this.push(bytes)) return;
    await new Promise<void>((resolve) => (this.#resume = resolve));
    this.#stop.signal.throwIfAborted();
  }
}
