// Reads one whole tar member: its header block together with the extended and long-name headers before it.
//
// One Member is filled again and again, with its path in a buffer of its own: a plain member allocates nothing.
import { makeRdev, S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFREG } from '../vfs/attr.ts';
import { PATH_MAX } from '../vfs/names.ts';
import { showName } from '../vfs/show-text.ts';
import {
  Dialect,
  dialectOf,
  endOfString,
  Field,
  NAME_SIZE,
  PREFIX_SIZE,
  readNumber,
  STAR_PREFIX_SIZE,
  SYMLINK_PERMISSIONS,
} from './header.ts';
import { appendPath } from './names.ts';
import { applyPaxRecords, PaxAttributes } from './pax.ts';
import { Place } from './place.ts';
import { checkSparseMap, readOldGnuMap } from './sparse.ts';
import { ID_MAX } from '../vfs/limits.ts';

export class Member {
  /** Offset of the header block in the uncompressed tar. */
  offset = 0;
  /** Canonical (see names.ts), in bytes 0 to `pathLength`; an empty path is the root. */
  readonly path = new Uint8Array(PATH_MAX);
  pathLength = 0;
  /** True for a hard link to the path in `link`, whose type and attributes are those of the target inode. */
  isHardLink = false;
  /** File type (S_IFMT) and permission bits 07777; 0777 for a symlink. */
  mode = 0;
  uid = 0;
  gid = 0;
  /** new_encode_dev form; 0 unless a device. */
  rdev = 0;
  /** Regular file: bytes, including holes. */
  size = 0;
  mtimeSec = 0;
  mtimeNsec = 0;
  atimeSec = 0;
  atimeNsec = 0;
  /** Symlink: the target unchanged. Hard link: the canonical path of the other name. */
  readonly link = new Uint8Array(PATH_MAX);
  linkLength = 0;
  /** By name, as latin1; undefined or empty if there are none. Immutable: members may share it. */
  xattrs: ReadonlyMap<string, Uint8Array> | undefined = undefined;
  /** Regular file: offset of its stored bytes in the uncompressed tar. */
  dataOffset = 0;
  dataLength = 0;
  /** Sparse file: pairs of offset and length, already checked. */
  sparse: Float64Array | undefined = undefined;
  /** Sparse file (GNU 1.0) whose map stands at the start of its data: see `readDataMap`. */
  hasDataMap = false;
}

/** The place of one framed member. Indexes are in `bytes`, offsets in the uncompressed tar. */
export interface Frame {
  bytes: Uint8Array;
  /** Index of the header block. */
  header: number;
  offset: number;
  dataOffset: number;
  /** The stored length, pax `size` applied. */
  dataLength: number;
  /** The payload of types x g X L K, or the extension blocks of an old GNU sparse header. */
  meta: number;
  metaLength: number;
}

export class MemberReader {
  /** The result of the last `read` that returned true. */
  readonly member = new Member();
  readonly #place: Place;
  readonly #global = new PaxAttributes();
  readonly #local = new PaxAttributes();
  /** The attributes for the member being read: #local after an x header, else #global. */
  #pax: PaxAttributes = this.#global;
  #longName: Uint8Array | undefined = undefined;
  #longLink: Uint8Array | undefined = undefined;

  /** `file` names the archive in messages. */
  constructor(file: string) {
    this.#place = new Place(file);
  }

  /**
   * Reads one header, whose checksum the caller has checked (`checkChecksum`; the native scan checks it). True if it
   * completes a member, false if it only describes a later one. Throws FormatError.
   */
  read(frame: Frame): boolean {
    const { bytes, header } = frame;
    this.#place.moveTo(header, frame.offset);
    const type = bytes[header + Field.typeflag] as number;
    switch (type) {
      case 0x67: // g
        this.#readPax(frame, this.#global);
        return false;
      case 0x78: // x
      case 0x58: // X, Solaris
        if (this.#pax !== this.#local) {
          this.#local.assign(this.#global);
          this.#pax = this.#local;
        }
        this.#readPax(frame, this.#local);
        return false;
      case 0x4c: // L
        this.#longName = longString(frame);
        return false;
      case 0x4b: // K
        this.#longLink = longString(frame);
        return false;
      case 0x56: // V, the archive's label
        this.#forgetExtended();
        return false;
      default:
        this.#readMember(frame, type);
        this.#forgetExtended();
        return true;
    }
  }

  /** The `size` that extended headers give the next member; -1 if none does. Framing needs it. */
  get paxSize(): number {
    return this.#pax.size;
  }

