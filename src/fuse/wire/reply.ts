// Reply: encodes one message to the kernel into a buffer that is used again and again.
//
// struct fuse_out_header, little-endian, 16 bytes: len (u32), error (i32, negative errno or 0), unique (u64).
//
// struct fuse_attr, 88 bytes:                     struct fuse_entry_out, 128 bytes:
// | offset | size | name                  |       | offset | size | name             |
// | ------ | ---- | --------------------- |       | ------ | ---- | ---------------- |
// | 0      | 8    | ino                   |       | 0      | 8    | nodeid           |
// | 8      | 8    | size                  |       | 8      | 8    | generation       |
// | 16     | 8    | blocks                |       | 16     | 8    | entry_valid      |
// | 24     | 8x3  | atime mtime ctime     |       | 24     | 8    | attr_valid       |
// | 48     | 4x3  | their nanoseconds     |       | 32     | 4    | entry_valid_nsec |
// | 60     | 4    | mode                  |       | 36     | 4    | attr_valid_nsec  |
// | 64     | 4    | nlink                 |       | 40     | 88   | attr             |
// | 68     | 4    | uid                   |
// | 72     | 4    | gid                   |
// | 76     | 4    | rdev                  |
// | 80     | 4    | blksize               |
// | 84     | 4    | flags                 |
import type { Attr } from '../../vfs/attr.ts';
import type { Entry, StatFs } from '../../vfs/filesystem.ts';
import { type AttrView, attrsAsStored } from './attr-view.ts';
import {
  ATTR_SIZE,
  BLOCK_SIZE,
  ENTRY_OUT_SIZE,
  FOREVER,
  OPEN_OUT_SIZE,
  OUT_HEADER_SIZE,
} from './protocol.ts';
import { writeUnique } from './unique.ts';

const TWO_32 = 0x1_0000_0000;

export class Reply {
  readonly bytes: Uint8Array;
  /** Applied to the attributes of every inode. */
  readonly view: AttrView;
  readonly #words: Uint32Array;

  /** @param bytes aligned to 8 */
  constructor(bytes: Uint8Array, view: AttrView = attrsAsStored) {
    this.bytes = bytes;
    this.view = view;
    this.#words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >>> 2);
  }

  /** Bytes that a body may have. */
  get capacity(): number {
    return this.bytes.byteLength - OUT_HEADER_SIZE;
  }

  u16(offset: number, value: number): void {
    this.bytes[offset] = value & 0xff;
    this.bytes[offset + 1] = value >>> 8;
  }

  /** `offset` is from the start of the message, a multiple of 4; so are all below. */
  u32(offset: number, value: number): void {
    this.#words[offset >>> 2] = value;
  }

  /** A signed or unsigned 64-bit number, exact up to 53 bits. */
  u64(offset: number, value: number): void {
    const word = offset >>> 2;
    this.#words[word] = value;
    this.#words[word + 1] = value >= 0 && value < TWO_32 ? 0 : Math.floor(value / TWO_32);
  }

  attr(offset: number, attr: Attr): void {
    this.u64(offset, attr.ino);
    this.u64(offset + 8, attr.size);
    this.u64(offset + 16, attr.blocks);
    this.u64(offset + 24, attr.atimeSec);
    this.u64(offset + 32, attr.mtimeSec);
    this.u64(offset + 40, attr.ctimeSec);
    const words = this.#words;
    const word = (offset + 48) >>> 2;
    words[word] = attr.atimeNsec;
    words[word + 1] = attr.mtimeNsec;
    words[word + 2] = attr.ctimeNsec;
    words[word + 3] = this.view.showMode(attr.mode);
    words[word + 4] = attr.nlink;
    words[word + 5] = this.view.showUser(attr.uid);
    words[word + 6] = this.view.showGroup(attr.gid);
    words[word + 7] = attr.rdev;
    words[word + 8] = BLOCK_SIZE;
    words[word + 9] = 0;
  }

  /** A fuse_entry_out: the name is valid for as long as the mount lives, the attributes for `validity` seconds. */
  entry(offset: number, entry: Entry, validity: number): void {
    this.u64(offset, entry.nodeId);
    this.u64(offset + 8, entry.generation);
    this.u64(offset + 16, FOREVER);
    this.u64(offset + 24, validity);
    this.u64(offset + 32, 0);
    this.attr(offset + 40, entry.attr);
  }

  /** The header of a message with a body of `bodyLength` bytes: answers the whole length. */
  finish(unique: number, bodyLength: number): number {
    return this.#header(unique, 0, OUT_HEADER_SIZE + bodyLength);
  }

