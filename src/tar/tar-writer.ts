// TarWriter: writes a tar with everything that a layer can hold: names that are not UTF-8, xattrs byte for byte,
// nanoseconds, large owners, hard links, holes.
//
// A member is a ustar header block (write-header.ts) and its content. Values that don't fit the block in octal and
// ASCII go to a pax extended header before it. Sparse files have GNU tar's pax format 1.0.
import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFREG } from '../vfs/attr.ts';
import { BLOCK_SIZE, NAME_SIZE, SYMLINK_PERMISSIONS } from './header.ts';
import { paxRecord, paxTime } from './pax-records.ts';
import { fitsOctal, headerBlock, NumberSize } from './write-header.ts';
import { encodeXattrName } from './xattr-key.ts';

/** One member. Its bytes are lent until `add` settles. */
export interface WrittenMember {
  /** Without leading slash; empty for the root. */
  readonly path: Uint8Array;
  /** As st_mode. Never a socket, which a tar can't hold. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeSec: number;
  readonly mtimeNsec: number;
  readonly rdevMajor: number;
  readonly rdevMinor: number;
  /** Regular file: bytes, including holes. */
  readonly size: number;
  /** Symlink: its target. Hard link: the path of the member that it links to. Otherwise undefined. */
  readonly link: Uint8Array | undefined;
  readonly isHardLink: boolean;
  readonly xattrs: readonly (readonly [name: Uint8Array, value: Uint8Array])[];
  /** Offset and length of each piece of data of a file with holes, in order; undefined for a file without holes. */
  readonly pieces: readonly (readonly [offset: number, length: number])[] | undefined;
}

const Typeflag = { file: '0', hardLink: '1', symlink: '2', extended: 'x' } as const;
const typeflags = new Map<number, string>([
  [S_IFREG, Typeflag.file],
  [S_IFLNK, Typeflag.symlink],
  [S_IFCHR, '3'],
  [S_IFBLK, '4'],
  [S_IFDIR, '5'],
  [S_IFIFO, '6'],
]);

/** Small pieces are collected up to this number of bytes before the receiver gets them. */
const GATHERED_SIZE = 64 << 10;
/** An archive ends with two blocks of zeros. */
const END = Buffer.alloc(2 * BLOCK_SIZE);

export class TarWriter {
  readonly #take: (bytes: Uint8Array) => Promise<void>;
  /**
   * The first `#length` bytes wait for the receiver. Each hand-over allocates a new buffer, because the receiver may
   * keep the old one.
   */
  #gathered = Buffer.allocUnsafe(GATHERED_SIZE);
  #length = 0;

  /** `take` gets all bytes in order, one call at a time. `add` and `finish` rethrow its errors. */
  constructor(take: (bytes: Uint8Array) => Promise<void>) {
    this.#take = take;
  }

  /**
   * `content`: the stored bytes of a regular file, its pieces one after the other; undefined for other types. Throws an
   * Error if there are more or fewer bytes than the member's size.
   */
  async add(member: WrittenMember, content?: AsyncIterable<Uint8Array>): Promise<void> {
    const map = member.pieces === undefined ? undefined : sparseMap(member.pieces, member.size);
    const typeflag = typeflagOf(member);
    const dataSize = member.pieces?.reduce((sum, [, length]) => sum + length, 0) ?? member.size;
    const stored = typeflag === Typeflag.file ? dataSize + (map?.length ?? 0) : 0;
    const records = extendedRecords(member, stored);
    if (records.length > 0) {
      const { extended } = Typeflag;
      await this.#push(
        headerBlock({ name: 'PaxHeaders/0', mode: 0o644, size: records.length, typeflag: extended }),
      );
      await this.#push(records);
      await this.#pad(records.length);
    }
    await this.#push(ustarHeader(member, typeflag, stored));
    if (typeflag !== Typeflag.file) return;
    if (map !== undefined) await this.#push(map);
    await this.#pushContent(content, dataSize);
    await this.#pad(stored);
  }

  /** Ends the archive; resolves when the receiver has taken everything. */
  async finish(): Promise<void> {
    await this.#push(END);
    await this.#flush();
  }

  async #pushContent(content: AsyncIterable<Uint8Array> | undefined, size: number): Promise<void> {
    let done = 0;
    for await (const bytes of content ?? []) {
      done += bytes.length;
      if (done > size) break;
      await this.#push(bytes);
    }
    if (done !== size) throw new Error(`a member's content differs from its size, ${size} bytes`);
  }

  async #pad(size: number): Promise<void> {
    const over = size % BLOCK_SIZE;
    if (over > 0) await this.#push(END.subarray(0, BLOCK_SIZE - over));
  }

  async #push(bytes: Uint8Array): Promise<void> {
    if (this.#length + bytes.length > GATHERED_SIZE) await this.#flush();
    if (bytes.length > GATHERED_SIZE) {
      await this.#take(bytes);
      return;
    }
    this.#gathered.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  async #flush(): Promise<void> {
    if (this.#length === 0) return;
    const bytes = this.#gathered.subarray(0, this.#length);
    this.#gathered = Buffer.allocUnsafe(GATHERED_SIZE);
    this.#length = 0;
    await this.#take(bytes);
  }
}

