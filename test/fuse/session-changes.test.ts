// The session where changes are answered later: each once, after it has ended, with objects of its own.
import { describe, expect, it } from 'vitest';
import { Opcode } from '../../src/fuse/wire/protocol.ts';
import { EINTR, EIO, ENOSPC, ErrnoError } from '../../src/vfs/errno.ts';
import type { Entry, NodeId } from '../../src/vfs/filesystem.ts';
import { TestSession, errorOf, hex, message, numbers } from './message.ts';
import { MADE, RecordingFileSystem } from './recording-file-system.ts';

const mkdir = (unique: number, name = 'd'): Buffer =>
  message(Opcode.MKDIR, unique, 1, Buffer.from(`\0\0\0\0\0\0\0\0${name}\0`));
const create = (unique: number): Buffer =>
  message(Opcode.CREATE, unique, 1, Buffer.from(`${'\0'.repeat(16)}f\0`));
const write = (unique: number, text: string): Buffer =>
  message(
    Opcode.WRITE,
    unique,
    4,
    Buffer.concat([Buffer.alloc(16), numbers([4, text.length]), Buffer.alloc(20), Buffer.from(text)]),
  );
const interrupt = (unique: number): Buffer => message(Opcode.INTERRUPT, 99, 0, numbers([8, unique]));
const uniqueOf = (reply: Buffer): number => Number(reply.readBigUInt64LE(8));
const turn = (): Promise<void> => new Promise(setImmediate);

/** A file system whose changes settle when the test says so, oldest first. */
function makeLate(): {
  fileSystem: RecordingFileSystem;
  test: TestSession;
  settle: (result: number | Error) => void;
} {
  const fileSystem = new RecordingFileSystem();
  const waiting: ((result: number | Error) => void)[] = [];
  const test = TestSession.serving(fileSystem);
  fileSystem.result = () =>
    new Promise((resolve, reject) => {
      waiting.push((result) => {
        if (typeof result === 'number') resolve(result);
        else reject(result);
      });
    });
  return { fileSystem, test, settle: (result) => waiting.shift()?.(result) };
}

/** FUSE_NOTIFY_INVAL_INODE of a node, its pages left alone. */
const notice = (node: number): Buffer => numbers([4, 40], [4, 2], [8, 0], [8, node], [8, -1], [8, 0]);

describe('a node whose attributes a change moves beside its own', () => {
  it('is not reported before an answer that carries its attributes, which the kernel would then ignore', () => {
    const fileSystem = new RecordingFileSystem();
    const test = TestSession.serving(fileSystem);
    fileSystem.changedNodes.push(1 as NodeId, 9 as NodeId);
    test.replies.length = 0;
    test.handle(message(Opcode.GETATTR, 3, 1, Buffer.alloc(16)));
    expect(test.replies[0]).toEqual(notice(9));
    expect(test.replies.slice(1).map(uniqueOf)).toEqual([3]);
  });

  it('is reported to the kernel before the answer, whether that is a success or not', () => {
    const fileSystem = new RecordingFileSystem();
    const test = TestSession.serving(fileSystem);
    for (const result of [0, -ENOSPC]) {
      fileSystem.result = () => {
        fileSystem.changedNodes.push(5 as NodeId, 9 as NodeId);
        return result;
      };
      test.replies.length = 0;
      test.handle(message(Opcode.UNLINK, 3, 1, Buffer.from('f\0')));
      expect(test.replies.slice(0, 2)).toEqual([notice(5), notice(9)]);
      expect(test.replies.slice(2).map((reply) => [uniqueOf(reply), errorOf(reply)])).toEqual([[3, result]]);
    }
  });

  it('is reported before what is delivered, and before what is answered later', async () => {
    const { fileSystem, test, settle } = makeLate();
    test.handle(create(3));
    test.handle(write(4, 'abc'));
    expect(test.replies).toEqual([]);
    for (const result of [0, 3]) {
      fileSystem.changedNodes.push(6 as NodeId);
      settle(result);
      await turn();
      expect(test.replies[0]).toEqual(notice(6));
      expect(test.replies.slice(1).map(errorOf)).toEqual([0]);
      test.replies.length = 0;
    }
  });
});

