// Builds a LayerIndex from the framing records of src/sys/scan.ts, in tar order.
import type { BlobReader } from '../vfs/blob-reader.ts';
import type { LayerIndex } from './layer-index.ts';

/** Use: `add` for each buffer of the scan, then `readSparseMaps`, then `finish`, once. */
export class LayerIndexBuilder {
  readonly fileName: string;

  /** `fileName` is for messages. */
  constructor(fileName: string) {
    this.fileName = fileName;
  }

  /** Takes the whole records in bytes 0 to `length` of `records`, which are lent. Throws FormatError. */
  add(_records: Uint8Array, _length: number): void {
    throw new Error('in progress');
  }

  /**
   * Reads the maps that GNU sparse 1.0 keeps in the members' data (most layers have none: then `reader` is not
   * touched). Throws FormatError for a malformed map, ErrnoError where the blob cannot be read.
   */
  readSparseMaps(_reader: BlobReader): Promise<void> {
    throw new Error('in progress');
  }

  /** The index. Throws FormatError for a hard link to a directory. */
  finish(): LayerIndex {
    throw new Error('in progress');
  }
}
