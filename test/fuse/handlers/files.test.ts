import { describe, expect, it } from 'vitest';
import { Opcode } from '../../../src/fuse/wire/protocol.ts';
import { S_IFREG } from '../../../src/vfs/attr.ts';
import { EACCES, EEXIST, EROFS, ETXTBSY } from '../../../src/vfs/errno.ts';
import { MADE_ENTRY, testExchanges } from '../exchanges.ts';
import { TestSession, errorOf, hex, message } from '../message.ts';
import { MADE, RecordingFileSystem } from '../recording-file-system.ts';
import { SyntheticFileSystem } from '../synthetic-file-system.ts';

const CACHED = '0000000000000000 22000000 00000000   # fh, FOPEN_KEEP_CACHE | FOPEN_NOFLUSH, backing_id';
const CREATE_IN =
  'c2800000 b6810000 12000000 00000000   # O_RDWR|O_CREAT|O_EXCL|O_LARGEFILE, 0100666, 022, 0';
const openBody = (flags: string): Buffer => hex(`${flags} 00000000`);
const releaseBody = (flags: string): Buffer => hex(`0000000000000000 ${flags} 00000000 0000000000000000`);
const O_RDONLY = '00000000';
const O_RDWR = '02000000';

describe('files', () => {
  testExchanges([
    {
      title: 'OPEN through the page cache, which is kept',
      opcode: Opcode.OPEN,
      node: 4,
      body: '01840000 00000000   # O_WRONLY|O_APPEND|O_LARGEFILE, open_flags',
      calls: [['open', 4, 0o102001, false, '1000:100']],
      reply: CACHED,
    },
    {
      title: 'OPEN that kills set-ID bits says so only with O_TRUNC',
      opcode: Opcode.OPEN,
      node: 4,
      body: '01000000 01000000   # O_WRONLY, FUSE_OPEN_KILL_SUIDGID',
      calls: [['open', 4, 1, false, '1000:100']],
      reply: CACHED,
    },
    {
      title: 'OPEN that fails',
      opcode: Opcode.OPEN,
      node: 4,
      body: '01000000 00000000',
      result: -ETXTBSY,
      calls: [['open', 4, 1, false, '1000:100']],
      reply: -ETXTBSY,
    },
    {
      title: 'CREATE makes a regular file and opens it, O_CREAT and O_EXCL gone',
      opcode: Opcode.CREATE,
      node: 2,
      body: `${CREATE_IN}
             6e657700   # "new"`,
      calls: [['create', 2, 'new', 0o100002, { mode: S_IFREG | 0o666, umask: 0o022, rdev: 0 }, '1000:100']],
      reply: `${MADE_ENTRY}
              ${CACHED}`,
    },
    {
      title: 'CREATE that fails',
      opcode: Opcode.CREATE,
      node: 2,
      body: `${CREATE_IN}
             6e657700`,
      result: -EEXIST,
      calls: [['create', 2, 'new', 0o100002, { mode: S_IFREG | 0o666, umask: 0o022, rdev: 0 }, '1000:100']],
      reply: -EEXIST,
    },
    {
      title: 'TMPFILE opens a file without a name',
      opcode: Opcode.TMPFILE,
      node: 2,
      body: `02804100 80810000 3f000000 00000000   # O_RDWR|O_TMPFILE|O_LARGEFILE, 0100600, 077, 0
             2300                                  # "#"`,
      enough: 16,
      calls: [['tmpfile', 2, 0o100002, { mode: S_IFREG | 0o600, umask: 0o077, rdev: 0 }, '1000:100']],
      reply: `${MADE_ENTRY}
              ${CACHED}`,
    },
    {
      title: 'RELEASE is passed on whoever answered the open',
      opcode: Opcode.RELEASE,
      node: 4,
      body: '0000000000000000 00000000 00000000 0000000000000000   # fh, flags, release_flags, lock_owner',
      calls: [['release', 4]],
      reply: '',
    },
  ]);

  it('OPEN with O_TRUNC that kills set-ID bits drops the attributes that the kernel keeps', () => {
    const fileSystem = new RecordingFileSystem();
    const test = TestSession.serving(fileSystem);
    test.ask(message(Opcode.OPEN, 3, 4, hex('01020000 01000000'))); // O_WRONLY|O_TRUNC
    expect(fileSystem.calls).toEqual([['open', 4, 0o1001, true, '1000:100']]);
    expect(test.replies.map((reply) => reply.readInt32LE(4))).toEqual([2, 0]);
  });

  it('each RELEASE undoes one open', () => {
    const fileSystem = new RecordingFileSystem();
    const test = TestSession.serving(fileSystem);
    const release = (): void => {
      expect(errorOf(test.ask(message(Opcode.RELEASE, 4, 4, releaseBody(O_RDONLY))))).toBe(0);
    };
    test.ask(message(Opcode.OPEN, 3, 4, openBody(O_RDONLY)));
    test.ask(message(Opcode.OPEN, 3, 4, openBody(O_RDONLY)));
    fileSystem.calls.length = 0;
    release();
    release();
    expect(fileSystem.calls).toEqual([
      ['release', 4],
      ['release', 4],
    ]);
  });

  it('a failed open is not entered', () => {
    const fileSystem = new RecordingFileSystem();
    const test = TestSession.serving(fileSystem);
    test.session.openFiles.mayPassThrough = true;
    fileSystem.backingFd = 7;
    fileSystem.result = () => -EACCES;
    test.ask(message(Opcode.OPEN, 3, 4, openBody(O_RDONLY)));
    expect([...test.backings]).toEqual([]);
    expect(fileSystem.calls.map(([name]) => name)).toEqual(['open']);
  });

  it('a backing file is passed through, shared by all opens, and given back before the last release', () => {
    const fileSystem = new RecordingFileSystem();
    const test = TestSession.serving(fileSystem);
    test.session.openFiles.mayPassThrough = true;
    fileSystem.backingFd = 9;
    const passed = hex('20000000 00000000 0300000000000000 0000000000000000 a0000000 f1030000'); // id 1009
    expect(test.ask(message(Opcode.OPEN, 3, 4, openBody(O_RDONLY)))).toEqual(passed);
    fileSystem.backingFd = -1;
    expect(test.ask(message(Opcode.OPEN, 3, 4, openBody(O_RDONLY)))).toEqual(passed);
    test.ask(message(Opcode.RELEASE, 4, 4, releaseBody(O_RDONLY)));
    expect([...test.backings]).toEqual([1009]);
    fileSystem.release = () => {
      expect([...test.backings]).toEqual([]);
    };
    test.ask(message(Opcode.RELEASE, 5, 4, releaseBody(O_RDONLY)));
    expect.assertions(4);
  });

  it('attributes are not kept while a file may be written through a mapping that is passed through', () => {
    const fileSystem = new RecordingFileSystem();
    const test = TestSession.serving(fileSystem);
    test.session.openFiles.mayPassThrough = true;
    fileSystem.backingFd = 9;
    const validity = (): number => test.ask(message(Opcode.GETATTR, 3, 4, Buffer.alloc(16))).readUInt32LE(16);
    test.ask(message(Opcode.OPEN, 3, 4, openBody(O_RDWR)));
    // What the kernel has kept so far is dropped, once.
    expect(test.replies.map((reply) => reply.readInt32LE(4))).toEqual([2, 0]);
    expect(validity()).toBe(0);
    test.replies.length = 0;
    test.ask(message(Opcode.OPEN, 3, 4, openBody(O_RDWR)));
    test.ask(message(Opcode.RELEASE, 3, 4, releaseBody(O_RDWR)));
    expect(test.replies.map((reply) => reply.readInt32LE(4))).toEqual([0, 0]);
    expect(validity()).toBe(0);
    test.ask(message(Opcode.RELEASE, 3, 4, releaseBody(O_RDWR)));
    expect(validity()).toBe(0x7fffffff);
  });

  it('CREATE of a file that is passed through answers attributes that are not kept', () => {
    const fileSystem = new RecordingFileSystem();
    const test = TestSession.serving(fileSystem);
    test.session.openFiles.mayPassThrough = true;
    fileSystem.backingFd = 9;
    const reply = test.ask(message(Opcode.CREATE, 3, 2, hex(`${CREATE_IN}\n6600`)));
    expect(reply.readUInt32LE(16 + 16)).toBe(0x7fffffff); // the entry is
    expect(reply.readUInt32LE(16 + 24)).toBe(0);
    expect(reply.readUInt32LE(16 + 128 + 8)).toBe(0xa0); // FOPEN_NOFLUSH | FOPEN_PASSTHROUGH
    expect(test.replies).toHaveLength(1);
  });

  it('an open that nobody takes is undone, and a made file forgotten', () => {
    const fileSystem = new RecordingFileSystem();
    const test = TestSession.serving(fileSystem);
    test.session.openFiles.mayPassThrough = true;
    fileSystem.backingFd = 9;
    test.sendStatus = -2; // ENOENT
    test.ask(message(Opcode.OPEN, 3, 4, openBody(O_RDONLY)));
    test.ask(message(Opcode.CREATE, 3, 2, hex(`${CREATE_IN}\n6600`)));
    expect(fileSystem.calls.map(([name, node]) => [name, node])).toEqual([
      ['open', 4],
      ['release', 4],
      ['create', 2],
      ['release', MADE],
      ['forget', MADE],
    ]);
    expect(test.backings.size).toBe(0);
  });

  it('on a read-only file system CREATE and TMPFILE are EROFS, RELEASE succeeds', () => {
    const test = TestSession.serving(new SyntheticFileSystem(2, 3));
    const ask = (opcode: number): number => errorOf(test.ask(message(opcode, 3, 4, Buffer.alloc(64))));
    expect([Opcode.CREATE, Opcode.TMPFILE, Opcode.RELEASE].map(ask)).toEqual([-EROFS, -EROFS, 0]);
  });
});
