// Builds the kernel's messages for tests, and a Session that answers them without a kernel.
import { IN_HEADER_SIZE } from '../../src/fuse/wire/protocol.ts';
import { type ReplyPort, Session, type SessionOptions } from '../../src/fuse/session.ts';
import type { FileSystem } from '../../src/vfs/filesystem.ts';

/** Bytes from annotated hex: `#` begins a comment, white space is free. */
export function hex(text: string): Buffer {
  return Buffer.from(text.replace(/#.*$/gm, '').replace(/\s+/g, ''), 'hex');
}

/** A request with its header; user 1000, group 100 and process 42 ask. */
export function message(
  opcode: number,
  unique: number | bigint,
  nodeId: number,
  body: Uint8Array = Buffer.alloc(0),
): Buffer {
  const bytes = Buffer.alloc(IN_HEADER_SIZE + body.length);
  bytes.writeUInt32LE(bytes.length, 0);
  bytes.writeUInt32LE(opcode, 4);
  bytes.writeBigUInt64LE(BigInt(unique), 8);
  bytes.writeBigUInt64LE(BigInt(nodeId), 16);
  bytes.writeUInt32LE(1000, 24);
  bytes.writeUInt32LE(100, 28);
  bytes.writeUInt32LE(42, 32);
  bytes.set(body, IN_HEADER_SIZE);
  return bytes;
}

/** Little-endian numbers, one after the other: [size in bytes, value]. */
export function numbers(...parts: readonly (readonly [4 | 8, number | bigint])[]): Buffer {
  return Buffer.concat(
    parts.map(([size, value]) => {
      const bytes = Buffer.alloc(size);
      if (size === 4) bytes.writeUInt32LE(Number(value));
      else bytes.writeBigInt64LE(BigInt.asIntN(64, BigInt(value)));
      return bytes;
    }),
  );
}

export function initBody(major: number, minor: number, flags: number): Buffer {
  return Buffer.concat([numbers([4, major], [4, minor], [4, 131072], [4, flags >>> 0]), Buffer.alloc(48)]);
}

/** All flags that a kernel could offer. */
export const EVERY_FLAG = 0xffffffff;

/** Set in the unique of a request that is sent again. */
export const RESENT = 1n << 63n;

/** The unique of the wire for that of src/fuse/wire/unique.ts. */
const wireUnique = (unique: number): bigint => (unique < 0 ? RESENT | BigInt(-unique) : BigInt(unique));

export class TestSession {
  readonly request = new Uint8Array(1 << 17);
  readonly reply = new Uint8Array(1 << 17);
  /** Everything that was answered, in order. */
  readonly replies: Buffer[] = [];
  /** What the port answers to `send`. */
  sendStatus = 0;
  /** Backing ids that are open. */
  readonly backings = new Set<number>();
  /** Answers FUSE_DEV_IOC_BACKING_OPEN. */
  onOpenBacking: (fd: number) => number = (fd) => fd + 1000;
  readonly session: Session;

  constructor(fileSystem: FileSystem, options: SessionOptions = {}) {
    const port: ReplyPort = {
      send: (reply, length) => {
        this.replies.push(Buffer.from(reply.subarray(0, length)));
        return this.sendStatus;
      },
      sendData: (unique, bytes) => {
        this.replies.push(
          Buffer.concat([numbers([4, 16 + bytes.length], [4, 0], [8, wireUnique(unique)]), bytes]),
        );
        return 0;
      },
      sendFile: (unique, fd, position, length, mayEnd) => {
        this.replies.push(
          Buffer.from(`file ${wireUnique(unique)} ${fd} ${position} ${length}${mayEnd ? ' or less' : ''}`),
        );
      },
      openBacking: (fd) => {
        const id = this.onOpenBacking(fd);
        if (id > 0) this.backings.add(id);
        return id;
      },
      closeBacking: (id) => {
        if (!this.backings.delete(id)) throw new Error(`backing id ${id} is not open`);
        return 0;
      },
    };
    this.session = new Session(fileSystem, port, this.request, this.reply, options);
  }

  /** Lets the session handle one message; answers what it replied at once, if anything. */
  handle(bytes: Uint8Array): Buffer | undefined {
    const before = this.replies.length;
    this.request.set(bytes);
    const length = this.session.handle(bytes.length);
    if (length > 0) this.replies.push(Buffer.from(this.reply.subarray(0, length)));
    return this.replies.length > before ? this.replies.at(-1) : undefined;
  }

  /** Handles one message that must be answered at once. */
  ask(bytes: Uint8Array): Buffer {
    const answer = this.handle(bytes);
    if (answer === undefined) throw new Error('no reply');
    return answer;
  }

  /** A session that has agreed with a current kernel. */
  static serving(fileSystem: FileSystem, flags = EVERY_FLAG, options: SessionOptions = {}): TestSession {
    const test = new TestSession(fileSystem, options);
    test.ask(message(26, 1, 0, initBody(7, 45, flags)));
    test.replies.length = 0;
    return test;
  }
}

export const errorOf = (reply: Buffer): number => reply.readInt32LE(4);