describe('a change that is answered later', () => {
  it('is answered once it has ended, in any order', async () => {
    const { test, settle } = makeLate();
    expect(test.handle(mkdir(3))).toBeUndefined();
    expect(test.handle(write(4, 'abc'))).toBeUndefined();
    expect(errorOf(test.ask(message(Opcode.STATFS, 5, 1)))).toBe(0);
    settle(0);
    settle(3);
    await turn();
    expect(test.replies.map((reply) => [uniqueOf(reply), errorOf(reply)])).toEqual([
      [5, 0],
      [3, 0],
      [4, 0],
    ]);
    expect(test.replies.at(-1)?.readUInt32LE(16)).toBe(3);
  });

  it('has an entry of its own: what is answered meanwhile does not get into it', async () => {
    const { fileSystem, test, settle } = makeLate();
    let entry: Entry | undefined;
    fileSystem.mkdir = (_parent, _name, _inode, _call, out) => {
      entry = out;
      return fileSystem.fsync(1 as NodeId, false);
    };
    test.handle(mkdir(3));
    test.ask(message(Opcode.LOOKUP, 4, 2, Buffer.from('f1\0')));
    if (entry !== undefined) {
      entry.nodeId = 55 as NodeId;
      entry.attr.ino = 56;
    }
    settle(0);
    await turn();
    const reply = test.replies.at(-1);
    expect([reply?.readUInt32LE(16), reply?.readUInt32LE(16 + 40)]).toEqual([55, 56]);
  });

  it('that fails is answered its errno, a defect EIO', async () => {
    const { test, settle } = makeLate();
    test.handle(mkdir(3));
    test.handle(mkdir(4));
    test.handle(mkdir(5));
    settle(-ENOSPC);
    settle(new ErrnoError(ENOSPC, 'mkdirat'));
    settle(new Error('a defect'));
    await turn();
    expect(test.replies.map(errorOf)).toEqual([-ENOSPC, -ENOSPC, -EIO]);
  });

  it('is notified of an interrupt, and answered only when it has ended', async () => {
    const { fileSystem, test, settle } = makeLate();
    test.handle(mkdir(3));
    test.handle(mkdir(4));
    expect(test.handle(interrupt(3))).toBeUndefined();
    expect(fileSystem.passed.map((call) => call.isInterrupted)).toEqual([true, false]);
    settle(-EINTR);
    settle(0);
    await turn();
    expect(test.handle(interrupt(3))).toBeUndefined();
    expect(test.handle(interrupt(4))).toBeUndefined();
    expect(test.replies.map((reply) => [uniqueOf(reply), errorOf(reply)])).toEqual([
      [3, -EINTR],
      [4, 0],
    ]);
    expect(fileSystem.passed[1]?.isInterrupted).toBe(false);
  });

  it('without a Call is left alone by an interrupt', async () => {
    const { test, settle } = makeLate();
    test.handle(write(3, 'abc'));
    expect(test.handle(interrupt(3))).toBeUndefined();
    settle(3);
    await turn();
    expect(test.replies.map(errorOf)).toEqual([0]);
  });

  it('that opened what nobody takes is undone', async () => {
    const { fileSystem, test, settle } = makeLate();
    test.handle(create(3));
    test.sendStatus = -2; // ENOENT
    settle(0);
    await turn();
    expect(fileSystem.calls.slice(1)).toEqual([
      ['release', MADE],
      ['forget', MADE, 1],
    ]);
  });

  it('is not answered once the connection is gone, and is waited for', async () => {
    const { fileSystem, test, settle } = makeLate();
    test.handle(create(3));
    test.handle(message(Opcode.FSYNC, 4, 4, hex('0000000000000000 00000000 00000000')));
    let hasEnded = false;
    const ended = test.session.end().then(() => (hasEnded = true));
    expect(fileSystem.passed.map((call) => call.isInterrupted)).toEqual([true]);
    settle(0);
    await turn();
    expect(hasEnded).toBe(false);
    settle(new Error('closed'));
    await ended;
    expect(test.replies).toEqual([]);
    // Closing the file system ends the opens.
    expect(fileSystem.calls.map(([name]) => name)).toEqual(['create', 'fsync']);
  });

  it('does not wait for reads when the connection is gone', async () => {
    const { fileSystem, test } = makeLate();
    fileSystem.below.onRead = () => new Promise(() => undefined);
    fileSystem.read = fileSystem.below.read.bind(fileSystem.below);
    test.handle(message(Opcode.READ, 3, 6, Buffer.alloc(40)));
    await test.session.end();
    expect(test.replies).toEqual([]);
  });
});
