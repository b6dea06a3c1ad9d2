// Lists the members of an outer tar, which holds an image's blobs, by skipping from header to header. It has a few
// hundred members at most, so it needs no native scan; a layer has thousands and does.
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from '../vfs/attr.ts';
import { FormatError } from '../vfs/input-error.ts';
import { BLOCK_SIZE, checkChecksum, endOfString, Field, readNumber } from '../tar/header.ts';
import { type Frame, MemberReader } from '../tar/member.ts';
import { Place } from '../tar/place.ts';
import { EXTENSION_IS_EXTENDED } from '../tar/sparse.ts';

export interface TarMember {
  /** Canonical, without a leading slash; its bytes as latin1. */
  readonly name: string;
  readonly kind: 'file' | 'directory' | 'symlink' | 'hardlink' | 'other';
  /** Symlink: the target unchanged. Hard link: the canonical name. Bytes as latin1. */
  readonly target: string;
  /** Bytes from the start of the file. */
  readonly offset: number;
  /** Bytes. */
  readonly length: number;
}

/** Bytes per read: docker 20.10's headers of one layer fit, with VERSION and json. */
const WINDOW_SIZE = 8 << 10;

/**
 * Limit of an extended header or a long name in bytes: that of the scan of a layer, since a layer may be sniffed here
 * too.
 */
const META_LIMIT = 8 << 20;

/** Limit of the extension blocks of a sparse file in bytes, as in the scan of a layer. */
const SPARSE_MAP_LIMIT = 4 << 20;

/**
 * Calls `visit` for each member of the plain tar `file`, in order, until it returns false. Messages call the file
 * `path`. Throws FormatError for anything but a tar, and if the file ends within a member.
 */
export async function visitMembers(
  path: string,
  file: string,
  visit: (member: TarMember) => boolean,
): Promise<void> {
  const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const { size } = await handle.stat();
    await new MemberWalk(path, new Window(handle, size)).run(visit);
  } finally {
    await handle.close();
  }
}

class MemberWalk {
  readonly #path: string;
  readonly #window: Window;
  readonly #place: Place;
  readonly #reader: MemberReader;

  constructor(path: string, window: Window) {
    this.#path = path;
    this.#window = window;
    this.#place = new Place(path);
    this.#reader = new MemberReader(path);
  }

