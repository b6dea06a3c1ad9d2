import { describe, expect, it } from 'vitest';
import { Opcode } from '../../src/fuse/wire/protocol.ts';
import { FileRange } from '../../src/vfs/blob-reader.ts';
import { EINTR, EINVAL, EIO, ENODATA, ENOSYS, ENOTTY, ERANGE, EROFS } from '../../src/vfs/errno.ts';
import { EVERY_FLAG, RESENT, TestSession, errorOf, hex, initBody, message, numbers } from './message.ts';
import { SyntheticFileSystem } from './synthetic-file-system.ts';

const make = (): SyntheticFileSystem => new SyntheticFileSystem(2, 3);
const name = (text: string): Buffer => Buffer.from(`${text}\0`);
const readBody = (offset: number, size: number): Buffer =>
  numbers([8, 0], [8, offset], [4, size], [4, 0], [8, 0], [4, 0], [4, 0]);

/** What the synthetic file system answers as attributes of a file. */
const fileAttr = (ino: string, size: string): string => `
  ${ino}              # ino
  ${size}             # size
  0800000000000000    # blocks
  fbffffffffffffff    # atime -5
  fbffffffffffffff    # mtime
  fbffffffffffffff    # ctime
  15cd5b07 15cd5b07 15cd5b07  # nanoseconds 123456789
  a4810000            # mode 0100644
  01000000            # nlink
  00000000 00000000   # uid, gid
  00000000            # rdev
  00100000            # blksize
  00000000            # flags`;

describe('INIT', () => {
  it('agrees on the smaller minor version and the flags that both have', () => {
    const test = new TestSession(make());
    const reply = test.ask(message(Opcode.INIT, 7, 0, initBody(7, 38, EVERY_FLAG)));
    expect(reply).toEqual(
      hex(`50000000 00000000 0700000000000000   # len 80, error 0, unique 7
           07000000 2d000000                    # 7.45
           00000200                             # max_readahead as the kernel's
           2120e603                             # ASYNC_READ BIG_WRITES DO_READDIRPLUS NO_OPEN PARALLEL_DIROPS ...
           4000 3000                            # max_background 64, congestion_threshold 48
           00e00f00                             # max_write 254 pages
           01000000                             # time_gran 1 ns
           fe00 0000                            # max_pages 254, map_alignment
           00000000 00000000 0000               # flags2, max_stack_depth, request_timeout
           00000000000000000000000000000000000000000000`),
    );
    expect(test.session.state).toMatchObject({ kind: 'serving', opensWithoutMessage: true });
  });

  it('asks for POSIX ACLs only where some inode has one', () => {
    const plain = new TestSession(make()).ask(message(26, 1, 0, initBody(7, 45, EVERY_FLAG)));
    const withAcl = new TestSession(Object.assign(make(), { hasPosixAcl: true })).ask(
      message(26, 1, 0, initBody(7, 45, EVERY_FLAG)),
    );
    expect(withAcl.readUInt32LE(28) ^ plain.readUInt32LE(28)).toBe(1 << 20);
  });

  it('answers a newer major version with its own and waits for the next INIT', () => {
    const test = new TestSession(make());
    const reply = test.ask(message(26, 1, 0, initBody(8, 0, EVERY_FLAG)));
    expect([errorOf(reply), reply.readUInt32LE(16)]).toEqual([0, 7]);
    expect(test.session.state.kind).toBe('starting');
    test.ask(message(26, 2, 0, initBody(7, 45, EVERY_FLAG)));
    expect(test.session.state.kind).toBe('serving');
  });

  it('refuses a kernel that is older than 7.31, saying so', () => {
    const test = new TestSession(make());
    expect(errorOf(test.ask(message(26, 1, 0, initBody(7, 30, EVERY_FLAG))))).toBe(-EINVAL);
    expect(test.session.state).toEqual({
      kind: 'refused',
      reason: 'the kernel speaks FUSE 7.30, 7.31 or later is needed (Linux 5.4)',
    });
  });

  it('must come first: other requests are answered EIO until then', () => {
    const test = new TestSession(make());
    expect(errorOf(test.ask(message(Opcode.STATFS, 1, 1)))).toBe(-EIO);
  });
});

