import { describe, expect, it } from 'vitest';
import { Opcode } from '../../../src/fuse/wire/protocol.ts';
import { S_IFDIR, S_IFLNK, S_IFREG } from '../../../src/vfs/attr.ts';
import { EEXIST, ENOTEMPTY, EROFS } from '../../../src/vfs/errno.ts';
import { MADE_ENTRY, testExchanges } from '../exchanges.ts';
import { TestSession, errorOf, message } from '../message.ts';
import { MADE, RecordingFileSystem } from '../recording-file-system.ts';
import { SyntheticFileSystem } from '../synthetic-file-system.ts';

describe('names', () => {
  testExchanges([
    {
      title: 'MKNOD makes a device, its umask not yet applied',
      opcode: Opcode.MKNOD,
      node: 2,
      body: `b6610000 01050000 12000000 00000000   # mode 060666, rdev 5:1, umask 022, padding
             6e756c6c00                            # "null"`,
      calls: [['mknod', 2, 'null', { mode: 0o060666, rdev: 0x501, umask: 0o022 }, '1000:100']],
      reply: MADE_ENTRY,
    },
    {
      title: 'MKNOD without a type makes a regular file',
      opcode: Opcode.MKNOD,
      node: 2,
      body: 'b4010000 00000000 00000000 00000000 6600',
      calls: [['mknod', 2, 'f', { mode: S_IFREG | 0o664, rdev: 0, umask: 0 }, '1000:100']],
      reply: MADE_ENTRY,
    },
    {
      title: 'MKDIR makes a directory, S_ISVTX and S_ISGID included',
      opcode: Opcode.MKDIR,
      node: 2,
      body: `ff070000 3f000000   # mode 03777, umask 077
             6400                # "d"`,
      calls: [['mkdir', 2, 'd', { mode: S_IFDIR | 0o3777, rdev: 0, umask: 0o077 }, '1000:100']],
      reply: MADE_ENTRY,
    },
    {
      title: 'SYMLINK has the name first, then the target; both are bytes',
      opcode: Opcode.SYMLINK,
      node: 2,
      body: `6cff00         # "l\\xff"
             2e2e2ffe00     # "../\\xfe"`,
      calls: [['symlink', 2, 'l\xff', '../\xfe', { mode: S_IFLNK | 0o777, rdev: 0, umask: 0 }, '1000:100']],
      reply: MADE_ENTRY,
    },
    {
      title: 'LINK names the inode in its body, the directory in its header',
      opcode: Opcode.LINK,
      node: 2,
      body: `0400000000000000   # oldnodeid
             6700               # "g"`,
      calls: [['link', 4, 2, 'g', '1000:100']],
      reply: MADE_ENTRY,
    },
    {
      title: 'a failure is answered as its errno alone',
      opcode: Opcode.LINK,
      node: 2,
      body: '0400000000000000 6700',
      result: -EEXIST,
      calls: [['link', 4, 2, 'g', '1000:100']],
      reply: -EEXIST,
    },
    {
      title: 'UNLINK',
      opcode: Opcode.UNLINK,
      node: 2,
      body: '663100   # "f1"',
      calls: [['unlink', 2, 'f1', '1000:100']],
      reply: '',
    },
    {
      title: 'RMDIR',
      opcode: Opcode.RMDIR,
      node: 1,
      body: '643100   # "d1"',
      result: -ENOTEMPTY,
      calls: [['rmdir', 1, 'd1', '1000:100']],
      reply: -ENOTEMPTY,
    },
    {
      title: 'RENAME has no flags',
      opcode: Opcode.RENAME,
      node: 2,
      body: `0300000000000000   # newdir
             663100 673100      # "f1", "g1"`,
      calls: [['rename', 2, 'f1', 3, 'g1', 0, '1000:100']],
      reply: '',
    },
    {
      title: 'RENAME2 has',
      opcode: Opcode.RENAME2,
      node: 2,
      body: `0300000000000000   # newdir
             02000000 00000000  # RENAME_EXCHANGE, padding
             663100 673100      # "f1", "g1"`,
      calls: [['rename', 2, 'f1', 3, 'g1', 2, '1000:100']],
      reply: '',
    },
  ]);

  it('an entry whose reply nobody takes is forgotten again', () => {
    const fileSystem = new RecordingFileSystem();
    const test = TestSession.serving(fileSystem);
    test.sendStatus = -2;
    test.ask(message(Opcode.MKDIR, 3, 1, Buffer.from('\xff\x01\0\0\0\0\0\0d\0', 'latin1')));
    expect(fileSystem.calls.at(-1)).toEqual(['forget', MADE, 1]);
  });

  it('on a read-only file system all of them are EROFS', () => {
    const test = TestSession.serving(new SyntheticFileSystem(2, 3));
    const { MKNOD, MKDIR, SYMLINK, LINK, UNLINK, RMDIR, RENAME, RENAME2 } = Opcode;
    for (const opcode of [MKNOD, MKDIR, SYMLINK, LINK, UNLINK, RMDIR, RENAME, RENAME2]) {
      expect(errorOf(test.ask(message(opcode, 3, 1, Buffer.alloc(32))))).toBe(-EROFS);
    }
  });
});
