// Transfers: which bytes of a mount's layers are still in a registry, what failed, and what is to be fetched first.
import { readFileSync, statSync } from 'node:fs';
import { PartialReader } from '../layer/partial-layer.ts';
import { type PartList, readPartList, writePartList } from '../layer/part-list.ts';
import type { BlobReader } from '../vfs/blob-reader.ts';
import { InputError } from '../vfs/input-error.ts';
import { showText } from '../vfs/show-text.ts';
import type { MountOptions } from './options.ts';

/** The state of the transfers of a mount whose layers are partly here. */
export interface TransferStatistics {
  /** Bytes of layers that are still in the registry. */
  readonly missingBytes: number;
  /** Reads that failed, and layers that turned out to be wrong. */
  readonly failures: number;
  readonly lastFailure?: string;
}

/** Bytes of a file with a list of parts. */
const MAX_LIST = 1 << 20;

/** The parts that the options list. Throws InputError if their file can't be read, or is another. */
export function readPrefetchList({ prefetchFile }: MountOptions): PartList {
  if (prefetchFile === undefined) return new Map();
  const shown = showText(prefetchFile);
  const stats = statSync(prefetchFile, { throwIfNoEntry: false });
  if (stats === undefined) throw new InputError(`${shown}: no such file`);
  if (!stats.isFile() || stats.size > MAX_LIST) {
    throw new InputError(`${shown}: found ${stats.size} bytes, expected a file of at most ${MAX_LIST} bytes`);
  }
  return readPartList(readFileSync(prefetchFile, 'utf8'), shown);
}

export class Transfers {
  readonly #prefetched: PartList;
  readonly #options: MountOptions;
  #readers: readonly PartialReader[] = [];
  #failures = 0;
  #lastFailure: string | undefined;
  readonly #end = new AbortController();

  /** @param prefetched parts that are fetched first */
  constructor(options: MountOptions, prefetched: PartList) {
    this.#options = options;
    this.#prefetched = prefetched;
  }

  /** Notes which `readers` are of layers that are partly here, and fetches what the options ask for. */
  begin(readers: readonly BlobReader[]): void {
    this.#readers = [...new Set(readers)].filter((reader) => reader instanceof PartialReader);
    for (const reader of this.#readers) reader.prefetch(this.#prefetched.get(reader.digest) ?? []);
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

  /** The parts that were read of the layers that are partly here, as text for `readPartList`; undefined if all was here. */
  listParts(): string | undefined {
    if (this.#readers.length === 0) return undefined;
    return writePartList(new Map(this.#readers.map((reader) => [reader.digest, reader.readRanges])));
  }

  /** One layer after the other, so that reads find a free request. */
  async #fill(): Promise<void> {
    for (const reader of this.#readers) await reader.fill(this.#end.signal);
  }
}
