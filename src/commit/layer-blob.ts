// LayerBlob: hashes and compresses the tar of a new layer while it is written.
import { type Hash, createHash } from 'node:crypto';
import { once } from 'node:events';
import { type Compressor, type WrittenCompression, createCompressor } from './compressor.ts';
import type { OpenBlob } from './image-draft.ts';

/** A layer that was written. */
export interface WrittenLayer {
  /** Digest of the stored bytes. */
  readonly digest: string;
  /** Digest of the tar. */
  readonly diffId: string;
  /** Number of stored bytes. */
  readonly size: number;
  readonly compression: WrittenCompression;
}

/** Takes the bytes of a tar, and writes them to a blob. */
export class LayerBlob {
  readonly #blob: OpenBlob;
  readonly #compression: WrittenCompression;
  readonly #compressor: Compressor | undefined;
  readonly #plain: Hash = createHash('sha256');
  readonly #stored: Hash = createHash('sha256');
  readonly #pumped: Promise<void>;
  #size = 0;

  constructor(blob: OpenBlob, compression: WrittenCompression) {
    this.#blob = blob;
    this.#compression = compression;
    this.#compressor = createCompressor(compression);
    this.#pumped = this.#pump();
    // `end`, or a `take` that waits, reports its failure.
    this.#pumped.catch(() => undefined);
  }

  async take(bytes: Uint8Array): Promise<void> {
    this.#plain.update(bytes);
    if (this.#compressor === undefined) {
      this.#size += bytes.length;
      await this.#blob.write(bytes);
    } else if (!this.#compressor.input.write(bytes)) {
      await Promise.race([once(this.#compressor.input, 'drain'), this.#pumped]);
    }
  }

  async end(): Promise<WrittenLayer> {
    this.#compressor?.input.end();
    await this.#pumped;
    const diffId = `sha256:${this.#plain.digest('hex')}`;
    const digest = this.#compressor === undefined ? diffId : `sha256:${this.#stored.digest('hex')}`;
    await this.#blob.end(digest);
    return { digest, diffId, size: this.#size, compression: this.#compression };
  }

  destroy(): void {
    this.#compressor?.destroy();
  }

  async #pump(): Promise<void> {
    if (this.#compressor === undefined) return;
    for await (const bytes of this.#compressor.output) {
      this.#stored.update(bytes as Uint8Array);
      this.#size += (bytes as Uint8Array).length;
      await this.#blob.write(bytes as Uint8Array);
    }
    await this.#compressor.ended;
  }
}
