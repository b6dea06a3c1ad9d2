// Replies of a channel whose device is a fifo, read from its other end: 16 bytes of fuse_out_header, then the payload.
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Channel } from '../../src/sys/channel.ts';
import { fileStateOf } from '../../src/sys/file-state.ts';
import { EBADF, EIO, ENODEV, ENOTTY } from '../../src/vfs/errno.ts';

const read = promisify(fs.read);

interface Reply {
  /** Of a request that is sent again, a bigint. */
  unique: number | bigint;
  error: number;
  payload: string;
}

let root: string;
let reader: number;
let channel: Channel;
beforeEach(() => {
  root = fs.mkdtempSync(join(tmpdir(), 'stratafs-channel-'));
  spawnSync('mkfifo', [join(root, 'device')]);
  const device = fs.openSync(join(root, 'device'), 'r+');
  reader = fs.openSync(join(root, 'device'), 'r');
  channel = new Channel(
    device,
    new Uint8Array(4096),
    new Uint8Array(4096),
    () => 0,
    () => undefined,
  );
});
afterEach(() => {
  channel.close();
  fs.closeSync(reader);
  fs.rmSync(root, { recursive: true });
});

/** The next reply; waits for it. */
async function nextReply(): Promise<Reply> {
  const header = Buffer.alloc(16);
  expect((await read(reader, header, 0, 16, null)).bytesRead).toBe(16);
  const payload = Buffer.alloc(header.readUInt32LE(0) - 16);
  if (payload.length > 0) await read(reader, payload, 0, payload.length, null);
  const unique = header.readBigUInt64LE(8);
  return {
    unique: unique < 2n ** 63n ? Number(unique) : unique,
    error: header.readInt32LE(4),
    payload: payload.toString('latin1'),
  };
}

const resent = (unique: number): bigint => 2n ** 63n + BigInt(unique);