describe('metadata', () => {
  it('LOOKUP answers an entry that is valid for ever', () => {
    const reply = TestSession.serving(make()).ask(message(Opcode.LOOKUP, 9, 2, name('f1')));
    expect(reply).toEqual(
      hex(`90000000 00000000 0900000000000000
           0500000000000000    # nodeid
           0000000000000000    # generation
           ffffff7f00000000    # entry_valid
           ffffff7f00000000    # attr_valid
           00000000 00000000
           ${fileAttr('0500000000000000', '0700000000000000')}`),
    );
  });

  it('LOOKUP of a missing name answers a negative entry, not an error', () => {
    const reply = TestSession.serving(make()).ask(message(Opcode.LOOKUP, 9, 1, name('none')));
    expect([errorOf(reply), reply.readBigUInt64LE(16), reply.readBigUInt64LE(32)]).toEqual([
      0,
      0n,
      0x7fffffffn,
    ]);
  });

  it('GETATTR answers attributes with negative times', () => {
    const reply = TestSession.serving(make()).ask(message(Opcode.GETATTR, 9, 4, Buffer.alloc(16)));
    expect(reply).toEqual(
      hex(`78000000 00000000 0900000000000000
           ffffff7f00000000 00000000 00000000  # attr_valid, nsec, dummy
           ${fileAttr('0400000000000000', '0700000000000000')}`),
    );
  });

  it('READDIR packs entries up to the size that was asked for, and continues after a cookie', () => {
    const test = TestSession.serving(make());
    const first = test.ask(message(Opcode.READDIR, 3, 1, readBody(0, 64)));
    expect(first).toEqual(
      hex(`50000000 00000000 0300000000000000
           0100000000000000 0100000000000000 01000000 04000000 2e00000000000000    # "."
           0100000000000000 0200000000000000 02000000 04000000 2e2e000000000000    # ".."`),
    );
    const rest = test.ask(message(Opcode.READDIR, 4, 1, readBody(2, 4096)));
    expect(rest).toEqual(
      hex(`50000000 00000000 0400000000000000
           0200000000000000 0300000000000000 02000000 04000000 6430000000000000    # "d0"
           0300000000000000 0400000000000000 02000000 04000000 6431000000000000    # "d1"`),
    );
    expect(test.ask(message(Opcode.READDIR, 5, 1, readBody(4, 4096)))).toHaveLength(16);
  });

  it('READDIRPLUS gives "." and ".." nodeid 0, so that they count as no lookup', () => {
    const reply = TestSession.serving(make()).ask(message(Opcode.READDIRPLUS, 3, 1, readBody(0, 4096)));
    expect([0, 1, 2].map((i) => reply.readBigUInt64LE(16 + 160 * i))).toEqual([0n, 0n, 2n]);
  });

  it('GETXATTR answers size, value, ERANGE and ENODATA', () => {
    const test = TestSession.serving(make());
    const ask = (attribute: string, size: number): Buffer =>
      test.ask(message(Opcode.GETXATTR, 3, 4, Buffer.concat([numbers([4, size], [4, 0]), name(attribute)])));
    expect(ask('user.name', 0)).toEqual(hex('18000000 00000000 0300000000000000 05000000 00000000'));
    expect(ask('user.name', 5).subarray(16).toString()).toBe('value');
    expect(errorOf(ask('user.name', 4))).toBe(-ERANGE);
    expect(errorOf(ask('user.none', 0))).toBe(-ENODATA);
    expect(errorOf(ask('', 0))).toBe(-ENODATA);
  });

  it('OPEN and OPENDIR answer ENOSYS once where the kernel then stops asking, else keep the caches', () => {
    const modern = TestSession.serving(make());
    expect(errorOf(modern.ask(message(Opcode.OPEN, 3, 4, Buffer.alloc(8))))).toBe(-ENOSYS);
    expect(errorOf(modern.ask(message(Opcode.OPENDIR, 3, 1, Buffer.alloc(8))))).toBe(-ENOSYS);
    const old = TestSession.serving(make(), 0);
    expect(old.ask(message(Opcode.OPEN, 3, 4, Buffer.alloc(8))).readUInt32LE(24)).toBe(2);
    expect(old.ask(message(Opcode.OPENDIR, 3, 1, Buffer.alloc(8))).readUInt32LE(24)).toBe(10);
  });

  it('what writes is EROFS, an unknown ioctl ENOTTY, an unknown opcode ENOSYS', () => {
    const test = TestSession.serving(make());
    expect(errorOf(test.ask(message(Opcode.UNLINK, 3, 1, name('d0'))))).toBe(-EROFS);
    expect(errorOf(test.ask(message(Opcode.IOCTL, 3, 1, Buffer.alloc(32))))).toBe(-ENOTTY);
    expect(errorOf(test.ask(message(9999, 3, 1)))).toBe(-ENOSYS);
  });
});

