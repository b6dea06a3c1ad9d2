// xz and bzip2: blobs whose bytes all go to the spill file. The accepted input, and the bytes, are those of xz(1) and bzip2(1).
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BlobScan, type ScanError, SpanKind } from '../../src/sys/scan.ts';
import { describeWith } from '../requirements.ts';
import { type Scanned, runScan } from './run-scan.ts';
import { END_OF_ARCHIVE, tarMember } from './tar-bytes.ts';

const programs = ['xz', 'bzip2'] as const;
type Program = (typeof programs)[number];

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

let directory: string;
beforeAll(() => (directory = mkdtempSync(join(tmpdir(), 'stratafs-unpack-'))));
afterAll(() => rmSync(directory, { recursive: true }));

const small = Buffer.concat([
  tarMember({ name: 'a' }, Buffer.from('some text, some more text')),
  END_OF_ARCHIVE,
]);
const large = Buffer.concat([
  tarMember({ name: 'noise' }, randomBytes(1 << 20)),
  tarMember({ name: 'zeros' }, Buffer.alloc(8 << 20)),
  END_OF_ARCHIVE,
]);

const compress = (program: Program, bytes: Uint8Array, ...args: string[]): Buffer =>
  execFileSync(program, ['-c', ...args], { input: bytes, maxBuffer: 1 << 28 });

/** What the program makes of it; undefined if it says that the data are bad. */
function decompress(program: Program, blob: Uint8Array): Buffer | undefined {
  const { status, stdout } = spawnSync(program, ['-dc'], { input: blob, maxBuffer: 1 << 28 });
  return status === 0 ? stdout : undefined;
}

interface Unpacked extends Scanned {
  readonly bytes: Buffer;
}

async function unpack(program: Program, blob: Uint8Array, spillLimit = 1 << 30): Promise<Unpacked> {
  const path = join(directory, 'blob');
  const spillPath = join(directory, 'spill');
  writeFileSync(path, blob);
  const spillFd = openSync(spillPath, 'w+');
  try {
    const scanned = await runScan(path, program, { spillFd, spillThreshold: 0, spillLimit });
    return { ...scanned, bytes: readFileSync(spillPath) };
  } finally {
    closeSync(spillFd);
  }
}

const failureOf = (program: Program, blob: Uint8Array, spillLimit?: number): Promise<ScanError> =>
  unpack(program, blob, spillLimit).then(
    () => expect.fail('the scan went through'),
    (error: unknown) => error as ScanError,
  );

/** Accepted with the program's bytes, or refused where the program refuses it. */
async function expectAsProgram(program: Program, blob: Uint8Array, what: string): Promise<void> {
  const expected = decompress(program, blob);
  if (expected === undefined) {
    expect(await failureOf(program, blob), what).toMatchObject({ code: 'SCAN' });
    return;
  }
  const { bytes, result } = await unpack(program, blob);
  expect(bytes.equals(expected), what).toBe(true);
  expect(result, what).toMatchObject({
    blobSha256: sha256(blob),
    tarSha256: sha256(expected),
    tarSize: expected.length,
  });
}

describe.each(programs)('%s', (program) => {
  describeWith([{ program }], 'as the program reads it', () => {
    it.each(['-1', '-6', '-9'])(
      'at level %s is one span, in the spill file, with its holes',
      async (level) => {
        const { bytes, records, result } = await unpack(program, compress(program, large, level));
        expect(bytes.equals(large)).toBe(true);
        expect(records.map(({ name }) => name)).toEqual(['noise', 'zeros']);
        expect([...result.spans.kind]).toEqual([SpanKind.spill]);
        expect(result.hasSpilled).toBe(true);
        expect(statSync(join(directory, 'spill')).blocks * 512).toBeLessThan(2 << 20);
      },
    );

    it('of several streams is one tar, at whatever byte they meet', async () => {
      const cuts = [0, 1, 511, 512, 1 << 19, large.length - 1, large.length];
      const streams = cuts.map((cut, i) => compress(program, large.subarray(i === 0 ? 0 : cuts[i - 1], cut)));
      await expectAsProgram(program, Buffer.concat(streams), 'streams');
    });

    it('with bytes after the last stream is handled like the program does', async () => {
      const blob = compress(program, small);
      const tails = [0, 1, 3, 4, 8, 511, 5000].map((length) => Buffer.alloc(length));
      for (const junk of ['B', 'BZ', 'BZh', 'BZh9', 'BZh9junk', 'junk', '\xfd7zXZ', '\xfd7zXZ\0junk']) {
        tails.push(Buffer.from(junk, 'latin1'));
      }
      for (const tail of tails) {
        await expectAsProgram(program, Buffer.concat([blob, tail]), JSON.stringify(tail.toString('latin1')));
      }
    });

    it('truncated anywhere is an error at the end of the blob', async () => {
      const blob = compress(program, small);
      for (let length = 1; length < blob.length; length++) {
        expect(await failureOf(program, blob.subarray(0, length)), `${length} bytes`).toMatchObject({
          code: 'SCAN',
          unit: 'blob',
          offset: length,
          found: 'the end of the blob',
        });
      }
    });

    it('with any flipped bit is an error, or as the program reads it', async () => {
      const blob = compress(program, small);
      for (let bit = 0; bit < blob.length * 8; bit += 5) {
        const bad = Buffer.from(blob);
        bad[bit >> 3] = (bad[bit >> 3] as number) ^ (1 << (bit & 7));
        await expectAsProgram(program, bad, `bit ${bit}`);
      }
    });

    it('of more bytes than the disk has room for is an error', async () => {
      expect(await failureOf(program, compress(program, large), 1 << 19)).toMatchObject({
        found: 'over 524288 bytes that have to be kept uncompressed',
      });
    });

    it('of no bytes is an empty tar', async () => {
      const { records, result } = await unpack(program, compress(program, Buffer.alloc(0)));
      expect([records.length, result.tarSize]).toEqual([0, 0]);
    });

    it('that is closed rejects the next under way', async () => {
      const path = join(directory, 'closed');
      writeFileSync(path, compress(program, large));
      const fd = openSync(path, 'r');
      try {
        const options = { fd, offset: 0, length: statSync(path).size, hash: true, spanSize: 1 << 20 };
        const scan = new BlobScan({ ...options, compression: program });
        const next = scan.next(Buffer.alloc(544));
        scan.close();
        await next.catch((error: unknown) => expect(error).toMatchObject({ code: 'ABORT_ERR' }));
      } finally {
        closeSync(fd);
      }
    });
  });
});

describeWith([{ program: 'xz' }], 'xz', () => {
  it.each(['none', 'crc32', 'crc64', 'sha256'])('with the check %s is read', async (check) => {
    await expectAsProgram('xz', compress('xz', small, `--check=${check}`), check);
  });

  it('takes 160 MiB of memory at most', async () => {
    await expectAsProgram('xz', compress('xz', small, '--lzma2=dict=128MiB'), 'dict=128MiB');
    expect(await failureOf('xz', compress('xz', small, '--lzma2=dict=256MiB'))).toMatchObject({
      found: expect.stringMatching(/^xz data that takes 25\d MiB of memory to decompress$/) as string,
      expected: 'at most 160 MiB',
    });
  });
});