/** The fifo of the device takes 1 MiB. */
function growPipe(path: string): void {
  const program = 'import fcntl, os, sys; fcntl.fcntl(os.open(sys.argv[1], os.O_RDWR), 1031, 1 << 20)';
  const { status, stderr } = spawnSync('python3', ['-c', program, path], { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
}

describe('sendFile', () => {
  // The page cache has the first; proc's files are always read on a pool thread.
  const sources = [
    ['from the page cache', (): string => join(root, 'file')],
    ['on a pool thread', (): string => '/proc/sys/kernel/ostype'],
  ] as const;
  const content = 'Linux\n';

  test.each(sources)('answers with what lies there, %s', async (_title, path) => {
    fs.writeFileSync(join(root, 'file'), content);
    const fd = fs.openSync(path(), 'r');
    channel.sendFile(7, fd, 0, 5, false);
    expect(await nextReply()).toEqual({ unique: 7, error: 0, payload: 'Linux' });
    channel.sendFile(2 ** 52, fd, 2, 3, true);
    expect(await nextReply()).toEqual({ unique: 2 ** 52, error: 0, payload: 'nux' });
    fs.closeSync(fd);
  });

  test.each(sources)(
    'answers a request that is sent again with bit 63 of its unique, %s',
    async (_title, path) => {
      fs.writeFileSync(join(root, 'file'), content);
      const fd = fs.openSync(path(), 'r');
      channel.sendFile(-7, fd, 0, 5, false);
      expect(await nextReply()).toEqual({ unique: resent(7), error: 0, payload: 'Linux' });
      channel.sendData(-(2 ** 52), Buffer.from('bytes'));
      expect(await nextReply()).toEqual({ unique: resent(2 ** 52), error: 0, payload: 'bytes' });
      fs.closeSync(fd);
    },
  );

  test.each(sources)('answers less, or EIO, where the file ends before, %s', async (_title, path) => {
    fs.writeFileSync(join(root, 'file'), content);
    const fd = fs.openSync(path(), 'r');
    channel.sendFile(1, fd, 2, 100, true);
    expect(await nextReply()).toEqual({ unique: 1, error: 0, payload: 'nux\n' });
    channel.sendFile(2, fd, 100, 100, true);
    expect(await nextReply()).toEqual({ unique: 2, error: 0, payload: '' });
    channel.sendFile(3, fd, 2, 100, false);
    expect(await nextReply()).toEqual({ unique: 3, error: -EIO, payload: '' });
    fs.closeSync(fd);
  });

  test.each(sources)('answers EIO where the file is not as it was, %s', async (_title, path) => {
    fs.writeFileSync(join(root, 'file'), content);
    const fd = fs.openSync(path(), 'r');
    const { size, mtimeSec, mtimeNsec } = fileStateOf(fs.fstatSync(fd, { bigint: true }));
    channel.sendFile(1, fd, 0, 5, false, size, mtimeSec, mtimeNsec);
    expect(await nextReply()).toEqual({ unique: 1, error: 0, payload: 'Linux' });
    for (const [n, state] of [
      [size + 1, mtimeSec, mtimeNsec] as const,
      [size, mtimeSec - 1, mtimeNsec] as const,
      [size, mtimeSec, mtimeNsec + 1] as const,
    ].entries()) {
      channel.sendFile(2 + n, fd, 0, 5, false, ...state);
      expect(await nextReply()).toEqual({ unique: 2 + n, error: -EIO, payload: '' });
    }
    fs.closeSync(fd);
  });

  // Replies of this size are spliced, if the kernel says that all bytes are in the page cache (Linux 6.5).
  describe('of 64 KiB and more', () => {
    const bytes = Buffer.from(Array.from({ length: 400_000 }, (_, n) => (n * 7 + (n >> 8)) & 0xff));
    let fd: number;
    beforeEach(() => {
      growPipe(join(root, 'device'));
      fs.writeFileSync(join(root, 'large'), bytes);
      fd = fs.openSync(join(root, 'large'), 'r');
    });
    afterEach(() => {
      fs.closeSync(fd);
    });

    test('answers with what lies there, one reply after the other', async () => {
      for (const [n, [position, length]] of [
        [0, 65_536],
        [513, 300_000],
        [4096 * 3, 65_536 + 1],
        [400_000 - 70_000, 70_000],
      ].entries() as Iterable<[number, [number, number]]>) {
        channel.sendFile(n, fd, position, length, true);
        const payload = bytes.toString('latin1', position, position + length);
        expect(await nextReply()).toEqual({ unique: n, error: 0, payload });
      }
    });

    test('answers less, or EIO, if the file ends early, and is in order afterwards', async () => {
      channel.sendFile(1, fd, 300_000, 131_072, true);
      expect(await nextReply()).toEqual({ unique: 1, error: 0, payload: bytes.toString('latin1', 300_000) });
      channel.sendFile(2, fd, 300_000, 131_072, false);
      expect(await nextReply()).toEqual({ unique: 2, error: -EIO, payload: '' });
      channel.sendFile(3, fd, 1000, 100_000, false);
      const payload = bytes.toString('latin1', 1000, 101_000);
      expect(await nextReply()).toEqual({ unique: 3, error: 0, payload });
    });
  });

  test('answers EIO for what cannot be read, also where the file may end', async () => {
    const directory = fs.openSync(root, 'r');
    channel.sendFile(4, directory, 0, 100, true);
    expect(await nextReply()).toEqual({ unique: 4, error: -EIO, payload: '' });
    fs.closeSync(directory);
  });
});

test('send returns the result of the write', async () => {
  const reply = Buffer.alloc(32);
  reply.writeUInt32LE(16, 0);
  reply.writeBigUInt64LE(5n, 8);
  expect(channel.send(reply, 16)).toBe(0);
  expect(await nextReply()).toEqual({ unique: 5, error: 0, payload: '' });
});

test('a device that passes nothing through has no backing ids', () => {
  expect(channel.openBacking(reader)).toBe(-ENOTTY);
  expect(channel.closeBacking(1)).toBe(-ENOTTY);
});

test('a closed channel sends nothing', () => {
  channel.close();
  expect(channel.send(Buffer.alloc(16), 16)).toBe(0);
  expect(channel.openBacking(reader)).toBe(-ENODEV);
  expect(channel.closeBacking(1)).toBe(0);
  expect(() => fs.readSync(reader, Buffer.alloc(1))).not.toThrow();
});

test('a channel on no device says so', () => {
  const none = new Channel(
    9999,
    new Uint8Array(16),
    new Uint8Array(16),
    () => 0,
    () => undefined,
  );
  expect(none.start()).toBe(-EBADF);
  none.close();
});