  /** A message that is only an error (negative errno) or success (0): answers its length. */
  status(unique: number, error: number): number {
    return this.#header(unique, error, OUT_HEADER_SIZE);
  }

  lookup(unique: number, entry: Entry, validity: number): number {
    this.entry(OUT_HEADER_SIZE, entry, validity);
    return this.finish(unique, ENTRY_OUT_SIZE);
  }

  /** CREATE and TMPFILE: a fuse_entry_out and a fuse_open_out. */
  create(unique: number, entry: Entry, validity: number, openFlags: number, backingId: number): number {
    this.entry(OUT_HEADER_SIZE, entry, validity);
    this.#openOut(OUT_HEADER_SIZE + ENTRY_OUT_SIZE, openFlags, backingId);
    return this.finish(unique, ENTRY_OUT_SIZE + OPEN_OUT_SIZE);
  }

  /** The answer to a lookup that found nothing: nodeid 0 makes the kernel keep a negative entry. */
  negativeEntry(unique: number): number {
    this.#words.fill(0, OUT_HEADER_SIZE >>> 2, (OUT_HEADER_SIZE + ENTRY_OUT_SIZE) >>> 2);
    this.u64(OUT_HEADER_SIZE + 16, FOREVER);
    return this.finish(unique, ENTRY_OUT_SIZE);
  }

  /** struct fuse_attr_out: attr_valid (u64), attr_valid_nsec (u32), dummy (u32), attr. */
  getattr(unique: number, attr: Attr, validity: number): number {
    this.u64(OUT_HEADER_SIZE, validity);
    this.u64(OUT_HEADER_SIZE + 8, 0);
    this.attr(OUT_HEADER_SIZE + 16, attr);
    return this.finish(unique, 16 + ATTR_SIZE);
  }

  open(unique: number, openFlags: number, backingId = 0): number {
    this.#openOut(OUT_HEADER_SIZE, openFlags, backingId);
    return this.finish(unique, OPEN_OUT_SIZE);
  }

  /** struct fuse_write_out: size (u32), padding (u32). WRITE and COPY_FILE_RANGE. */
  written(unique: number, size: number): number {
    this.u64(OUT_HEADER_SIZE, size);
    return this.finish(unique, 8);
  }

  /**
   * struct fuse_ioctl_out: result (i32), flags, in_iovs, out_iovs (u32 each), all 0; then `size` bytes: `value` (u32) and
   * zeros.
   */
  ioctl(unique: number, value: number, size: number): number {
    const base = OUT_HEADER_SIZE >>> 2;
    this.#words.fill(0, base, base + 4 + (size >>> 2));
    if (size > 0) this.#words[base + 4] = value;
    return this.finish(unique, 16 + size);
  }

  /** struct fuse_kstatfs, 80 bytes: five u64, then bsize, namelen, frsize, padding and 6 spare u32. */
  statfs(unique: number, statfs: StatFs): number {
    const base = OUT_HEADER_SIZE;
    this.#words.fill(0, base >>> 2, (base + 80) >>> 2);
    this.u64(base, statfs.blocks);
    this.u64(base + 8, statfs.blocksFree);
    this.u64(base + 16, statfs.blocksAvailable);
    this.u64(base + 24, statfs.files);
    this.u64(base + 32, statfs.filesFree);
    this.u32(base + 40, statfs.blockSize);
    this.u32(base + 44, statfs.nameLength);
    this.u32(base + 48, statfs.blockSize);
    return this.finish(unique, 80);
  }

  /** struct fuse_getxattr_out (size u32, padding u32): how large a buffer the value needs. */
  xattrSize(unique: number, size: number): number {
    this.u32(OUT_HEADER_SIZE, size);
    this.u32(OUT_HEADER_SIZE + 4, 0);
    return this.finish(unique, 8);
  }

  /** One u64: struct fuse_lseek_out, struct fuse_copy_file_range_out (7.45). */
  offset(unique: number, offset: number): number {
    this.u64(OUT_HEADER_SIZE, offset);
    return this.finish(unique, 8);
  }

  /** A body of plain bytes, no longer than `capacity`. */
  copy(unique: number, body: Uint8Array): number {
    this.bytes.set(body, OUT_HEADER_SIZE);
    return this.finish(unique, body.byteLength);
  }

  /** struct fuse_open_out: fh (u64, none), open_flags (u32), backing_id (i32, 7.40). */
  #openOut(offset: number, openFlags: number, backingId: number): void {
    this.u64(offset, 0);
    this.u32(offset + 8, openFlags);
    this.u32(offset + 12, backingId);
  }

  #header(unique: number, error: number, length: number): number {
    this.u32(0, length);
    this.u32(4, error);
    writeUnique(this.#words, 2, unique);
    return length;
  }
}
