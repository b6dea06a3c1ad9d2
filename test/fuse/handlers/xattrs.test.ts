import { describe, expect, it } from 'vitest';
import { InitFlag, Opcode } from '../../../src/fuse/wire/protocol.ts';
import { EINVAL, ENODATA, EROFS } from '../../../src/vfs/errno.ts';
import { testExchanges } from '../exchanges.ts';
import { EVERY_FLAG, TestSession, errorOf, hex, message } from '../message.ts';
import { RecordingFileSystem } from '../recording-file-system.ts';
import { SyntheticFileSystem } from '../synthetic-file-system.ts';

describe('xattrs', () => {
  testExchanges([
    {
      title: 'SETXATTR has a value of any bytes',
      opcode: Opcode.SETXATTR,
      node: 4,
      body: `03000000 01000000   # size, XATTR_CREATE
             00000000 00000000   # setxattr_flags, padding
             757365722e6100      # "user.a"
             00ff00              # value`,
      calls: [['setxattr', 4, 'user.a', '\0\xff\0', 1, false, '1000:100']],
      reply: '',
    },
    {
      title: 'SETXATTR of an ACL by which S_ISGID is lost; an empty value',
      opcode: Opcode.SETXATTR,
      node: 4,
      body: `00000000 00000000
             01000000 00000000   # FUSE_SETXATTR_ACL_KILL_SGID
             757365722e6100`,
      calls: [['setxattr', 4, 'user.a', '', 0, true, '1000:100']],
      reply: '',
    },
    {
      title: 'REMOVEXATTR',
      opcode: Opcode.REMOVEXATTR,
      node: 4,
      body: '757365722e6100   # "user.a"',
      result: -ENODATA,
      calls: [['removexattr', 4, 'user.a', '1000:100']],
      reply: -ENODATA,
    },
    {
      title: 'SETXATTR without a name',
      opcode: Opcode.SETXATTR,
      node: 4,
      body: '00000000 00000000 00000000 00000000 00',
      calls: [],
      reply: -EINVAL,
    },
  ]);

  it('SETXATTR is short where the kernel lacks FUSE_SETXATTR_EXT', () => {
    const fileSystem = new RecordingFileSystem();
    const test = TestSession.serving(fileSystem, EVERY_FLAG & ~InitFlag.SETXATTR_EXT);
    const body = hex(`01000000 00000000   # size, flags
                      757365722e6100      # "user.a"
                      76                  # value`);
    expect(errorOf(test.ask(message(Opcode.SETXATTR, 3, 4, body)))).toBe(0);
    expect(fileSystem.calls).toEqual([['setxattr', 4, 'user.a', 'v', 0, false, '1000:100']]);
  });

  it('a value shorter than its size is refused', () => {
    const body = hex('ffffffff 00000000 00000000 00000000 757365722e6100 00ff00');
    const test = TestSession.serving(new RecordingFileSystem());
    expect(errorOf(test.ask(message(Opcode.SETXATTR, 3, 4, body)))).toBe(-EINVAL);
  });

  it('on a read-only file system changes are EROFS', () => {
    const test = TestSession.serving(new SyntheticFileSystem(2, 3));
    expect(errorOf(test.ask(message(Opcode.SETXATTR, 3, 4, Buffer.alloc(16))))).toBe(-EROFS);
    expect(errorOf(test.ask(message(Opcode.REMOVEXATTR, 3, 4, Buffer.alloc(16))))).toBe(-EROFS);
  });
});
