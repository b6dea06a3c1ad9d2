// Compares the index of another program, which was believed, with a layer that is all here: the names, what belongs to
// them, and the bytes of files. So nobody can make an image that is one thing in parts and another as a whole.
//
// What such an index can't say does not count: access times, and fractions of seconds.
import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { PIECE_RECORD_SIZE } from '../sys/span-reader.ts';
import { S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from '../vfs/attr.ts';
import { InputError } from '../vfs/input-error.ts';
import { showName } from '../vfs/show-text.ts';
import { readBytes } from './index-builder.ts';
import { DentryKind, InodeFlag, type LayerIndex } from './layer-index.ts';
import type { MemberIndex, MemberSpans } from './member-spans.ts';
import type { WholeLayer } from './partial-content.ts';

/** Bytes that are read and hashed in one turn of the event loop. */
const STEP = 1 << 20;
/** Names that are compared in one turn. */
const NAMES_AT_ONCE = 1024;
const COMPARED_FLAGS = InodeFlag.opaque | InodeFlag.implicit | InodeFlag.carrier;

/** A regular file that both have: its inode in each. */
interface CommonFile {
  readonly believed: number;
  readonly own: number;
}

/**
 * Throws InputError if the whole layer has other names, attributes or bytes than `members` state; AbortError soon after
 * `signal` is aborted.
 */
export async function compareWithWhole(
  members: MemberIndex,
  own: WholeLayer,
  signal?: AbortSignal,
): Promise<void> {
  const newTurn: NewTurn = () => setImmediate(undefined, { signal });
  const files = await compareNames(members, own.index, newTurn);
  for (const file of files) await compareFile(members, own, file, newTurn);
}

/** Lets other work of the process go on. */
type NewTurn = () => Promise<void>;

/** The regular files. */
async function compareNames(
  { index, leftOut }: MemberIndex,
  own: LayerIndex,
  newTurn: NewTurn,
): Promise<CommonFile[]> {
  const files: CommonFile[] = [];
  const ownOf = new Map<number, number>([[0, 0]]);
  const directories = [0];
  let compared = 0;
  if (!isSameInode(index, 0, own, 0)) throw isOther('the root directory');
  for (let directory = directories.pop(); directory !== undefined; directory = directories.pop()) {
    const hidden = directory === 0 ? leftOut : [];
    const names = childrenOf(index, directory, []);
    const ownNames = childrenOf(own, ownOf.get(directory) as number, hidden);
    if (names.length !== ownNames.length) throw isOther(`a directory with ${ownNames.length} names`);
    for (const [i, dentry] of names.entries()) {
      if (compared++ % NAMES_AT_ONCE === 0) await newTurn();
      const ownDentry = ownNames[i] as number;
      const shown = `'${showName(nameAt(own, ownDentry))}'`;
      if (!isSameDentry(index, dentry, own, ownDentry)) throw isOther(shown);
      if (index.dentryKind[dentry] !== DentryKind.inode) continue;
      const inode = index.dentryTarget[dentry] as number;
      const ownInode = own.dentryTarget[ownDentry] as number;
      const linked = ownOf.get(inode);
      if (linked !== undefined && linked !== ownInode) throw isOther(`${shown}, a hard link`);
      if (linked !== undefined) continue;
      ownOf.set(inode, ownInode);
      if (!isSameInode(index, inode, own, ownInode)) throw isOther(shown);
      const format = (index.mode[inode] as number) & S_IFMT;
      if (format === S_IFDIR) directories.push(inode);
      if (format === S_IFREG) files.push({ believed: inode, own: ownInode });
    }
  }
  return files;
}

const isOther = (what: string): InputError =>
  new InputError(`the index that was believed is not that of the layer: ${what} differs`);

const nameAt = ({ pool, nameOffset, nameLength }: LayerIndex, dentry: number): Uint8Array =>
  pool.subarray(nameOffset[dentry], (nameOffset[dentry] as number) + (nameLength[dentry] as number));

/** The dentries in a directory, without those of the `hidden` names. */
function childrenOf(index: LayerIndex, directory: number, hidden: readonly string[]): number[] {
  const first = index.firstChild[directory] as number;
  const all = Array.from({ length: index.childCount[directory] as number }, (_, i) => first + i);
  if (hidden.length === 0) return all;
  return all.filter((dentry) => !hidden.some((name) => Buffer.from(name).equals(nameAt(index, dentry))));
}

function isSameDentry(a: LayerIndex, inA: number, b: LayerIndex, inB: number): boolean {
  if (a.dentryKind[inA] !== b.dentryKind[inB]) return false;
  if (Buffer.compare(nameAt(a, inA), nameAt(b, inB)) !== 0) return false;
  if (a.dentryKind[inA] !== DentryKind.lowerLink) return true;
  const targets = [
    linkAt(a, a.dentryTarget[inA] as number),
    linkAt(b, b.dentryTarget[inB] as number),
  ] as const;
  return Buffer.compare(...targets) === 0;
}

function linkAt({ pool, links }: LayerIndex, link: number): Uint8Array {
  const offset = links[2 * link] as number;
  return pool.subarray(offset, offset + (links[2 * link + 1] as number));
}

function isSameInode(a: LayerIndex, inA: number, b: LayerIndex, inB: number): boolean {
  const columns = ['mode', 'uid', 'gid', 'rdev'] as const;
  if (columns.some((column) => a[column][inA] !== b[column][inB])) return false;
  if (((a.inodeFlags[inA] as number) & COMPARED_FLAGS) !== ((b.inodeFlags[inB] as number) & COMPARED_FLAGS)) {
    return false;
  }
  const format = (a.mode[inA] as number) & S_IFMT;
  if (format !== S_IFDIR && a.size[inA] !== b.size[inB]) return false;
  if (format === S_IFLNK && Buffer.compare(targetOf(a, inA), targetOf(b, inB)) !== 0) return false;
  return Math.abs(mtimeOf(a, inA) - mtimeOf(b, inB)) < 1 && isSameXattrs(a, inA, b, inB);
}

const mtimeOf = ({ mtimeSec, mtimeNsec }: LayerIndex, inode: number): number =>
  (mtimeSec[inode] as number) + (mtimeNsec[inode] as number) / 1e9;

const targetOf = ({ pool, dataOffset, size }: LayerIndex, inode: number): Uint8Array =>
  pool.subarray(dataOffset[inode], (dataOffset[inode] as number) + (size[inode] as number));

function isSameXattrs(a: LayerIndex, inA: number, b: LayerIndex, inB: number): boolean {
  const xattrs = xattrsOf(a, inA);
  const others = xattrsOf(b, inB);
  return xattrs.size === others.size && [...xattrs].every(([name, value]) => others.get(name) === value);
}

/** By name, both as latin1. The form is that of LayerIndex.xattrs. */
function xattrsOf({ xattr, xattrs }: LayerIndex, inode: number): Map<string, string> {
  const found = new Map<string, string>();
  const place = xattr[inode] as number;
  if (place === 0) return found;
  const block = Buffer.from(xattrs.buffer, xattrs.byteOffset, xattrs.length);
  const count = block.readUInt16LE(place - 1);
  for (let i = 0, at = place + 1; i < count; i++) {
    const name = at + 5;
    const value = name + block.readUInt8(at);
    const end = value + block.readUInt32LE(at + 1);
    found.set(block.toString('latin1', name, value), block.toString('latin1', value, end));
    at = end;
  }
  return found;
}

/** Throws InputError if the file of the whole layer has other bytes. */
async function compareFile(
  members: MemberIndex,
  own: WholeLayer,
  file: CommonFile,
  newTurn: NewTurn,
): Promise<void> {
  const { index, spans } = members;
  const size = index.size[file.believed] as number;
  let at = 0;
  for (const { offset, length, place } of extentsOf(index, file.believed, 0, size)) {
    if (!(await hasZeros(own, file.own, at, offset - at, newTurn))) throw isOther('a hole of a file');
    for (let done = 0; done < length;) {
      const piece = pieceAt(spans, place + done);
      const digest = await hashOf(own, file.own, offset + done, piece.length, newTurn);
      if (Buffer.compare(digest, piece.sha256) !== 0) throw isOther(`a file of ${size} bytes`);
      done += piece.length;
    }
    at = offset + length;
  }
  if (!(await hasZeros(own, file.own, at, size - at, newTurn))) throw isOther('a hole of a file');
}

/** A stored part of a regular file: where it lies in the file, and in the bytes of the layer. */
interface Extent {
  readonly offset: number;
  readonly length: number;
  readonly place: number;
}

/** The stored parts of bytes `start` to `end` of a regular file, in order. */
function* extentsOf(index: LayerIndex, inode: number, start: number, end: number): Generator<Extent> {
  const { inodeFlags, extents, dataOffset } = index;
  const place = dataOffset[inode] as number;
  if (((inodeFlags[inode] as number) & InodeFlag.sparse) === 0) {
    if (start < end) yield { offset: start, length: end - start, place: place + start };
    return;
  }
  const count = extents[place] as number;
  const endOf = (extent: number): number =>
    (extents[place + 1 + 3 * extent] as number) + (extents[place + 2 + 3 * extent] as number);
  let extent = 0;
  for (let high = count; extent < high;) {
    const middle = (extent + high) >>> 1;
    if (endOf(middle) <= start) extent = middle + 1;
    else high = middle;
  }
  for (; extent < count; extent++) {
    const offset = extents[place + 1 + 3 * extent] as number;
    if (offset >= end) return;
    const from = Math.max(start, offset);
    const length = Math.min(end, endOf(extent)) - from;
    yield { offset: from, length, place: (extents[place + 3 + 3 * extent] as number) + from - offset };
  }
}

/** The piece that begins at this offset in the bytes of the layer. */
function pieceAt(
  spans: MemberSpans,
  place: number,
): { readonly length: number; readonly sha256: Uint8Array } {
  const { plainOffset, firstPiece, pieces } = spans;
  const member = lastAtMost(place, 0, spans.count, (span) => plainOffset[span] as number);
  const inner = place - (plainOffset[member] as number);
  const records = Buffer.from(pieces.buffer, pieces.byteOffset, pieces.length);
  const offsetOf = (piece: number): number => records.readDoubleLE(piece * PIECE_RECORD_SIZE);
  const [first, end] = [firstPiece[member] as number, firstPiece[member + 1] as number];
  const piece = lastAtMost(inner, first, end, offsetOf);
  if (offsetOf(piece) !== inner) throw new Error(`no piece begins at ${place}`);
  const at = piece * PIECE_RECORD_SIZE;
  return {
    length: records.readDoubleLE(at + 8),
    sha256: records.subarray(at + 16, at + PIECE_RECORD_SIZE),
  };
}

/** The last of `first` to `end` (exclusive), in ascending order of `offsetOf`, that is at most `offset`; else the first. */
function lastAtMost(
  offset: number,
  first: number,
  end: number,
  offsetOf: (element: number) => number,
): number {
  let low = first;
  for (let high = end - 1; low < high;) {
    const middle = (low + high + 1) >>> 1;
    if (offsetOf(middle) <= offset) low = middle;
    else high = middle - 1;
  }
  return low;
}

async function hashOf(
  own: WholeLayer,
  inode: number,
  offset: number,
  length: number,
  newTurn: NewTurn,
): Promise<Buffer> {
  const hash = createHash('sha256');
  for (let at = offset; at < offset + length;) {
    await newTurn();
    const end = Math.min(at + STEP, offset + length);
    const bytes = new Uint8Array(end - at);
    for (const part of extentsOf(own.index, inode, at, end)) {
      bytes.set(await readBytes(own.reader, part.place, part.length), part.offset - at);
    }
    hash.update(bytes);
    at = end;
  }
  return hash.digest();
}

async function hasZeros(
  own: WholeLayer,
  inode: number,
  offset: number,
  length: number,
  newTurn: NewTurn,
): Promise<boolean> {
  for (const part of extentsOf(own.index, inode, offset, offset + length)) {
    for (let done = 0; done < part.length; done += STEP) {
      await newTurn();
      const bytes = await readBytes(own.reader, part.place + done, Math.min(STEP, part.length - done));
      if (bytes.some((byte) => byte !== 0)) return false;
    }
  }
  return true;
}
