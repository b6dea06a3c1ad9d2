// Parses extended headers (types x and g): records "length key=value\n", as bytes.
//
// Values override the header block. An empty value restores the block's value and undoes a global header's. Not read:
// ctime, which nobody can set on a file, and uname and gname, because numbers decide ownership. The framing applies
// `size`. Sources: POSIX.1-2017, pax, "pax Extended Header"; star(5); libarchive-formats(5); GNU tar, "Storing Sparse
// Files".
import { showName } from '../vfs/show-text.ts';
import { parseAclText } from './acl.ts';
import { readDecimal, readTimestamp, Timestamp } from './decimal.ts';
import type { Place } from './place.ts';
import { readCommaMap, SparseMapBuilder } from './sparse.ts';
import { ID_MAX, MAX_XATTRS, XATTR_NAME_MAX, XATTR_SIZE_MAX } from '../vfs/limits.ts';

/** The length of a record must end within so many bytes, as in the native framing. */
const LENGTH_LIMIT = 20;

const SPACE = 0x20;
const EQUALS = 0x3d;
const NEWLINE = 0x0a;

/** The values from extended headers for one member, or from global headers for all that follow. */
export class PaxAttributes {
  path: Uint8Array | undefined = undefined;
  linkpath: Uint8Array | undefined = undefined;
  /** -1: absent. */
  uid = -1;
  gid = -1;
  size = -1;
  mtime: Timestamp | undefined = undefined;
  atime: Timestamp | undefined = undefined;
  /** By name, as latin1. */
  xattrs: ReadonlyMap<string, Uint8Array> | undefined = undefined;
  /** `xattrs`, until another object shares it. */
  #ownXattrs: Map<string, Uint8Array> | undefined = undefined;
  /** Encoded names from LIBARCHIVE.xattr records: bsdtar and stratafs write each of them again as SCHILY.xattr. */
  libarchiveXattrs: Set<string> | undefined = undefined;

  /**
   * GNU sparse: the name (`path` is an invented one then), version, size of the file, map of 0.0 or 0.1. -1 and
   * undefined: absent.
   */
  sparseName: Uint8Array | undefined = undefined;
  sparseMajor = -1;
  sparseMinor = -1;
  sparseSize = -1;
  sparseMap: Float64Array | undefined = undefined;
  sparsePairs: SparseMapBuilder | undefined = undefined;

  /** Becomes a copy of `other`, or empty. Values are shared, because they never change. */
  assign(other: PaxAttributes | undefined): void {
    this.path = other?.path;
    this.linkpath = other?.linkpath;
    this.uid = other?.uid ?? -1;
    this.gid = other?.gid ?? -1;
    this.size = other?.size ?? -1;
    this.mtime = other?.mtime;
    this.atime = other?.atime;
    this.xattrs = other?.shareXattrs();
    this.#ownXattrs = undefined;
    this.libarchiveXattrs = undefined;
    this.sparseName = undefined;
    this.sparseMajor = -1;
    this.sparseMinor = -1;
    this.sparseSize = -1;
    this.sparseMap = undefined;
    this.sparsePairs = undefined;
  }

  /**
   * `xattrs` for sharing: it never changes again. Thousands of members may have the xattrs of one global header, so
   * they are not copied for each.
   */
  shareXattrs(): ReadonlyMap<string, Uint8Array> | undefined {
    this.#ownXattrs = undefined;
    return this.xattrs;
  }

  /** `xattrs` for changing. */
  changeXattrs(): Map<string, Uint8Array> {
    this.#ownXattrs ??= new Map(this.xattrs);
    this.xattrs = this.#ownXattrs;
    return this.#ownXattrs;
  }

  /** True if the member is sparse by form 0.0, 0.1 or 1.0. */
  get isSparse(): boolean {
    return this.sparseMajor >= 0 || this.sparseMap !== undefined || this.sparsePairs !== undefined;
  }
}

/** Applies the records in bytes `start` to `end`, which are lent. Throws FormatError. */
export function applyPaxRecords(
  bytes: Uint8Array,
  start: number,
  end: number,
  out: PaxAttributes,
  place: Place,
): void {
  let at = start;
  while (at < end) {
    let space = at;
    while (space < end && space - at < LENGTH_LIMIT && bytes[space] !== SPACE) space++;
    if (bytes[space] !== SPACE || space >= end) {
      throw place.error(at, showStart(bytes, at, end), 'a record length and a space');
    }
    const stop = at + readDecimal(bytes, at, space, end - at, place, 'the length of a pax record');
    let equals = space + 1;
    while (equals < stop && bytes[equals] !== EQUALS) equals++;
    if (equals >= stop || equals === space + 1 || bytes[stop - 1] !== NEWLINE) {
      throw place.error(at, showStart(bytes, at, end), "a record 'length key=value' and a newline");
    }
    applyRecord(bytes, space + 1, equals, stop - 1, out, place);
    at = stop;
  }
}

function showStart(bytes: Uint8Array, at: number, end: number): string {
  return `'${showName(bytes.subarray(at, Math.min(end, at + 40)))}'`;
}