  #readPax(frame: Frame, out: PaxAttributes): void {
    this.#place.moveTo(frame.meta, frame.dataOffset);
    applyPaxRecords(frame.bytes, frame.meta, frame.meta + frame.metaLength, out, this.#place);
  }

  #forgetExtended(): void {
    this.#pax = this.#global;
    this.#longName = undefined;
    this.#longLink = undefined;
  }

  #readMember(frame: Frame, type: number): void {
    const { member } = this;
    const { bytes, header } = frame;
    const dialect = dialectOf(bytes, header);
    const hasDirectoryName = this.#readPath(bytes, header, dialect);
    member.offset = frame.offset;
    member.isHardLink = type === 0x31; // 1
    member.rdev = 0;
    member.size = 0;
    member.linkLength = 0;
    member.sparse = undefined;
    member.hasDataMap = false;
    member.dataOffset = frame.dataOffset;
    member.dataLength = frame.dataLength;
    this.#readAttributes(bytes, header, dialect);
    const permissions = readNumber(bytes, header + Field.mode, 8, this.#place, 'a mode') & 0o7777;
    const format = this.#formatOf(bytes, header, type, hasDirectoryName);
    member.mode = format | (format === S_IFLNK ? SYMLINK_PERMISSIONS : permissions);
    if (member.isHardLink || format === S_IFLNK) this.#readLink(bytes, header);
    else if (format === S_IFREG) this.#readSize(frame, type);
    else if (format === S_IFCHR || format === S_IFBLK) this.#readDevice(bytes, header);
  }

  /** The S_IFMT bits that a type flag means. */
  #formatOf(bytes: Uint8Array, header: number, type: number, hasDirectoryName: boolean): number {
    switch (type) {
      case 0x31: // 1; the real type is that of its inode
        return S_IFREG;
      case 0x32: // 2
        return S_IFLNK;
      case 0x33: // 3
        return S_IFCHR;
      case 0x34: // 4
        return S_IFBLK;
      case 0x35: // 5
      case 0x44: // D, GNU: a directory with a list of its names as data
        return S_IFDIR;
      case 0x36: // 6
        return S_IFIFO;
      case 0: // v7 has no directory type: a trailing slash makes a directory
      case 0x30: // 0
      case 0x37: // 7, contiguous
        return hasDirectoryName ? S_IFDIR : S_IFREG;
      case 0x53: // S, GNU sparse
        return S_IFREG;
      default:
        // POSIX leaves the types A to Z to vendors. By POSIX any other unknown type is a regular file.
        if (type < 0x41 || type > 0x5a) return hasDirectoryName ? S_IFDIR : S_IFREG;
        throw this.#place.error(
          header + Field.typeflag,
          `a member of type '${showName(bytes.subarray(header + Field.typeflag, header + Field.typeflag + 1))}'`,
          'one of the types 0 to 7, D, g, K, L, S, V, x, X',
        );
    }
  }

  /** True if the name ends in a slash. */
  #readPath(bytes: Uint8Array, header: number, dialect: Dialect): boolean {
    const { member } = this;
    const long = this.#longName ?? this.#pax.sparseName ?? this.#pax.path;
    if (long !== undefined) {
      member.pathLength = this.#readLongPath(long, header, member.path, 'a name');
      return long[long.length - 1] === 0x2f;
    }
    let length = 0;
    if (dialect === Dialect.posix || dialect === Dialect.star) {
      const prefix = header + Field.prefix;
      if (bytes[prefix] !== 0) {
        const size = dialect === Dialect.star ? STAR_PREFIX_SIZE : PREFIX_SIZE;
        const end = endOfString(bytes, prefix, size);
        length = appendPath(member.path, 0, bytes, prefix, end, this.#place, 'a name');
      }
    }
    const end = endOfString(bytes, header + Field.name, NAME_SIZE);
    member.pathLength = appendPath(
      member.path,
      length,
      bytes,
      header + Field.name,
      end,
      this.#place,
      'a name',
    );
    return bytes[end - 1] === 0x2f && end > header + Field.name;
  }

  /** A path from an extended header. Errors name the header block of its member. */
  #readLongPath(path: Uint8Array, header: number, out: Uint8Array, what: string): number {
    const place = this.#place;
    const at: Pick<Place, 'error'> = { error: (_, found, expected) => place.error(header, found, expected) };
    return appendPath(out, 0, path, 0, path.length, at, what);
  }

  #readAttributes(bytes: Uint8Array, header: number, dialect: Dialect): void {
    const { member } = this;
    const pax = this.#pax;
    member.uid = pax.uid >= 0 ? pax.uid : this.#readId(bytes, header + Field.uid, 'uid');
    member.gid = pax.gid >= 0 ? pax.gid : this.#readId(bytes, header + Field.gid, 'gid');
    if (pax.mtime === undefined) {
      member.mtimeSec = readNumber(bytes, header + Field.mtime, 12, this.#place, 'an mtime');
      member.mtimeNsec = 0;
    } else {
      member.mtimeSec = pax.mtime.sec;
      member.mtimeNsec = pax.mtime.nsec;
    }
    if (pax.atime !== undefined) {
      member.atimeSec = pax.atime.sec;
      member.atimeNsec = pax.atime.nsec;
    } else {
      const field = dialect === Dialect.gnu ? Field.gnuAtime : dialect === Dialect.star ? Field.starAtime : 0;
      const isGiven = field !== 0 && bytes[header + field] !== 0;
      member.atimeSec = isGiven
        ? readNumber(bytes, header + field, 12, this.#place, 'an atime')
        : member.mtimeSec;
      member.atimeNsec = isGiven ? 0 : member.mtimeNsec;
    }
    member.xattrs = pax.shareXattrs();
  }

  #readId(bytes: Uint8Array, at: number, what: string): number {
    const id = readNumber(bytes, at, 8, this.#place, `a ${what}`);
    if (id < 0 || id > ID_MAX) throw this.#place.error(at, `the ${what} ${id}`, `a ${what} of 32 bits`);
    return id;
  }

  #readLink(bytes: Uint8Array, header: number): void {
    const { member } = this;
    const long = this.#longLink ?? this.#pax.linkpath;
    const start = header + Field.linkname;
    if (member.isHardLink) {
      member.linkLength =
        long === undefined
          ? appendPath(
              member.link,
              0,
              bytes,
              start,
              endOfString(bytes, start, NAME_SIZE),
              this.#place,
              'a link',
            )
          : this.#readLongPath(long, header, member.link, 'a link');
      return;
    }
    const target = long ?? bytes.subarray(start, endOfString(bytes, start, NAME_SIZE));
    if (target.length === 0 || target.length >= PATH_MAX || target.includes(0)) {
      throw this.#place.error(
        start,
        `a symlink target of ${target.length} bytes${target.includes(0) ? ', NUL among them' : ''}`,
        `1 to ${PATH_MAX - 1} bytes, none of them NUL`,
      );
    }
    member.link.set(target);
    member.linkLength = target.length;
  }

  #readSize(frame: Frame, type: number): void {
    const { member } = this;
    const { bytes, header, dataLength } = frame;
    const pax = this.#pax;
    member.size = dataLength;
    if (type === 0x53) {
      const realSize = header + Field.realSize;
      member.size = readNumber(bytes, realSize, 12, this.#place, 'a size');
      if (member.size < 0) throw this.#place.error(realSize, `the size ${member.size}`, 'a size from 0 on');
      const extension = bytes.subarray(frame.meta, frame.meta + frame.metaLength);
      member.sparse = readOldGnuMap(bytes, header, extension, this.#place);
    } else if (pax.isSparse) {
      member.size = pax.sparseSize;
      if (pax.sparseSize < 0) throw this.#place.error(header, 'a sparse file', 'GNU.sparse.size with it');
      member.hasDataMap = pax.sparseMajor === 1 && pax.sparseMinor === 0;
      if (member.hasDataMap) return;
      if (pax.sparseMajor > 0 || pax.sparseMinor > 1) {
        throw this.#place.error(
          header,
          `GNU sparse ${pax.sparseMajor}.${pax.sparseMinor}`,
          '0.0, 0.1 or 1.0',
        );
      }
      member.sparse = pax.sparseMap ?? pax.sparsePairs?.finish() ?? new Float64Array();
    } else {
      return;
    }
    checkSparseMap(member.sparse, member.size, dataLength, header, this.#place);
  }

  #readDevice(bytes: Uint8Array, header: number): void {
    const major = readNumber(bytes, header + Field.devmajor, 8, this.#place, 'a major number');
    const minor = readNumber(bytes, header + Field.devminor, 8, this.#place, 'a minor number');
    if (major < 0 || major > 0xfff || minor < 0 || minor > 0xfffff) {
      throw this.#place.error(
        header + Field.devmajor,
        `the device ${major}:${minor}`,
        'a major number of 12 bits and a minor one of 20',
      );
    }
    this.member.rdev = makeRdev(major, minor);
  }
}

/** A copy of the payload of L or K, up to its NUL. */
function longString(frame: Frame): Uint8Array {
  const end = endOfString(frame.bytes, frame.meta, frame.metaLength);
  return frame.bytes.slice(frame.meta, end);
}