  async run(visit: (member: TarMember) => boolean): Promise<void> {
    for (let offset = 0; offset < this.#window.fileSize;) {
      const header = await this.#window.read(offset, BLOCK_SIZE);
      if (header.length < BLOCK_SIZE) {
        throw new FormatError(
          this.#path,
          offset,
          `${header.length} bytes`,
          'a tar header of 512: it is truncated',
        );
      }
      // The first of the blocks that end an archive. Anything after it is not a member.
      if (header.every((byte) => byte === 0)) return;
      const frame = await this.#frame(header, offset);
      if (this.#reader.read(frame) && !visit(this.#describe(frame))) return;
      offset = frame.dataOffset + Math.ceil(frame.dataLength / BLOCK_SIZE) * BLOCK_SIZE;
    }
  }

  /** The member whose header block is at `offset`, with its payload if that belongs to the header. */
  async #frame(header: Uint8Array, offset: number): Promise<Frame> {
    this.#place.moveTo(0, offset);
    checkChecksum(header, 0, this.#place);
    const type = String.fromCharCode(header[Field.typeflag] as number);
    const isMeta = 'xXgLK'.includes(type);
    const dataLength = this.#dataLength(header, type, isMeta);
    const extensionLength = type === 'S' ? await this.#sparseExtensionLength(header, offset) : 0;
    const dataOffset = offset + BLOCK_SIZE + extensionLength;
    const rest = this.#window.fileSize - dataOffset;
    // The file may end in the padding of a member, but not in that of an extended header, which announces a member.
    const needed = isMeta ? Math.ceil(dataLength / BLOCK_SIZE) * BLOCK_SIZE : dataLength;
    if (dataLength < 0 || needed > rest) {
      const found = `a member of ${dataLength} bytes`;
      throw new FormatError(
        this.#path,
        offset,
        found,
        `at most ${rest}, where the file ends: it is truncated`,
      );
    }
    const frame = {
      bytes: header,
      header: 0,
      offset,
      dataOffset,
      dataLength,
      meta: BLOCK_SIZE,
      metaLength: 0,
    };
    if (extensionLength > 0) {
      const bytes = await this.#window.read(offset, BLOCK_SIZE + extensionLength);
      return { ...frame, bytes, metaLength: extensionLength };
    }
    if (!isMeta) return frame;
    if (dataLength > META_LIMIT) {
      const found = `an extended header of ${dataLength} bytes`;
      throw new FormatError(this.#path, offset, found, `at most ${META_LIMIT}`);
    }
    const bytes = await this.#window.read(offset, BLOCK_SIZE + dataLength);
    return { ...frame, bytes, metaLength: dataLength };
  }

  /** The stored length of a member's data. A size field that doesn't count may contain anything. */
  #dataLength(header: Uint8Array, type: string, isMeta: boolean): number {
    if (!hasData(header, type)) return 0;
    if (!isMeta && this.#reader.paxSize >= 0) return this.#reader.paxSize;
    return readNumber(header, Field.size, 12, this.#place, 'a size');
  }

  /** The length of the extension blocks after the header block at `offset` of an old GNU sparse file. */
  async #sparseExtensionLength(header: Uint8Array, offset: number): Promise<number> {
    let isExtended = header[Field.isExtended] !== 0;
    let length = 0;
    while (isExtended) {
      const at = offset + BLOCK_SIZE + length;
      const block = at < this.#window.fileSize ? await this.#window.read(at, BLOCK_SIZE) : new Uint8Array();
      if (block.length < BLOCK_SIZE) {
        const expected = 'a sparse map block of 512: it is truncated';
        throw new FormatError(this.#path, at, `${block.length} bytes`, expected);
      }
      length += BLOCK_SIZE;
      if (length > SPARSE_MAP_LIMIT) {
        throw new FormatError(
          this.#path,
          offset,
          'one sparse map block more',
          `at most ${SPARSE_MAP_LIMIT} bytes`,
        );
      }
      isExtended = block[EXTENSION_IS_EXTENDED] !== 0;
    }
    return length;
  }

  #describe(frame: Frame): TarMember {
    const { member } = this.#reader;
    const text = (bytes: Uint8Array, length: number) =>
      Buffer.from(bytes.buffer, 0, length).toString('latin1');
    return {
      name: text(member.path, member.pathLength),
      kind: kindOf(member.mode, member.isHardLink),
      target: text(member.link, member.linkLength),
      offset: frame.dataOffset,
      length: frame.dataLength,
    };
  }
}

/** False for links, devices, directories and FIFOs: they have no data, whatever their size field says. */
function hasData(header: Uint8Array, type: string): boolean {
  if (/[1-6]/.test(type)) return false;
  // v7 has no type for directories: a trailing slash makes one.
  const end = endOfString(header, Field.name, 100);
  return type !== '\0' || end === 0 || header[end - 1] !== 0x2f;
}

function kindOf(mode: number, isHardLink: boolean): TarMember['kind'] {
  if (isHardLink) return 'hardlink';
  switch (mode & S_IFMT) {
    case S_IFREG:
      return 'file';
    case S_IFDIR:
      return 'directory';
    case S_IFLNK:
      return 'symlink';
    default:
      return 'other';
  }
}

/** Buffered reads of a file, mostly forwards and close together. */
class Window {
  readonly fileSize: number;
  readonly #handle: FileHandle;
  #bytes: Uint8Array = new Uint8Array();
  #offset = 0;

  /** The handle is lent. */
  constructor(handle: FileHandle, fileSize: number) {
    this.#handle = handle;
    this.fileSize = fileSize;
  }

  /** `length` bytes at `offset`, fewer at the end of the file; valid until the next call. */
  async read(offset: number, length: number): Promise<Uint8Array> {
    const start = offset - this.#offset;
    if (start >= 0 && start + length <= this.#bytes.length)
      return this.#bytes.subarray(start, start + length);
    const wanted = Math.min(Math.max(length, WINDOW_SIZE), this.fileSize - offset);
    const bytes = Buffer.alloc(wanted);
    let filled = 0;
    while (filled < wanted) {
      const { bytesRead } = await this.#handle.read(bytes, filled, wanted - filled, offset + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    this.#bytes = bytes.subarray(0, filled);
    this.#offset = offset;
    return this.#bytes.subarray(0, length);
  }
}
