// One entry of a table of contents in the form of CRFS, which eStargz and zstd:chunked share, with every field checked
// (estargz.md of stargz-snapshotter; FileMetadata of containers/storage).
//
// Names are text there. Bytes that are not UTF-8 were replaced by U+FFFD when the table was written, so a table with one
// can't be used: the layer's tar has the name.
import { InputError } from '../vfs/input-error.ts';
import { isObject } from '../vfs/json-object.ts';
import { ID_MAX, MAX_XATTRS, XATTR_NAME_MAX, XATTR_SIZE_MAX } from '../vfs/limits.ts';

const MAX_MAJOR = 0xfff;
const MAX_MINOR = 0xfffff;

const TYPES = ['dir', 'reg', 'symlink', 'hardlink', 'char', 'block', 'fifo', 'chunk'] as const;
const TIME = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/;
/** U+FFFD, which stands for what is not text; Node writes it for surrogates without their other half, too. */
const REPLACEMENT = Buffer.from('\ufffd');
/** Go's zero time: there is none. */
const NO_TIME = -62_135_596_800;

export interface TocTime {
  readonly sec: number;
  readonly nsec: number;
}

export interface TocEntry {
  readonly type: (typeof TYPES)[number];
  /** Bytes of a path, as it stands in the tar. */
  readonly name: Uint8Array;
  readonly linkName: Uint8Array;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly major: number;
  readonly minor: number;
  readonly mtime: TocTime | undefined;
  readonly atime: TocTime | undefined;
  /** By name, as latin1. */
  readonly xattrs: ReadonlyMap<string, Uint8Array>;
  /** Of the whole file. */
  readonly size: number;
  /** Of a chunk: its member or frame, and the end of the last one of its file; 0 if it is not stated. */
  readonly offset: number;
  readonly endOffset: number;
  readonly innerOffset: number;
  readonly chunkOffset: number;
  /** 0: to the end of the file. */
  readonly chunkSize: number;
  readonly isZeros: boolean;
  /** sha256, of the chunk and of the file. */
  readonly chunkDigest: Uint8Array | undefined;
  readonly digest: Uint8Array | undefined;
}

/** Throws InputError for anything that is not an entry. `where` names it. */
export function readTocEntry(value: unknown, where: string): TocEntry {
  const fields = new Fields(value, where);
  const type = TYPES.find((each) => each === fields.get('type'));
  if (type === undefined) throw fields.wrong('type');
  return {
    type,
    name: fields.text('name'),
    linkName: fields.text('linkName'),
    mode: fields.whole('mode') & 0o7777,
    uid: fields.whole('uid', ID_MAX),
    gid: fields.whole('gid', ID_MAX),
    major: fields.whole('devMajor', MAX_MAJOR),
    minor: fields.whole('devMinor', MAX_MINOR),
    mtime: fields.time('modtime'),
    atime: fields.time('accesstime'),
    xattrs: fields.xattrs(),
    size: fields.whole('size'),
    offset: fields.whole('offset'),
    endOffset: fields.whole('endOffset'),
    innerOffset: fields.whole('innerOffset'),
    chunkOffset: fields.whole('chunkOffset'),
    chunkSize: fields.whole('chunkSize'),
    isZeros: fields.get('chunkType') === 'zeros',
    chunkDigest: fields.sha256('chunkDigest'),
    digest: fields.sha256('digest'),
  };
}

class Fields {
  readonly #fields: Readonly<Record<string, unknown>>;
  readonly #where: string;

  constructor(value: unknown, where: string) {
    if (!isObject(value)) throw new InputError(`${where}: found something else than an entry`);
    this.#fields = value;
    this.#where = where;
  }

  /** Undefined for null, too: Go writes that for what is not there. */
  get(name: string): unknown {
    return Object.hasOwn(this.#fields, name) ? (this.#fields[name] ?? undefined) : undefined;
  }

  wrong(name: string): InputError {
    return new InputError(`${this.#where}: found a wrong ${name}`);
  }

  whole(name: string, max = Number.MAX_SAFE_INTEGER): number {
    const value = this.get(name) ?? 0;
    if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > max) {
      throw this.wrong(name);
    }
    return value;
  }

  text(name: string): Buffer {
    const value = this.get(name) ?? '';
    if (typeof value !== 'string') throw this.wrong(name);
    return this.#bytesOf(value, name);
  }

  time(name: string): TocTime | undefined {
    const value = this.get(name) ?? '';
    if (value === '') return undefined;
    const [, seconds = '', fraction = '', zone = ''] =
      TIME.exec(typeof value === 'string' ? value : '-') ?? [];
    const sec = Date.parse(seconds + zone) / 1000;
    if (!Number.isInteger(sec)) throw this.wrong(name);
    return sec === NO_TIME ? undefined : { sec, nsec: Number(fraction.padEnd(9, '0')) };
  }

  sha256(name: string): Buffer | undefined {
    const value = this.get(name) ?? '';
    if (value === '') return undefined;
    const [, hex] = /^sha256:([0-9a-f]{64})$/.exec(typeof value === 'string' ? value : '-') ?? [];
    if (hex === undefined) throw this.wrong(name);
    return Buffer.from(hex, 'hex');
  }

  xattrs(): Map<string, Uint8Array> {
    const value = this.get('xattrs') ?? {};
    if (typeof value !== 'object' || Array.isArray(value)) throw this.wrong('xattrs');
    const entries = Object.entries(value);
    if (entries.length > MAX_XATTRS) throw this.wrong('number of xattrs');
    const xattrs = new Map<string, Uint8Array>();
    for (const [key, text] of entries as [string, unknown][]) {
      const name = this.#bytesOf(key, 'xattr');
      const isBase64 = typeof text === 'string' && /^[A-Za-z0-9+/]*={0,2}$/.test(text);
      if (!isBase64 || name.length === 0 || name.length > XATTR_NAME_MAX || name.includes(0)) {
        throw this.wrong('xattr');
      }
      const bytes = Buffer.from(text, 'base64');
      if (bytes.length > XATTR_SIZE_MAX) throw this.wrong('xattr');
      // An empty value in a tar deletes the xattr.
      if (bytes.length > 0) xattrs.set(name.toString('latin1'), bytes);
    }
    return xattrs;
  }

  #bytesOf(text: string, name: string): Buffer {
    const bytes = Buffer.from(text);
    if (bytes.includes(REPLACEMENT)) {
      throw new InputError(`${this.#where}: found a ${name} that is not UTF-8`);
    }
    return bytes;
  }
}