describe('READ', () => {
  it('answers bytes, file ranges and errnos', () => {
    const fileSystem = make();
    const test = TestSession.serving(fileSystem);
    expect(
      test
        .ask(message(Opcode.READ, 3, 4, readBody(0, 4096)))
        .subarray(16)
        .toString(),
    ).toBe('file 4\n');
    fileSystem.onRead = () => new FileRange(5, 1 << 20, 4096);
    expect(test.ask(message(Opcode.READ, 4, 4, readBody(0, 4096))).toString()).toBe('file 4 5 1048576 4096');
    fileSystem.onRead = () => new FileRange(5, 0, 0);
    expect(test.ask(message(Opcode.READ, 5, 4, readBody(0, 4096)))).toHaveLength(16);
    fileSystem.onRead = () => -EIO;
    expect(errorOf(test.ask(message(Opcode.READ, 6, 4, readBody(0, 4096))))).toBe(-EIO);
    expect(test.session.bytesRead).toBe(7 + 4096);
  });

  it('answers a promise once it settles, a rejection as EIO', async () => {
    const fileSystem = make();
    const test = TestSession.serving(fileSystem);
    fileSystem.onRead = () => Promise.resolve(Buffer.from('late'));
    expect(test.handle(message(Opcode.READ, 3, 4, readBody(0, 4096)))).toBeUndefined();
    fileSystem.onRead = () => Promise.reject(new Error('a defect'));
    expect(test.handle(message(Opcode.READ, 4, 4, readBody(0, 4096)))).toBeUndefined();
    await new Promise(setImmediate);
    expect(test.replies.map((reply) => [Number(reply.readBigUInt64LE(8)), errorOf(reply)])).toEqual([
      [3, 0],
      [4, -EIO],
    ]);
  });

  it('is answered EINTR at once when interrupted, and only once', async () => {
    const fileSystem = make();
    const test = TestSession.serving(fileSystem);
    let finish: (bytes: Uint8Array) => void = () => undefined;
    fileSystem.onRead = () => new Promise((resolve) => (finish = resolve));
    expect(test.handle(message(Opcode.READ, 30, 4, readBody(0, 4096)))).toBeUndefined();
    const reply = test.ask(message(Opcode.INTERRUPT, 31, 0, numbers([8, 30])));
    expect([Number(reply.readBigUInt64LE(8)), errorOf(reply)]).toEqual([30, -EINTR]);
    finish(Buffer.from('late'));
    await new Promise(setImmediate);
    expect(test.replies).toHaveLength(1);
    expect(test.handle(message(Opcode.INTERRUPT, 32, 0, numbers([8, 30])))).toBeUndefined();
  });
});

describe('a request that is sent again (bit 63 of its unique)', () => {
  const uniqueOf = (reply: Buffer): bigint => reply.readBigUInt64LE(8);
  // The largest that a number holds, and one of 33 bits.
  const uniques = [30n, 1n << 32n, (1n << 53n) - 1n].map((unique) => RESENT | unique);

  it.each(uniques)('is answered with the same unique: %d', async (unique) => {
    const fileSystem = make();
    const test = TestSession.serving(fileSystem);
    expect(uniqueOf(test.ask(message(Opcode.GETATTR, unique, 4, Buffer.alloc(16))))).toBe(unique);
    expect(uniqueOf(test.ask(message(Opcode.READ, unique, 4, readBody(0, 4096))))).toBe(unique);
    let finish: (bytes: Uint8Array) => void = () => undefined;
    fileSystem.onRead = () => new Promise((resolve) => (finish = resolve));
    expect(test.handle(message(Opcode.READ, unique, 4, readBody(0, 4096)))).toBeUndefined();
    finish(Buffer.from('late'));
    await new Promise(setImmediate);
    expect(uniqueOf(test.replies.at(-1) as Buffer)).toBe(unique);
  });

  it('is interrupted by its whole unique', () => {
    const fileSystem = make();
    const test = TestSession.serving(fileSystem);
    fileSystem.onRead = () => new Promise(() => undefined);
    expect(test.handle(message(Opcode.READ, RESENT | 30n, 4, readBody(0, 4096)))).toBeUndefined();
    expect(test.handle(message(Opcode.INTERRUPT, 31, 0, numbers([8, 30])))).toBeUndefined();
    const reply = test.ask(message(Opcode.INTERRUPT, 31, 0, numbers([8, RESENT | 30n])));
    expect([uniqueOf(reply), errorOf(reply)]).toEqual([RESENT | 30n, -EINTR]);
  });
});

