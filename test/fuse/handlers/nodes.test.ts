import { describe, expect, it } from 'vitest';
import { Opcode } from '../../../src/fuse/wire/protocol.ts';
import { makeRdev } from '../../../src/vfs/attr.ts';
import { EFBIG, ENOSYS, EPERM, EROFS } from '../../../src/vfs/errno.ts';
import { testExchanges } from '../exchanges.ts';
import { TestSession, errorOf, message } from '../message.ts';
import { RecordingFileSystem } from '../recording-file-system.ts';
import { SyntheticFileSystem } from '../synthetic-file-system.ts';

const setattrBody = (valid: string, size = '0000000000000000'): string => `
  ${valid} 00000000                   # valid, padding
  0000000000000000 ${size}            # fh, size
  0000000000000000                    # lock_owner
  feffffffffffffff 0500000001000000   # atime -2, mtime 2^32 + 5
  0000000000000000                    # ctime
  07000000 08000000 00000000          # nanoseconds
  ed890000 00000000                   # mode 0104755, unused
  e8030000 64000000 00000000          # uid 1000, gid 100, unused`;

const ATTR_OUT = `
  ffffff7f00000000 00000000 00000000  # attr_valid, nanoseconds, dummy
  0400000000000000 0700000000000000 0800000000000000
  fbffffffffffffff fbffffffffffffff fbffffffffffffff
  15cd5b07 15cd5b07 15cd5b07
  a4810000 01000000 00000000 00000000 00000000 00100000 00000000`;

const setattr = (title: string, valid: string, changes: object): Parameters<typeof testExchanges>[0][0] => ({
  title,
  opcode: Opcode.SETATTR,
  node: 4,
  body: setattrBody(valid),
  calls: [['setattr', 4, changes, '1000:100']],
  reply: ATTR_OUT,
});

describe('nodes', () => {
  testExchanges([
    setattr('SETATTR of nothing, lock owner and file handle ignored', '40020000', {}),
    setattr('SETATTR of the mode takes no file type', '01000000', { mode: 0o4755 }),
    setattr('SETATTR of the owner', '06000000', { uid: 1000, gid: 100 }),
    setattr('SETATTR of the size, killing set-ID bits', '08080000', { size: 0, killsPrivileges: true }),
    setattr('SETATTR of times before 1970 and beyond 2106; ctime is not taken', '30040000', {
      atime: { sec: -2, nsec: 7 },
      mtime: { sec: 2 ** 32 + 5, nsec: 8 },
    }),
    setattr('SETATTR of times to now', 'b0010000', { atime: 'now', mtime: 'now' }),
    {
      title: 'SETATTR of a size that no number holds exactly',
      opcode: Opcode.SETATTR,
      node: 4,
      body: setattrBody('08000000', 'ffffffffffffff7f'),
      calls: [],
      reply: -EFBIG,
    },
    {
      title: 'SETATTR that fails',
      opcode: Opcode.SETATTR,
      node: 4,
      body: setattrBody('01000000'),
      result: -EPERM,
      calls: [['setattr', 4, { mode: 0o4755 }, '1000:100']],
      reply: -EPERM,
    },
    {
      title: 'STATX reports everything that GETATTR does',
      opcode: Opcode.STATX,
      node: 4,
      body: `00000000 00000000 0000000000000000   # getattr_flags, reserved, fh
             00000000 ff0f0000                    # sx_flags, sx_mask`,
      calls: [],
      reply: `ffffff7f00000000 00000000 00000000   # attr_valid, nanoseconds, flags
              0000000000000000 0000000000000000
              ff070000 00100000 0000000000000000   # mask STATX_BASIC_STATS, blksize, attributes
              01000000 00000000 00000000           # nlink, uid, gid
              a481 0000 0400000000000000           # mode, spare, ino
              0700000000000000 0800000000000000    # size, blocks
              0000000000000000                     # attributes_mask
              fbffffffffffffff 15cd5b07 00000000   # atime
              0000000000000000 00000000 00000000   # btime: none
              fbffffffffffffff 15cd5b07 00000000   # ctime
              fbffffffffffffff 15cd5b07 00000000   # mtime
              00000000 00000000 00000000 00000000  # rdev, dev
              ${'0000000000000000'.repeat(14)}`,
    },
  ]);

  it('STATX reports the birth time and both halves of a device number', () => {
    const fileSystem = new RecordingFileSystem();
    fileSystem.getattr = (_node, out) => {
      Object.assign(out, { hasBtime: true, btimeSec: 0x1234, btimeNsec: 7, rdev: makeRdev(0xabc, 0x12345) });
      return 0;
    };
    const reply = TestSession.serving(fileSystem).ask(message(Opcode.STATX, 3, 4, Buffer.alloc(24)));
    const statx = reply.subarray(16 + 32);
    expect([statx.readUInt32LE(0), statx.readUInt32LE(80), statx.readUInt32LE(88)]).toEqual([
      0xfff, 0x1234, 7,
    ]);
    expect([statx.readUInt32LE(128), statx.readUInt32LE(132)]).toEqual([0xabc, 0x12345]);
  });

  it('on a read-only file system SETATTR is EROFS, and STATX is not asked for again', () => {
    const test = TestSession.serving(new SyntheticFileSystem(2, 3));
    expect(errorOf(test.ask(message(Opcode.SETATTR, 3, 4, Buffer.alloc(88))))).toBe(-EROFS);
    expect(errorOf(test.ask(message(Opcode.STATX, 3, 4, Buffer.alloc(24))))).toBe(-ENOSYS);
  });
});
