import { describe, expect, it } from 'vitest';
import { Opcode } from '../../../src/fuse/wire/protocol.ts';
import { EFBIG, EINVAL, ENOSPC, ENOSYS, EOPNOTSUPP, EROFS } from '../../../src/vfs/errno.ts';
import { testExchanges } from '../exchanges.ts';
import { TestSession, errorOf, hex, message } from '../message.ts';
import { RecordingFileSystem } from '../recording-file-system.ts';
import { SyntheticFileSystem } from '../synthetic-file-system.ts';

const writeBody = (flags: string, offset = '0010000000000000'): string => `
  0000000000000000   # fh
  ${offset}          # offset
  03000000 ${flags}  # size, write_flags
  0000000000000000   # lock_owner
  01000000 00000000  # flags, padding
  616263             # "abc"`;

describe('content', () => {
  testExchanges([
    {
      title: 'WRITE hands the bytes on, and answers how many were taken',
      opcode: Opcode.WRITE,
      node: 4,
      body: writeBody('00000000'),
      result: 3,
      calls: [['write', 4, 4096, 'abc', false]],
      reply: '03000000 00000000',
    },
    {
      title: 'a WRITE that ran into a full disk answers what fitted',
      opcode: Opcode.WRITE,
      node: 4,
      body: writeBody('01000000'), // FUSE_WRITE_CACHE
      result: 1,
      calls: [['write', 4, 4096, 'abc', false]],
      reply: '01000000 00000000',
    },
    {
      title: 'WRITE on a full disk',
      opcode: Opcode.WRITE,
      node: 4,
      body: writeBody('00000000'),
      result: -ENOSPC,
      calls: [['write', 4, 4096, 'abc', false]],
      reply: -ENOSPC,
    },
    {
      title: 'WRITE beyond what a number holds exactly is EFBIG',
      opcode: Opcode.WRITE,
      node: 4,
      body: writeBody('00000000', 'ffffffffffffff7f'),
      calls: [],
      reply: -EFBIG,
    },
    {
      title: 'FSYNC of all',
      opcode: Opcode.FSYNC,
      node: 4,
      body: '0000000000000000 00000000 00000000   # fh, fsync_flags, padding',
      calls: [['fsync', 4, false]],
      reply: '',
    },
    {
      title: 'FSYNC of the data alone',
      opcode: Opcode.FSYNC,
      node: 4,
      body: '0000000000000000 01000000 00000000   # FUSE_FSYNC_FDATASYNC',
      calls: [['fsync', 4, true]],
      reply: '',
    },
    {
      title: 'FSYNCDIR',
      opcode: Opcode.FSYNCDIR,
      node: 2,
      body: '0000000000000000 00000000 00000000',
      calls: [['fsync', 2, false]],
      reply: '',
    },
    {
      title: 'FALLOCATE',
      opcode: Opcode.FALLOCATE,
      node: 4,
      body: `0000000000000000                     # fh
             0010000000000000 0000010000000000   # offset, length
             03000000 00000000                   # PUNCH_HOLE | KEEP_SIZE, padding`,
      calls: [['fallocate', 4, 3, 4096, 65536, '1000:100']],
      reply: '',
    },
    {
      title: 'FALLOCATE beyond what a number holds exactly is EFBIG',
      opcode: Opcode.FALLOCATE,
      node: 4,
      body: '0000000000000000 0000000000000040 0000000000000000 00000000 00000000',
      calls: [],
      reply: -EFBIG,
    },
    ...([Opcode.COPY_FILE_RANGE, Opcode.COPY_FILE_RANGE_64] as const).map((opcode) => ({
      title: `COPY_FILE_RANGE, opcode ${opcode}`,
      opcode,
      node: 4,
      body: `0000000000000000 0100000000000000   # fh_in, off_in
             0500000000000000                    # nodeid_out
             0000000000000000 0200000000000000   # fh_out, off_out
             0000010000000000 0000000000000000   # len, flags`,
      result: 65536,
      calls: [['copyFileRange', 4, 1, 5, 2, 65536]],
      reply: '00000100 00000000',
    })),
    {
      title: 'COPY_FILE_RANGE of more than a reply can express is cut short; EOPNOTSUPP comes through',
      opcode: Opcode.COPY_FILE_RANGE,
      node: 4,
      body: `0000000000000000 0000000000000000 0500000000000000 0000000000000000 0000000000000000
             ffffffffffffff7f 0000000000000000`,
      result: -EOPNOTSUPP,
      calls: [['copyFileRange', 4, 0, 5, 0, 0x7ffff000]],
      reply: -EOPNOTSUPP,
    },
  ]);

  it('a WRITE whose size is more than its bytes is refused', () => {
    const fileSystem = new RecordingFileSystem();
    const body = hex(writeBody('00000000'));
    body.writeUInt32LE(0xffffffff, 16);
    expect(errorOf(TestSession.serving(fileSystem).ask(message(Opcode.WRITE, 3, 4, body)))).toBe(-EINVAL);
    expect(fileSystem.calls).toEqual([]);
  });

  it("a WRITE that kills set-ID bits drops the kernel's attributes, once until they are set anew", () => {
    const fileSystem = new RecordingFileSystem();
    const test = TestSession.serving(fileSystem);
    const write = (): Buffer[] => {
      test.replies.length = 0;
      fileSystem.result = () => 3;
      test.ask(message(Opcode.WRITE, 3, 4, hex(writeBody('04000000')))); // FUSE_WRITE_KILL_SUIDGID
      fileSystem.result = () => 0;
      return test.replies.slice();
    };
    test.ask(message(Opcode.OPEN, 2, 4, hex('01000000 00000000')));
    const notice = hex(`28000000 02000000 0000000000000000   # len, FUSE_NOTIFY_INVAL_INODE, no unique
                        0400000000000000                     # node
                        ffffffffffffffff 0000000000000000   # off -1: the pages stay`);
    const reply = hex('18000000 00000000 0300000000000000 03000000 00000000');
    expect(write()).toEqual([notice, reply]);
    expect(write()).toEqual([reply]);
    const setsMode = Buffer.alloc(88);
    setsMode.writeUInt32LE(1, 0);
    setsMode.writeUInt32LE(0o104755, 68);
    test.ask(message(Opcode.SETATTR, 2, 4, setsMode));
    expect(write()).toEqual([notice, reply]);
    expect(fileSystem.calls.at(-1)).toEqual(['write', 4, 4096, 'abc', true]);
    expect(test.session.bytesWritten).toBe(9);
  });

  it("a FALLOCATE by another user than root drops the kernel's attributes: set-ID bits may be gone", () => {
    const test = TestSession.serving(new RecordingFileSystem());
    const request = message(Opcode.FALLOCATE, 3, 4, Buffer.alloc(32));
    test.ask(request);
    request.writeUInt32LE(0, 24);
    test.ask(request);
    expect(test.replies.map((reply) => [reply.length, reply.readInt32LE(4)])).toEqual([
      [40, 2],
      [16, 0],
      [16, 0],
    ]);
  });

  it('on a read-only file system writes are EROFS, and syncs are not asked for again', () => {
    const test = TestSession.serving(new SyntheticFileSystem(2, 3));
    const ask = (opcode: number): number => errorOf(test.ask(message(opcode, 3, 4, Buffer.alloc(64))));
    expect([Opcode.WRITE, Opcode.FALLOCATE].map(ask)).toEqual([-EROFS, -EROFS]);
    expect([Opcode.FSYNC, Opcode.FSYNCDIR, Opcode.COPY_FILE_RANGE].map(ask)).toEqual([
      -ENOSYS,
      -ENOSYS,
      -ENOSYS,
    ]);
  });
});
