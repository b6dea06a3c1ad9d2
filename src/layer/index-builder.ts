// Builds a LayerIndex from the framing records of src/sys/scan.ts, in tar order.
//
// It only passes on: tar/ interprets the members, LayerDraft applies the layer's rules.
import { readSync } from 'node:fs';
import { FileRange, type BlobReader } from '../vfs/blob-reader.ts';
import { ErrnoError } from '../vfs/errno.ts';
import { FormatError } from '../vfs/input-error.ts';
import { RECORD_HEADER_SIZE } from '../sys/scan.ts';
import { MemberReader, type Frame } from '../tar/member.ts';
import { Place } from '../tar/place.ts';
import { checkSparseMap, readDataMap } from '../tar/sparse.ts';
import { freezeDraft } from './freeze-draft.ts';
import { LayerDraft, MAX_LAYER_ENTRIES } from './layer-draft.ts';
import type { LayerIndex } from './layer-index.ts';

/** A sparse file whose map has not been read from its data yet. Offsets in the uncompressed tar. */
interface PendingMap {
  readonly inode: number;
  readonly offset: number;
  readonly length: number;
}

const HEADER_IN_RECORD = 32;
const FIRST_MAP_READ = 1 << 14;
/** Limit of the member data that is read for its map: about 2^20 pieces. */
const MAX_MAP_READ = 1 << 25;

/** Usage: `add` for each buffer of the scan, then `endScan`, `readSparseMaps`, then `finish`, once. */
export class LayerIndexBuilder {
  readonly fileName: string;
  readonly #reader: MemberReader;
  readonly #draft: LayerDraft;
  readonly #pendingMaps: PendingMap[] = [];
  /** The inode of the member before; -1: none. */
  #last = -1;
  readonly #frame: Frame = {
    bytes: new Uint8Array(),
    header: 0,
    offset: 0,
    dataOffset: 0,
    dataLength: 0,
    meta: 0,
    metaLength: 0,
  };

  /** `fileName` is for messages; more than `maxEntries` names are refused. */
  constructor(fileName: string, maxEntries = MAX_LAYER_ENTRIES) {
    this.fileName = fileName;
    this.#reader = new MemberReader(fileName);
    this.#draft = new LayerDraft(
      (found, expected) => new FormatError(fileName, this.#frame.offset, found, expected),
      maxEntries,
    );
  }

  /** Adds the whole records in bytes 0 to `length` of `records`, which are lent. Throws FormatError. */
  add(records: Uint8Array, length: number): void {
    const view = new DataView(records.buffer, records.byteOffset, length);
    const frame = this.#frame;
    const { member } = this.#reader;
    frame.bytes = records;
    for (let at = 0; at < length;) {
      this.#endMember(view.getUint32(at + 28, true) === 1);
      frame.header = at + HEADER_IN_RECORD;
      frame.offset = view.getFloat64(at, true);
      frame.dataOffset = view.getFloat64(at + 8, true);
      frame.dataLength = view.getFloat64(at + 16, true);
      frame.meta = at + RECORD_HEADER_SIZE;
      frame.metaLength = view.getUint32(at + 24, true);
      if (this.#reader.read(frame)) {
        const inode = this.#draft.add(member);
        if (inode >= 0) this.#last = this.#isPlainFile(inode) ? inode : -1;
        if (member.hasDataMap && inode >= 0) {
          this.#pendingMaps.push({ inode, offset: member.dataOffset, length: member.dataLength });
        }
      }
      at += RECORD_HEADER_SIZE + Math.ceil(frame.metaLength / 8) * 8;
    }
  }

  /** After the last record: whether the padding of the last member is zeros. */
  endScan(isLastTailClean: boolean): void {
    this.#endMember(isLastTailClean);
  }

  /** True if the inode's bytes are the member's data, all of it. */
  #isPlainFile(inode: number): boolean {
    const { size, dataOffset } = this.#draft.inodes;
    const { dataLength, dataOffset: start } = this.#frame;
    return !this.#reader.member.hasDataMap && size[inode] === dataLength && dataOffset[inode] === start;
  }

  #endMember(isTailClean: boolean): void {
    if (isTailClean && this.#last >= 0) this.#draft.noteCleanTail(this.#last);
    this.#last = -1;
  }

  /**
   * Reads the maps that GNU sparse 1.0 stores in the members' data. Most layers have none: then `reader` is not used.
   * Throws FormatError for a malformed map, ErrnoError if the blob can't be read.
   */
  async readSparseMaps(reader: BlobReader): Promise<void> {
    for (const { inode, offset, length } of this.#pendingMaps) {
      const place = new Place(this.fileName);
      place.moveTo(0, offset);
      const limit = Math.min(length, MAX_MAP_READ);
      let wanted = Math.min(limit, FIRST_MAP_READ);
      let found = readDataMap(await readBytes(reader, offset, wanted), place);
      while (found === undefined && wanted < limit) {
        wanted = Math.min(limit, wanted * 4);
        found = readDataMap(await readBytes(reader, offset, wanted), place);
      }
      if (found === undefined || found.length > length) {
        throw place.error(0, `no end of a sparse map within ${limit} bytes`, 'a whole map');
      }
      const size = this.#draft.inodes.size[inode] as number;
      checkSparseMap(found.map, size, length - found.length, 0, place);
      this.#draft.setSparse(inode, found.map, offset + found.length);
    }
    this.#pendingMaps.length = 0;
  }

  /** The index. Throws FormatError for a hard link to a directory. */
  finish(): LayerIndex {
    if (this.#pendingMaps.length > 0) throw new Error('readSparseMaps was not called');
    return freezeDraft(this.#draft, this.fileName);
  }
}

/** Bytes that the caller owns. */
export async function readBytes(reader: BlobReader, offset: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  let filled = 0;
  while (filled < length) {
    const result = await reader.read(offset + filled, length - filled);
    if (typeof result === 'number') throw new ErrnoError(result, 'read');
    const count = result instanceof FileRange ? copyRange(result, bytes, filled) : result.length;
    if (!(result instanceof FileRange)) bytes.set(result, filled);
    if (count === 0) break;
    filled += count;
  }
  return bytes.subarray(0, filled);
}

function copyRange(range: FileRange, out: Uint8Array, at: number): number {
  return readSync(range.fd, out, at, Math.min(range.length, out.length - at), range.position);
}
