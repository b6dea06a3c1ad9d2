// Transfers: which bytes of a mount's layers are still in a registry, and what failed.
import { PartialReader } from '../layer/partial-layer.ts';
import type { BlobReader } from '../vfs/blob-reader.ts';
import type { MountOptions } from './options.ts';

/** The state of the transfers of a mount whose layers are partly here. */
export interface TransferStatistics {
  /** Bytes of layers that are still in the registry. */
  readonly missingBytes: number;
  /** Reads that failed, and layers that turned out to be wrong. */
  readonly failures: number;
  readonly lastFailure?: string;
}

export class Transfers {
  readonly #options: MountOptions;
  #readers: readonly PartialReader[] = [];
  #failures = 0;
  #lastFailure: string | undefined;
  readonly #end = new AbortController();

  constructor(options: MountOptions) {
    this.#options = options;
  }

  /** Notes which `readers` are of layers that are partly here, and fetches all of them if the options say so. */
  begin(readers: readonly BlobReader[]): void {
    this.#readers = [...new Set(readers)].filter((reader) => reader instanceof PartialReader);
    if (this.#options.fillsLayers === true) void this.#fill();
  }

  /** Fetches nothing ahead from now on: others may use the layers. */
  end(): void {
    this.#end.abort();
  }

  noteFailure(text: string): void {
    this.#failures++;
    this.#lastFailure = text;
  }

  /** Undefined if all was here when the mount was made. */
  statistics(): TransferStatistics | undefined {
    if (this.#readers.length === 0) return undefined;
    return {
      missingBytes: this.#readers.reduce((sum, { missingBytes }) => sum + missingBytes, 0),
      failures: this.#failures,
      ...(this.#lastFailure === undefined ? {} : { lastFailure: this.#lastFailure }),
    };
  }

  /** One layer after the other, so that reads find a free request. */
  async #fill(): Promise<void> {
    for (const reader of this.#readers) await reader.fill(this.#end.signal);
  }
}
