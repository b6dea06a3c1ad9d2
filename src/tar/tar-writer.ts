// TarWriter: writes members to a tar, with all that a layer can hold: names that are no UTF-8, xattrs byte for byte,
// nanoseconds, big owners, hard links, holes.
//
// tar-stream writes the ustar headers, the content and the padding. What ustar can't say goes ahead of them into a pax
// header of our own: tar-stream's would be UTF-8. Sparse files are written as GNU tar does, in pax format 1.0.
import { once } from 'node:events';
import { type Pack, pack } from 'tar-stream';
import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFREG } from '../vfs/attr.ts';
import { BLOCK_SIZE, Field, NAME_SIZE } from './header.ts';
import { paxRecord, paxTime } from './pax-records.ts';

/** One member. Bytes are lent until `add` settles. */
export interface WrittenMember {
  /** Without leading slash; empty for the root. */
  readonly path: Uint8Array;
  /** As st_mode. No socket: a tar has none. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeSec: number;
  readonly mtimeNsec: number;
  readonly rdevMajor: number;
  readonly rdevMinor: number;
  /** Bytes of a regular file, holes included. */
  readonly size: number;
  /** Of a symlink its target, of a hard link the path of the member that it links to; else undefined. */
  readonly link: Uint8Array | undefined;
  readonly isHardLink: boolean;
  readonly xattrs: readonly (readonly [name: Uint8Array, value: Uint8Array])[];
  /** Offset and length of each piece of data of a file with holes, in order; undefined for one without. */
  readonly pieces: readonly (readonly [offset: number, length: number])[] | undefined;
}

type EntryHeader = Parameters<Pack['entry']>[0];
type Sink = ReturnType<Pack['entry']>;

/** 7 octal digits. */
const OWNER_LIMIT = 0o7777777;
/** tar-stream takes seconds to 32 bits with a sign. */
const TIME_LIMIT = 2 ** 31 - 1;
/** Bytes that may wait to be taken. */
const WAITING_LIMIT = 4 << 20;
const PADDING = Buffer.alloc(BLOCK_SIZE);

const memberTypes = new Map<number, EntryHeader['type']>([
  [S_IFREG, 'file'],
  [S_IFDIR, 'directory'],
  [S_IFLNK, 'symlink'],
  [S_IFCHR, 'character-device'],
  [S_IFBLK, 'block-device'],
  [S_IFIFO, 'fifo'],
]);

export class TarWriter {
  readonly #pack: Pack = pack();
  readonly #pumped: Promise<void>;
  #written = 0;
  #taken = 0;
  #wake: () => void = () => undefined;
  /** What the receiver threw; the stream then fails with words of its own. */
  #failure: { readonly error: unknown } | undefined;

  /** `take` gets all bytes in order, one call after the other. What it throws is thrown by `add` and `finish`. */
  constructor(take: (bytes: Uint8Array) => Promise<void>) {
    this.#pumped = this.#pump(take);
    // It is awaited wherever its failure matters.
    this.#pumped.catch(() => undefined);
  }

  /** `content`: what is stored of a regular file, the pieces one behind the other; none for all else. */
  async add(member: WrittenMember, content?: AsyncIterable<Uint8Array>): Promise<void> {
    try {
      await this.#add(member, content);
    } catch (error) {
      throw this.#failure === undefined ? error : this.#failure.error;
    }
  }

