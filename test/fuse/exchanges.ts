// Exchanges: a request as the kernel sends it, the call of the file system, and the reply, byte for byte.
import { expect, it } from 'vitest';
import { TestSession, errorOf, hex, message } from './message.ts';
import { RecordingFileSystem } from './recording-file-system.ts';

/** Attributes and node of what RecordingFileSystem makes: a fuse_entry_out that is valid for ever. */
export const MADE_ENTRY = `
  4d00000000000000 0000000000000000   # nodeid 77, generation
  ffffff7f00000000 ffffff7f00000000   # entry_valid, attr_valid
  00000000 00000000                   # their nanoseconds
  4d00000000000000 0800000000000000   # ino 77, size 8
  0800000000000000                    # blocks
  fbffffffffffffff fbffffffffffffff fbffffffffffffff   # atime, mtime, ctime -5
  15cd5b07 15cd5b07 15cd5b07          # nanoseconds 123456789
  a4810000 01000000 00000000 00000000 # mode 0100644, nlink, uid, gid
  00000000 00100000 00000000          # rdev, blksize, flags`;

export interface Exchange {
  readonly title: string;
  readonly opcode: number;
  readonly node: number;
  /** Annotated hex. */
  readonly body: string;
  /** What the file system answers; 0 by default. */
  readonly result?: number;
  /** The call that the file system gets. */
  readonly calls: readonly unknown[][];
  /** The body of the reply: annotated hex, or a negative errno. */
  readonly reply: string | number;
  /** Bytes of the body that are enough for a valid request; all by default. */
  readonly enough?: number;
}

const UNIQUE = 9;

function requestOf({ opcode, node, body }: Exchange): Buffer {
  return message(opcode, UNIQUE, node, hex(body));
}

function replyOf({ reply }: Exchange): Buffer {
  const body = typeof reply === 'string' ? hex(reply) : Buffer.alloc(0);
  const bytes = Buffer.concat([hex('00000000 00000000 0900000000000000'), body]);
  bytes.writeUInt32LE(bytes.length, 0);
  if (typeof reply === 'number') bytes.writeInt32LE(reply, 4);
  return bytes;
}

/** One test an exchange, and one that cuts all their requests off at every byte. */
export function testExchanges(exchanges: readonly Exchange[]): void {
  it.each(exchanges.map((exchange) => [exchange.title, exchange] as const))('%s', (_title, exchange) => {
    const fileSystem = new RecordingFileSystem();
    const test = TestSession.serving(fileSystem);
    fileSystem.result = () => exchange.result ?? 0;
    const reply = test.ask(requestOf(exchange));
    expect(fileSystem.calls).toEqual(exchange.calls);
    expect(reply.toString('hex')).toBe(replyOf(exchange).toString('hex'));
  });

  it('a request that is cut off anywhere is refused, and nothing is done', () => {
    const fileSystem = new RecordingFileSystem();
    const test = TestSession.serving(fileSystem);
    for (const exchange of exchanges) {
      const whole = requestOf(exchange);
      const enough = exchange.enough === undefined ? whole.length : 40 + exchange.enough;
      for (let length = 0; length < enough; length++) {
        const cut = Buffer.from(whole.subarray(0, length));
        // Once as a reader that got less than the header says, once as a header that agrees.
        expect(test.handle(cut)).toBeUndefined();
        if (length < 40) continue;
        cut.writeUInt32LE(length, 0);
        expect(errorOf(test.ask(cut))).toBeLessThan(0);
      }
    }
    expect(fileSystem.calls).toEqual([]);
  });
}