/** True if a ustar header can hold `bytes` as a name: ASCII, which all readers decode alike. */
function fitsName(bytes: Uint8Array): boolean {
  return bytes.length <= NAME_SIZE && bytes.every((byte) => byte > 0 && byte < 0x80);
}

/** As GNU tar and docker write names: the root is "./", a directory ends with a slash. */
function writtenName({ path, mode, isHardLink }: WrittenMember): Buffer {
  const isDirectory = (mode & S_IFMT) === S_IFDIR && !isHardLink;
  if (path.length === 0) return Buffer.from('./');
  return isDirectory ? Buffer.concat([path, Buffer.from('/')]) : Buffer.from(path);
}

/** The part of a name that fits the header, for readers without pax support. */
function shortName(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.filter((byte) => byte < 0x80)).toString('latin1');
  return text.slice(-NAME_SIZE).replace(/^\/+/, '') || 'name';
}

function typeflagOf({ mode, isHardLink }: WrittenMember): string {
  const typeflag = isHardLink ? Typeflag.hardLink : typeflags.get(mode & S_IFMT);
  if (typeflag === undefined) throw new Error(`a tar can't hold a file of mode 0${mode.toString(8)}`);
  return typeflag;
}

/** `stored`: the number of data bytes after the header, a sparse map included. */
function ustarHeader(member: WrittenMember, typeflag: string, stored: number): Buffer {
  const { mode, uid, gid, mtimeSec, link, pieces } = member;
  const name = writtenName(member);
  return headerBlock({
    name: pieces !== undefined ? 'GNUSparseFile.0/sparse' : fitsName(name) ? name : shortName(name),
    mode: typeflag === Typeflag.symlink ? SYMLINK_PERMISSIONS : mode,
    ...{ typeflag, uid, gid, size: stored, mtime: mtimeSec },
    ...{ devmajor: member.rdevMajor, devminor: member.rdevMinor },
    linkname: link === undefined || fitsName(link) ? link : shortName(link),
  });
}

/**
 * Records for values that the ustar header can't hold, or only in base-256, which POSIX doesn't define; empty if there
 * are none.
 */
function extendedRecords(member: WrittenMember, stored: number): Buffer {
  const { uid, gid, mtimeSec, mtimeNsec, link, isHardLink, xattrs, pieces, size } = member;
  const records: Buffer[] = [];
  const name = writtenName(member);
  if (pieces !== undefined) {
    records.push(
      paxRecord('GNU.sparse.major', '1'),
      paxRecord('GNU.sparse.minor', '0'),
      paxRecord('GNU.sparse.name', name),
      paxRecord('GNU.sparse.realsize', String(size)),
    );
  } else if (!fitsName(name)) records.push(paxRecord('path', name));
  if (link !== undefined && !fitsName(link)) records.push(paxRecord('linkpath', link));
  if (!fitsOctal(uid, NumberSize.uid)) records.push(paxRecord('uid', String(uid)));
  if (!fitsOctal(gid, NumberSize.gid)) records.push(paxRecord('gid', String(gid)));
  if (!fitsOctal(stored, NumberSize.size)) records.push(paxRecord('size', String(stored)));
  if (mtimeNsec !== 0 || !fitsOctal(mtimeSec, NumberSize.mtime)) {
    records.push(paxRecord('mtime', paxTime(mtimeSec, mtimeNsec)));
  }
  if (!isHardLink) {
    for (const [key, value] of xattrs) {
      const name = Buffer.from(key).toString('latin1');
      const encoded = encodeXattrName(name);
      if (encoded !== name) {
        const text = Buffer.from(value).toString('base64').replace(/=+$/, '');
        records.push(paxRecord(Buffer.from(`LIBARCHIVE.xattr.${encoded}`, 'latin1'), Buffer.from(text)));
      }
      records.push(paxRecord(Buffer.from(`SCHILY.xattr.${encoded}`, 'latin1'), value));
    }
  }
  return Buffer.concat(records);
}

/**
 * GNU tar's sparse format 1.0: decimal numbers, one per line, in whole blocks before the data. An empty piece marks the
 * end of a file that ends in a hole: GNU tar takes the size from it.
 */
function sparseMap(pieces: readonly (readonly [number, number])[], size: number): Buffer {
  const [offset, length] = pieces.at(-1) ?? [0, 0];
  const all = offset + length < size ? [...pieces, [size, 0]] : pieces;
  const text = Buffer.from([all.length, ...all.flat()].map((number) => `${number}\n`).join(''));
  return Buffer.concat([text, END.subarray(0, (BLOCK_SIZE - (text.length % BLOCK_SIZE)) % BLOCK_SIZE)]);
}
