// The entries of a table of contents as files with their chunks, and where the chunks lie in the blob.
import { PIECE_RECORD_SIZE } from '../sys/span-reader.ts';
import { InputError } from '../vfs/input-error.ts';
import { isObject } from '../vfs/json-object.ts';
import { MAX_MEMBER_SIZE, type MemberSpans } from '../layer/member-spans.ts';
import { type TocEntry, readTocEntry } from './toc-entry.ts';

/** A part of a regular file that was compressed at once. */
export interface TocChunk {
  /** Of the member or frame, in the blob. */
  readonly offset: number;
  /** In what the member decompresses to. */
  readonly inner: number;
  readonly fileOffset: number;
  readonly size: number;
  /** Undefined for zeros, which need not be fetched. */
  readonly sha256: Uint8Array | undefined;
  /** In the bytes of the layer (MemberSpans); set by `placeChunks`. */
  place: number;
}

export interface TocFile {
  readonly entry: TocEntry;
  /** Of a regular file, in order and without gaps. */
  readonly chunks: readonly TocChunk[];
}

interface OpenFile extends TocFile {
  readonly chunks: TocChunk[];
}

/** A name takes a kilobyte of JavaScript's heap, which a process can't outgrow. */
const MAX_ENTRIES = 2 ** 19;

/** The files of a parsed table. Throws InputError for anything that is not one. `where` names it. */
export function readTocFiles(toc: unknown, where: string): TocFile[] {
  const { version, entries }: Readonly<Record<string, unknown>> = isObject(toc) ? toc : {};
  if (version !== 1 || !Array.isArray(entries)) {
    throw new InputError(`${where}: found something else than version 1`);
  }
  if (entries.length > MAX_ENTRIES) {
    throw new InputError(`${where}: found ${entries.length} entries, expected at most ${MAX_ENTRIES}`);
  }
  const files: OpenFile[] = [];
  for (const [i, value] of (entries as unknown[]).entries()) {
    const entry = readTocEntry(value, `${where}: entry ${i}`);
    const isChunk = entry.type === 'chunk';
    const file = isChunk ? files.at(-1) : { entry, chunks: [] };
    const isOfFile = file?.entry.type === 'reg' && (!isChunk || isSameName(entry, file.entry));
    if (file === undefined || (isChunk && !isOfFile)) {
      throw new InputError(`${where}: entry ${i}: found a chunk without its file`);
    }
    if (!isChunk) files.push(file);
    if (isOfFile && file.entry.size > 0) file.chunks.push(chunkOf(entry, file, `${where}: entry ${i}`));
  }
  for (const { entry, chunks } of files) {
    const last = chunks.at(-1);
    if (entry.type === 'reg' && entry.size !== (last === undefined ? 0 : last.fileOffset + last.size)) {
      throw new InputError(`${where}: found a file of ${entry.size} bytes without some of its chunks`);
    }
  }
  return files;
}

const isSameName = ({ name }: TocEntry, file: TocEntry): boolean =>
  name.length === 0 || Buffer.compare(name, file.name) === 0;

function chunkOf(entry: TocEntry, { entry: file, chunks }: OpenFile, where: string): TocChunk {
  const before = chunks.at(-1);
  const fileOffset = before === undefined ? 0 : before.fileOffset + before.size;
  const left = file.size - fileOffset;
  const size = entry.chunkSize === 0 ? left : entry.chunkSize;
  if (entry.chunkOffset !== fileOffset || size === 0 || size > left) {
    throw new InputError(`${where}: found a chunk that does not follow the one before`);
  }
  const sha256 = entry.chunkDigest ?? (size === file.size ? entry.digest : undefined);
  if (sha256 === undefined && !entry.isZeros)
    throw new InputError(`${where}: found a chunk without a digest`);
  if (!entry.isZeros && size > MAX_MEMBER_SIZE)
    throw new InputError(`${where}: found a chunk of ${size} bytes`);
  return {
    ...{ offset: entry.offset, inner: entry.innerOffset, fileOffset, size, place: 0 },
    sha256: entry.isZeros ? undefined : sha256,
  };
}

/**
 * Gives the chunks their places in the bytes of the layer, in the order of the blob, and returns the members that have
 * them. All lie before `end` in the blob. Throws InputError where they overlap, and for a file whose chunks are not in
 * order: it would need more than one extent. `kind`: as MemberSpans.kind.
 */
export function placeChunks(
  files: readonly TocFile[],
  end: number,
  kind: number,
  where: string,
): MemberSpans {
  const stored = files
    .flatMap(({ chunks }) => chunks.filter(({ sha256 }) => sha256 !== undefined))
    .sort((a, b) => a.offset - b.offset || a.inner - b.inner);
  const members = groupByOffset(stored);
  const count = members.length;
  const boundaries = boundariesOf(files, end);
  const spans = {
    count,
    plainOffset: new Float64Array(count + 1),
    storedStart: new Float64Array(count),
    storedEnd: new Float64Array(count),
    kind: new Uint8Array(count).fill(kind),
    firstPiece: new Uint32Array(count + 1),
    pieces: new Uint8Array(stored.length * PIECE_RECORD_SIZE),
  };
  const records = Buffer.from(spans.pieces.buffer);
  let piece = 0;
  let boundary = 0;
  for (const [i, chunks] of members.entries()) {
    const start = (chunks[0] as TocChunk).offset;
    if (start >= end) throw new InputError(`${where}: found a chunk at byte ${start}, after the end`);
    while ((boundaries[boundary] as number) <= start) boundary++;
    spans.storedStart[i] = start;
    spans.storedEnd[i] = boundaries[boundary] as number;
    const base = spans.plainOffset[i] as number;
    let inner = 0;
    for (const chunk of chunks) {
      if (chunk.inner < inner) throw new InputError(`${where}: found chunks that overlap at byte ${start}`);
      inner = chunk.inner + chunk.size;
      if (inner > MAX_MEMBER_SIZE) throw new InputError(`${where}: found a member of ${inner} bytes`);
      chunk.place = base + chunk.inner;
      const at = PIECE_RECORD_SIZE * piece++;
      records.writeDoubleLE(chunk.inner, at);
      records.writeDoubleLE(chunk.size, at + 8);
      records.set(chunk.sha256 as Uint8Array, at + 16);
    }
    spans.plainOffset[i + 1] = base + inner;
    spans.firstPiece[i + 1] = piece;
  }
  requireOrder(files, where);
  return spans;
}

function groupByOffset(chunks: readonly TocChunk[]): TocChunk[][] {
  const groups: TocChunk[][] = [];
  for (const chunk of chunks) {
    const group = groups.at(-1);
    if (group?.[0]?.offset === chunk.offset) group.push(chunk);
    else groups.push([chunk]);
  }
  return groups;
}

/** The ends of members, as far as the table states them, in order; `end` is the last one. */
function boundariesOf(files: readonly TocFile[], end: number): Float64Array {
  const offsets = files.flatMap(({ entry, chunks }) => [
    ...chunks.map(({ offset }) => offset),
    ...(entry.endOffset > 0 ? [entry.endOffset] : []),
  ]);
  return Float64Array.from([...offsets.filter((offset) => offset < end), end]).sort();
}

function requireOrder(files: readonly TocFile[], where: string): void {
  for (const { chunks } of files) {
    let next: number | undefined;
    for (const { sha256, place, size } of chunks) {
      if (sha256 === undefined) continue;
      if (next !== undefined && place !== next) {
        throw new InputError(`${where}: found a file whose chunks are not one after the other`);
      }
      next = place + size;
    }
  }
}