describe('the funnel', () => {
  it('answers EIO to a defect, and goes on', () => {
    const test = TestSession.serving(make());
    const body = Buffer.concat([numbers([4, 0], [4, 0]), name('user.broken')]);
    expect(errorOf(test.ask(message(Opcode.GETXATTR, 3, 4, body)))).toBe(-EIO);
    expect(errorOf(test.ask(message(Opcode.STATFS, 4, 1)))).toBe(0);
  });

  it('FORGET and BATCH_FORGET reach the file system and are not answered', () => {
    const fileSystem = make();
    const test = TestSession.serving(fileSystem);
    expect(test.handle(message(Opcode.FORGET, 3, 4, numbers([8, 2])))).toBeUndefined();
    // The count promises three, the message holds two.
    const batch = numbers([4, 3], [4, 0], [8, 5], [8, 1], [8, 6], [8, 7]);
    expect(test.handle(message(Opcode.BATCH_FORGET, 4, 0, batch))).toBeUndefined();
    expect(fileSystem.forgotten).toEqual([
      [4, 2],
      [5, 1],
      [6, 7],
    ]);
  });

  it('survives every request truncated at every length', () => {
    const test = TestSession.serving(make());
    const full = [
      message(Opcode.INIT, 3, 0, initBody(7, 45, EVERY_FLAG)),
      message(Opcode.LOOKUP, 3, 2, name('f1')),
      message(Opcode.FORGET, 3, 4, numbers([8, 1])),
      message(Opcode.BATCH_FORGET, 3, 0, numbers([4, 1], [4, 0], [8, 4], [8, 1])),
      message(Opcode.GETATTR, 3, 4, Buffer.alloc(16)),
      message(Opcode.READ, 3, 4, readBody(0, 4096)),
      message(Opcode.READDIRPLUS, 3, 1, readBody(0, 4096)),
      message(Opcode.GETXATTR, 3, 4, Buffer.concat([numbers([4, 9], [4, 0]), name('user.name')])),
      message(Opcode.LISTXATTR, 3, 4, numbers([4, 0], [4, 0])),
      message(Opcode.LSEEK, 3, 4, Buffer.alloc(24)),
      message(Opcode.INTERRUPT, 3, 4, numbers([8, 99])),
    ];
    for (const bytes of full) {
      for (let length = 0; length < bytes.length; length++) {
        const cut = Buffer.from(bytes.subarray(0, length));
        // Once as a reader that got less than the header says, once as a header that agrees.
        expect(test.handle(cut)).toBeUndefined();
        if (length < 40) continue;
        cut.writeUInt32LE(length, 0);
        const reply = test.handle(cut);
        const isSilent = [Opcode.FORGET, Opcode.BATCH_FORGET, Opcode.INTERRUPT].includes(
          bytes.readUInt32LE(4) as 2,
        );
        expect(reply === undefined).toBe(isSilent);
        if (reply !== undefined && bytes.readUInt32LE(4) !== Opcode.INIT)
          expect(errorOf(reply)).toBe(-EINVAL);
      }
    }
  });

  it('leaves a request extension out of the body', () => {
    const bytes = message(
      Opcode.LOOKUP,
      3,
      2,
      Buffer.concat([name('f1'), Buffer.alloc(5), Buffer.alloc(8, 0x66)]),
    );
    bytes.writeUInt16LE(1, 36);
    expect(errorOf(TestSession.serving(make()).ask(bytes))).toBe(0);
    bytes.writeUInt16LE(9, 36);
    expect(TestSession.serving(make()).handle(bytes)).toBeUndefined();
  });
});
