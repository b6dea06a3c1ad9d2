import { describe, expect, it } from 'vitest';
import { Opcode } from '../../../src/fuse/wire/protocol.ts';
import { ENOTTY, EOPNOTSUPP, EPERM } from '../../../src/vfs/errno.ts';
import { type Exchange, testExchanges } from '../exchanges.ts';
import { TestSession, errorOf, hex, message } from '../message.ts';
import { RecordingFileSystem } from '../recording-file-system.ts';
import { SyntheticFileSystem } from '../synthetic-file-system.ts';

const ioctlBody = (command: string, inSize: string, outSize: string): string => `
  0000000000000000 00000000 ${command}   # fh, flags, cmd
  0000000000000000 ${inSize} ${outSize}  # arg, in_size, out_size`;

const getFlags = (command: string): Exchange => ({
  title: `FS_IOC_GETFLAGS as ${command}`,
  opcode: Opcode.IOCTL,
  node: 4,
  body: ioctlBody(command, '00000000', '04000000'),
  result: 0x40,
  calls: [['getFlags', 4]],
  reply: '00000000 00000000 00000000 00000000 40000000   # result, flags, in_iovs, out_iovs, FS_NODUMP_FL',
});

describe('inode flags', () => {
  testExchanges([
    getFlags('01660880'),
    getFlags('01660480'),
    {
      title: 'FS_IOC_FSGETXATTR reports the same flags in the form of XFS, and zeros otherwise',
      opcode: Opcode.IOCTL,
      node: 4,
      body: ioctlBody('1f581c80', '00000000', '1c000000'),
      result: 0x08 | 0x10 | 0x20 | 0x40 | 0x80 | 0x80000, // and FS_EXTENT_FL, which has no other spelling
      calls: [['getFlags', 4]],
      reply: `00000000 00000000 00000000 00000000
              f8000000 ${'00000000'.repeat(6)}`,
    },
    {
      title: 'FS_IOC_SETFLAGS that fails',
      opcode: Opcode.IOCTL,
      node: 4,
      body: `${ioctlBody('02660840', '04000000', '00000000')}
             10000000   # FS_IMMUTABLE_FL`,
      result: -EPERM,
      calls: [['setFlags', 4, 0x10, '1000:100']],
      reply: -EPERM,
    },
  ]);

  it("FS_IOC_SETFLAGS drops the kernel's attributes, which have an old ctime", () => {
    const fileSystem = new RecordingFileSystem();
    const test = TestSession.serving(fileSystem);
    const body = hex(`${ioctlBody('02660840', '04000000', '00000000')}
             40000000`);
    test.ask(message(Opcode.IOCTL, 3, 4, body));
    expect(fileSystem.calls).toEqual([['setFlags', 4, 0x40, '1000:100']]);
    expect(test.replies.map((reply) => [reply.length, reply.readInt32LE(4)])).toEqual([
      [40, 2],
      [32, 0],
    ]);
  });

  const setXflags = (xflags: string, project: string): string => `
             ${ioctlBody('20581c40', '1c000000', '00000000')}
             ${xflags} 00000000 00000000 ${project} 00000000 0000000000000000`;

  it("FS_IOC_FSSETXATTR sets them spelt in XFS's way, and leaves those that have no such spelling", () => {
    const fileSystem = new RecordingFileSystem();
    fileSystem.result = () => 0x80000 | 0x40;
    TestSession.serving(fileSystem).ask(message(Opcode.IOCTL, 3, 4, hex(setXflags('08000000', '00000000'))));
    expect(fileSystem.calls).toEqual([
      ['getFlags', 4],
      ['setFlags', 4, 0x80010, '1000:100'],
    ]);
  });

  it('a project or a flag that only XFS has is EOPNOTSUPP', () => {
    const fileSystem = new RecordingFileSystem();
    const test = TestSession.serving(fileSystem);
    for (const [xflags, project] of [
      ['00000000', '07000000'],
      ['01000000', '00000000'],
    ] as const) {
      const reply = test.ask(message(Opcode.IOCTL, 3, 4, hex(setXflags(xflags, project))));
      expect(errorOf(reply)).toBe(-EOPNOTSUPP);
    }
    expect(fileSystem.calls).toEqual([]);
  });

  it('any other ioctl is ENOTTY, and all that set flags of a read-only file system', () => {
    const writable = TestSession.serving(new RecordingFileSystem());
    const readOnly = TestSession.serving(new SyntheticFileSystem(2, 3));
    const ask = (test: TestSession, command: string): number =>
      errorOf(test.ask(message(Opcode.IOCTL, 3, 4, hex(ioctlBody(command, '00000000', '1c000000')))));
    expect(ask(writable, '01540000')).toBe(-ENOTTY); // TCGETS
    expect(ask(readOnly, '01660880')).toBe(0);
    expect(ask(readOnly, '02660840')).toBe(-ENOTTY);
  });
});
