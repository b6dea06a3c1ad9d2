// Request: a view on one message from the kernel, loaded again and again over the same buffer.
//
// struct fuse_in_header, little-endian, 40 bytes:
// | offset | size | name         | meaning                                       |
// | ------ | ---- | ------------ | --------------------------------------------- |
// | 0      | 4    | len          | bytes of the whole message                    |
// | 4      | 4    | opcode       |                                               |
// | 8      | 8    | unique       | names the request (see unique.ts)             |
// | 16     | 8    | nodeid       |                                               |
// | 24     | 4    | uid          | of the caller, in the mount's user namespace  |
// | 28     | 4    | gid          |                                               |
// | 32     | 4    | pid          |                                               |
// | 36     | 2    | total_extlen | extensions after the body, in 8 bytes (7.38)  |
// | 38     | 2    | padding      |                                               |
import type { NodeId } from '../../vfs/filesystem.ts';
import { Call } from '../../vfs/operation.ts';
import { IN_HEADER_SIZE } from './protocol.ts';
import { readUnique } from './unique.ts';

const TWO_32 = 0x1_0000_0000;

export class Request {
  opcode = 0;
  /** As unique.ts has it. */
  unique = 0;
  nodeId = 0 as NodeId;
  /** Bytes after the header, without extensions. */
  bodyLength = 0;

  readonly #bytes: Uint8Array;
  readonly #words: Uint32Array;
  readonly #halves: Uint16Array;

  /** @param bytes aligned to 8; each message begins at its first byte */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >>> 2);
    this.#halves = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >>> 1);
  }

  /** Takes the message of `length` bytes in the buffer. False: no whole header, or it lies about its length. */
  load(length: number): boolean {
    const words = this.#words;
    if (length < IN_HEADER_SIZE || words[0] !== length) return false;
    this.opcode = words[1] as number;
    this.unique = readUnique(words[2] as number, words[3] as number);
    this.nodeId = this.#u64(4) as NodeId;
    this.bodyLength = length - IN_HEADER_SIZE - (this.#halves[18] as number) * 8;
    return this.bodyLength >= 0;
  }

  /** The 32-bit number at `offset` of the body, a multiple of 4. */
  u32(offset: number): number {
    return this.#words[(IN_HEADER_SIZE + offset) >>> 2] as number;
  }

  /** The 64-bit number at `offset` of the body, a multiple of 4; exact below 2^53. */
  u64(offset: number): number {
    return this.#u64((IN_HEADER_SIZE + offset) >>> 2);
  }

  /** The unique of another request at `offset` of the body, a multiple of 4. */
  uniqueAt(offset: number): number {
    return readUnique(this.u32(offset), this.u32(offset + 4));
  }

  /** The signed 64-bit number at `offset` of the body, a multiple of 4; exact within 53 bits. */
  i64(offset: number): number {
    const word = (IN_HEADER_SIZE + offset) >>> 2;
    return (this.#words[word] as number) + ((this.#words[word + 1] as number) | 0) * TWO_32;
  }

  /** `length` bytes at `offset` of the body, lent: the buffer is used again for the next message. */
  bytes(offset: number, length: number): Uint8Array {
    const start = IN_HEADER_SIZE + offset;
    return this.#bytes.subarray(start, start + length);
  }

  /** The caller. */
  call(): Call {
    const words = this.#words;
    return new Call(words[6] as number, words[7] as number, words[8] as number);
  }

  /** The NUL-ended string that begins at `offset` of the body, as lent bytes; undefined where it has no end. */
  name(offset: number): Uint8Array | undefined {
    const start = IN_HEADER_SIZE + offset;
    const end = this.#bytes.indexOf(0, start);
    if (end < 0 || end >= IN_HEADER_SIZE + this.bodyLength) return undefined;
    return this.#bytes.subarray(start, end);
  }

  #u64(word: number): number {
    return (this.#words[word] as number) + (this.#words[word + 1] as number) * TWO_32;
  }
}
