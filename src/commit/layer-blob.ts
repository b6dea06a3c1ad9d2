// The blob of a new layer: its tar hashed and compressed on its way to where it is kept.
import { type Hash, createHash } from 'node:crypto';
import { once } from 'node:events';
import { type Compressor, type WrittenCompression, createCompressor } from './compressor.ts';
import type { OpenBlob } from './image-draft.ts';

/** A layer that is written. */
export interface WrittenLayer {
  /** Of the bytes as stored. */
  readonly digest: string;
  /** Of the tar. */
  readonly diffId: string;
  /** Bytes as stored. */
  readonly size: number;
  readonly compression: WrittenCompression;
}

/** Takes the bytes of a tar and brings them to a blob. */
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
    // It is awaited wherever its failure matters.
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