  async #add(member: WrittenMember, content: AsyncIterable<Uint8Array> | undefined): Promise<void> {
    await this.#haveRoom();
    const map = member.pieces === undefined ? undefined : sparseMap(member.pieces, member.size);
    const records = extendedRecords(member);
    if (records.length > 0) this.#pushExtended(records);
    const header = ustarHeader(member, map);
    this.#written += BLOCK_SIZE * (1 + Math.ceil((header.size ?? 0) / BLOCK_SIZE));
    const added = new Promise<void>((resolve, reject) => {
      const sink = this.#pack.entry(header, (error) => {
        if (error instanceof Error) reject(error);
        else resolve();
      });
      sink.on('error', reject);
      if (header.type === 'file') this.#fill(sink, map, content).catch(reject);
    });
    await Promise.race([added, this.#pumped.then(() => added)]);
  }

  /** Ends the archive; resolves when all is taken. */
  async finish(): Promise<void> {
    this.#pack.finalize();
    await this.#pumped;
  }

  /** Ends without an end, after a failure. */
  destroy(): void {
    this.#pack.destroy();
  }

  async #pump(take: (bytes: Uint8Array) => Promise<void>): Promise<void> {
    for await (const bytes of this.#pack) {
      try {
        await take(bytes as Uint8Array);
      } catch (error) {
        this.#failure = { error };
        throw error;
      }
      this.#taken += (bytes as Uint8Array).length;
      this.#wake();
    }
  }

  /** tar-stream holds writers of content back, but not those of headers alone. */
  async #haveRoom(): Promise<void> {
    while (this.#written - this.#taken > WAITING_LIMIT) {
      await Promise.race([new Promise<void>((resolve) => (this.#wake = resolve)), this.#pumped]);
    }
  }

  async #fill(
    sink: Sink,
    map: Buffer | undefined,
    content: AsyncIterable<Uint8Array> | undefined,
  ): Promise<void> {
    if (map !== undefined) sink.write(map);
    for await (const bytes of content ?? []) {
      if (!sink.write(bytes)) await Promise.race([once(sink, 'drain'), this.#pumped]);
    }
    sink.end(undefined);
  }

  #pushExtended(records: Buffer): void {
    const padding = PADDING.subarray(0, (BLOCK_SIZE - (records.length % BLOCK_SIZE)) % BLOCK_SIZE);
    const blocks = Buffer.concat([extendedHeader(records.length), records, padding]);
    this.#written += blocks.length;
    this.#pack.push(blocks);
  }
}

/** True where a ustar header can hold `bytes` as a name: ASCII, which no reader takes for anything else. */
function fitsName(bytes: Uint8Array): boolean {
  return bytes.length <= NAME_SIZE && bytes.every((byte) => byte > 0 && byte < 0x80);
}

/** As GNU tar and docker write them: the root is "./", directories end with a slash. */
function writtenName({ path, mode, isHardLink }: WrittenMember): Buffer {
  const isDirectory = (mode & S_IFMT) === S_IFDIR && !isHardLink;
  if (path.length === 0) return Buffer.from('./');
  return isDirectory ? Buffer.concat([path, Buffer.from('/')]) : Buffer.from(path);
}

/** For readers that know no pax: what fits of a name. */
function shortName(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.filter((byte) => byte < 0x80)).toString('latin1');
  return text.slice(-NAME_SIZE).replace(/^\/+/, '') || 'name';
}

function ustarHeader(member: WrittenMember, map: Buffer | undefined): EntryHeader {
  const { mode, uid, gid, mtimeSec, link, isHardLink, pieces } = member;
  const name = writtenName(member);
  const type = isHardLink ? 'link' : memberTypes.get(mode & S_IFMT);
  if (type === undefined) throw new Error(`a tar can't hold a file of mode 0${mode.toString(8)}`);
  const stored = pieces?.reduce((sum, [, length]) => sum + length, 0) ?? member.size;
  return {
    name:
      map !== undefined
        ? 'GNUSparseFile.0/sparse'
        : fitsName(name)
          ? name.toString('latin1')
          : shortName(name),
    type,
    // With the type bits, which are not written: tar-stream takes 0 for a mode that was left out.
    mode,
    uid: Math.min(uid, OWNER_LIMIT),
    gid: Math.min(gid, OWNER_LIMIT),
    size: type === 'file' ? stored + (map?.length ?? 0) : 0,
    mtime: new Date(1000 * Math.max(0, Math.min(mtimeSec, TIME_LIMIT))),
    devmajor: member.rdevMajor,
    devminor: member.rdevMinor,
    ...(link === undefined
      ? {}
      : { linkname: fitsName(link) ? Buffer.from(link).toString('latin1') : shortName(link) }),
  };
}

/** What the ustar header can't say; empty where it says all. */
function extendedRecords(member: WrittenMember): Buffer {
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
  if (uid > OWNER_LIMIT) records.push(paxRecord('uid', String(uid)));
  if (gid > OWNER_LIMIT) records.push(paxRecord('gid', String(gid)));
  if (mtimeNsec !== 0 || mtimeSec < 0 || mtimeSec > TIME_LIMIT) {
    records.push(paxRecord('mtime', paxTime(mtimeSec, mtimeNsec)));
  }
  if (!isHardLink) {
    for (const [key, value] of xattrs) {
      records.push(paxRecord(Buffer.concat([Buffer.from('SCHILY.xattr.'), escapeKey(key)]), value));
    }
  }
  return Buffer.concat(records);
}

/** "=" ends a key: GNU tar writes %3D for it. */
function escapeKey(name: Uint8Array): Buffer {
  return Buffer.from(Buffer.from(name).toString('latin1').replaceAll('=', '%3D'), 'latin1');
}

/**
 * GNU tar's sparse format 1.0: decimal numbers, a line each, in whole blocks ahead of the data. An empty piece marks
 * the end of a file that ends in a hole: GNU tar takes the size from there.
 */
function sparseMap(pieces: readonly (readonly [number, number])[], size: number): Buffer {
  const [offset, length] = pieces.at(-1) ?? [0, 0];
  const all = offset + length < size ? [...pieces, [size, 0]] : pieces;
  const text = Buffer.from([all.length, ...all.flat()].map((number) => `${number}\n`).join(''));
  return Buffer.concat([text, PADDING.subarray(0, (BLOCK_SIZE - (text.length % BLOCK_SIZE)) % BLOCK_SIZE)]);
}

/** The header of an extended header of `size` bytes; time and owner 0, so that equal members give equal bytes. */
function extendedHeader(size: number): Buffer {
  const block = Buffer.alloc(BLOCK_SIZE);
  const put = (offset: number, text: string): void => void block.write(text, offset, 'latin1');
  put(Field.name, 'PaxHeaders/0');
  put(Field.mode, '0000644\0');
  put(Field.uid, '0000000\0');
  put(Field.gid, '0000000\0');
  put(Field.size, `${size.toString(8).padStart(11, '0')}\0`);
  put(Field.mtime, '00000000000\0');
  put(Field.typeflag, 'x');
  put(Field.magic, 'ustar\x0000');
  put(Field.checksum, '        ');
  const sum = block.reduce((total, byte) => total + byte, 0);
  put(Field.checksum, `${sum.toString(8).padStart(6, '0')}\0 `);
  return block;
}