/** Applies one record. Its key is bytes `key` to `equals`; its value follows, up to `end`. */
function applyRecord(
  bytes: Uint8Array,
  key: number,
  equals: number,
  end: number,
  out: PaxAttributes,
  place: Place,
): void {
  const start = equals + 1;
  const isEmpty = start === end;
  const name = latin1(bytes, key, equals);
  switch (name) {
    case 'path':
      out.path = isEmpty ? undefined : bytes.slice(start, end);
      break;
    case 'linkpath':
      out.linkpath = isEmpty ? undefined : bytes.slice(start, end);
      break;
    case 'uid':
    case 'gid':
      out[name] = isEmpty ? -1 : readDecimal(bytes, start, end, ID_MAX, place, name);
      break;
    case 'size':
      out.size = isEmpty ? -1 : readDecimal(bytes, start, end, Number.MAX_SAFE_INTEGER, place, name);
      break;
    case 'mtime':
    case 'atime':
      out[name] = isEmpty ? undefined : new Timestamp();
      if (out[name] !== undefined) readTimestamp(bytes, start, end, out[name], place);
      break;
    default:
      if (name.startsWith('GNU.sparse.')) applySparseRecord(name, bytes, start, end, out, place);
      else applyXattrRecord(name, bytes, start, end, out, place);
  }
}

function applySparseRecord(
  name: string,
  bytes: Uint8Array,
  start: number,
  end: number,
  out: PaxAttributes,
  place: Place,
): void {
  const read = (): number => readDecimal(bytes, start, end, Number.MAX_SAFE_INTEGER, place, name);
  switch (name) {
    case 'GNU.sparse.name':
      out.sparseName = bytes.slice(start, end);
      break;
    case 'GNU.sparse.major':
      out.sparseMajor = read();
      break;
    case 'GNU.sparse.minor':
      out.sparseMinor = read();
      break;
    case 'GNU.sparse.size':
    case 'GNU.sparse.realsize':
      out.sparseSize = read();
      break;
    case 'GNU.sparse.numblocks':
      out.sparsePairs ??= new SparseMapBuilder();
      break;
    case 'GNU.sparse.offset':
    case 'GNU.sparse.numbytes':
      out.sparsePairs ??= new SparseMapBuilder();
      if ((out.sparsePairs.length % 2 === 0) !== (name === 'GNU.sparse.offset')) {
        throw place.error(start, name, 'offset and numbytes in turn');
      }
      out.sparsePairs.push(read(), start, place);
      break;
    case 'GNU.sparse.map':
      out.sparseMap = readCommaMap(bytes, start, end, place);
      break;
    default:
  }
}

function applyXattrRecord(
  name: string,
  bytes: Uint8Array,
  start: number,
  end: number,
  out: PaxAttributes,
  place: Place,
): void {
  if (name.startsWith('SCHILY.xattr.')) {
    const key = name.slice(13);
    if (out.libarchiveXattrs?.has(key) === true) return;
    setXattr(out, key, bytes.slice(start, end), start, place);
  } else if (name.startsWith('LIBARCHIVE.xattr.')) {
    const text = latin1(bytes, start, end);
    if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text)) {
      throw place.error(start, showStart(bytes, start, end), 'base64');
    }
    const encoded = name.slice(17);
    const key = encoded.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) =>
      String.fromCharCode(parseInt(hex, 16)),
    );
    if (key !== encoded) (out.libarchiveXattrs ??= new Set()).add(encoded);
    setXattr(out, key, Buffer.from(text, 'base64'), start, place);
  } else if (name === 'SCHILY.acl.access' || name === 'SCHILY.acl.default') {
    const isDefault = name === 'SCHILY.acl.default';
    const value = parseAclText(latin1(bytes, start, end), isDefault, start, place);
    const key = isDefault ? 'system.posix_acl_default' : 'system.posix_acl_access';
    setXattr(out, key, value ?? new Uint8Array(), start, place);
  }
}

/** An empty value deletes the xattr. */
function setXattr(out: PaxAttributes, name: string, value: Uint8Array, at: number, place: Place): void {
  if (name.length === 0 || name.length > XATTR_NAME_MAX || name.includes('\0')) {
    throw place.error(
      at,
      `an xattr name of ${name.length} bytes`,
      `1 to ${XATTR_NAME_MAX} bytes, none of them NUL`,
    );
  }
  if (value.length > XATTR_SIZE_MAX) {
    throw place.error(at, `an xattr of ${value.length} bytes`, `at most ${XATTR_SIZE_MAX} (XATTR_SIZE_MAX)`);
  }
  if (value.length === 0) {
    if (out.xattrs?.has(name) === true) out.changeXattrs().delete(name);
  } else {
    const xattrs = out.changeXattrs();
    if (xattrs.size >= MAX_XATTRS) {
      throw place.error(at, 'more xattrs', `at most ${MAX_XATTRS} on a file`);
    }
    xattrs.set(name, value);
  }
}

function latin1(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1');
}
