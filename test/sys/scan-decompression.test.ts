import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateRawSync, gzipSync, inflateRawSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BlobScan, type ScanError, SpanKind } from '../../src/sys/scan.ts';
import { CHUNK_SIZE } from '../../src/vfs/chunks.ts';
import { describeWith } from '../requirements.ts';
import { runScan } from './run-scan.ts';
import { END_OF_ARCHIVE, tarMember } from './tar-bytes.ts';

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const run = (program: string, args: string[], input?: Uint8Array) =>
  execFileSync(program, args, { input, maxBuffer: 1 << 30, stdio: ['pipe', 'pipe', 'ignore'] });

let directory: string;
/** A tar by GNU tar: text that compresses, noise that does not, many small members, a long run of zeros. */
let tar: Buffer;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'stratafs-scan-'));
  const root = join(directory, 'root');
  mkdirSync(root);
  const words = Array.from({ length: 5000 }, (_, i) => `${((i * 7919) % 5003).toString(36)} line\n`).join('');
  writeFileSync(join(root, 'text'), words.repeat(60));
  writeFileSync(join(root, 'noise'), randomBytes(3 << 20));
  writeFileSync(join(root, 'zeros'), Buffer.alloc(9 << 20));
  for (let i = 0; i < 300; i++) writeFileSync(join(root, `small-${i}`), words.slice(i * 10, i * 90));
  tar = run('tar', ['-C', directory, '-cf', '-', 'root']);
});
afterAll(() => rmSync(directory, { recursive: true }));

function store(name: string, bytes: Uint8Array): string {
  const path = join(directory, name);
  writeFileSync(path, bytes);
  return path;
}

/** Scans `blob` and checks digests, size, members and the shape of the spans against the plain tar. */
async function check(blob: Buffer, compression: 'gzip' | 'zstd', plain = tar, spanSize = 1 << 20) {
  const { records, result } = await runScan(store('blob', blob), compression, { spanSize });
  const expected = await runScan(store('plain', plain), 'none');
  expect(result.tarSha256).toBe(sha256(plain));
  expect(result.blobSha256).toBe(sha256(blob));
  expect(result.tarSize).toBe(plain.length);
  expect(records).toEqual(expected.records);
  const { spans } = result;
  expect(spans.plainOffset).toHaveLength(spans.count + 1);
  expect(spans.plainOffset[0]).toBe(0);
  expect(spans.plainOffset[spans.count]).toBe(plain.length);
  expect(spans.blobOffset[spans.count]).toBe(blob.length);
  return spans;
}

async function failure(blob: Buffer, compression: 'gzip' | 'zstd'): Promise<ScanError> {
  return runScan(store('bad', blob), compression).then(
    () => expect.fail('the scan went through'),
    (error: unknown) => error as ScanError,
  );
}

describe('gzip', () => {
  it.each([1, 6, 9])('of level %i has checkpoints about every span size', async (level) => {
    const spans = await check(gzipSync(tar, { level }), 'gzip');
    expect(spans.count).toBeGreaterThan(8);
    for (let i = 0; i + 1 < spans.count; i++) {
      const length = (spans.plainOffset[i + 1] as number) - (spans.plainOffset[i] as number);
      expect(length).toBeGreaterThanOrEqual(1 << 20);
    }
  });

  it('keeps the 32 KiB before a checkpoint as its window', async () => {
    const spans = await check(gzipSync(tar), 'gzip');
    for (let i = 0; i < spans.count; i++) {
      const packed = spans.windows.subarray(spans.windowOffset[i], spans.windowOffset[i + 1]);
      const end = spans.plainOffset[i] as number;
      const window = packed.length === 0 ? packed : inflateRawSync(packed);
      expect(sha256(window)).toBe(sha256(tar.subarray(Math.max(0, end - 32768), end)));
    }
  });

  it('of stored blocks is read', async () => {
    await check(gzipSync(tar, { level: 0 }), 'gzip');
  });

  it('of several members is one tar, at whatever byte of the tar and of the read pieces they meet', async () => {
    const cuts = [0, 1, 511, 512, 70_000, 3 << 20, tar.length - 1, tar.length];
    const members = cuts.map((cut, i) =>
      gzipSync(tar.subarray(i === 0 ? 0 : cuts[i - 1], cut), { level: i % 7 }),
    );
    await check(Buffer.concat(members), 'gzip');
    // The first member ends 0 to 3 bytes before, and after, the end of a piece of 1 MiB.
    const noise = randomBytes((1 << 20) - 2048);
    const member = tarMember({}, noise);
    for (let end = (1 << 20) - 3; end <= (1 << 20) + 3; end++) {
      const name = Buffer.alloc(end - gzipSync(member, { level: 0 }).length - 1, 'n');
      const first = Buffer.from(gzipSync(member, { level: 0 }));
      first[3] = 8; // FNAME
      const named = Buffer.concat([first.subarray(0, 10), name, Buffer.alloc(1), first.subarray(10)]);
      expect(named).toHaveLength(end);
      await check(
        Buffer.concat([named, gzipSync(END_OF_ARCHIVE)]),
        'gzip',
        Buffer.concat([member, END_OF_ARCHIVE]),
      );
    }
  });

  it('of small members has checkpoints without windows, at the members', async () => {
    const members: Buffer[] = [];
    for (let at = 0; at < tar.length; at += 10_000) members.push(gzipSync(tar.subarray(at, at + 10_000)));
    const spans = await check(Buffer.concat(members), 'gzip');
    expect(spans.count).toBeGreaterThan(8);
    expect(spans.windows).toHaveLength(0);
  });

  it('followed by zeros or junk counts them in the digest of the blob only', async () => {
    const blob = gzipSync(tar);
    for (const junk of [
      Buffer.alloc(1),
      Buffer.alloc(5000),
      Buffer.from([0x1f]),
      Buffer.from('\x1f\x8cjunk', 'latin1'),
    ]) {
      await check(Buffer.concat([blob, junk]), 'gzip');
    }
  });

  it('of eStargz is read: a member a file, a table of contents, an empty member with an extra field', async () => {
    const toc = tarMember({ name: 'stargz.index.json' }, Buffer.from('{"version":1,"entries":[]}'));
    const members: Buffer[] = [];
    const content = tar.subarray(0, tar.length - 10_240);
    for (let at = 0; at < content.length; at += 512 * 900) members.push(content.subarray(at, at + 512 * 900));
    members.push(Buffer.concat([toc, END_OF_ARCHIVE]));
    const extra = Buffer.from('SG\x16\x00000000000000abcdSTARGZ', 'latin1');
    const footer = Buffer.concat([
      Buffer.from([0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 255, extra.length, 0]),
      extra,
      Buffer.from([1, 0, 0, 0xff, 0xff]),
      Buffer.alloc(8),
    ]);
    expect(footer).toHaveLength(51);
    const blob = Buffer.concat([...members.map((bytes) => gzipSync(bytes)), footer]);
    await check(blob, 'gzip', Buffer.concat(members));
    expect((await runScan(store('blob', blob), 'gzip')).records.at(-1)?.name).toBe('stargz.index.json');
  });

  it('headers with FEXTRA, FNAME, FCOMMENT and FHCRC are read', async () => {
    const plain = Buffer.concat([tarMember({}, randomBytes(2000)), END_OF_ARCHIVE]);
    const body = deflateRawSync(plain);
    const trailer = gzipSync(plain).subarray(-8);
    const header = Buffer.concat([
      Buffer.from([0x1f, 0x8b, 8, 2 | 4 | 8 | 16, 0, 0, 0, 0, 0, 3]),
      Buffer.from([4, 0, 1, 2, 3, 4]),
      Buffer.from('name\0comment\0'),
    ]);
    const hcrc = Buffer.alloc(2);
    hcrc.writeUInt16LE(gzipCrc(header) & 0xffff);
    await check(Buffer.concat([header, hcrc, body, trailer]), 'gzip', plain);
    hcrc[0] = (hcrc[0] as number) ^ 1;
    expect(await failure(Buffer.concat([header, hcrc, body, trailer]), 'gzip')).toMatchObject({
      unit: 'blob',
    });
  });

  it('truncated anywhere is an error', async () => {
    const blob = gzipSync(Buffer.concat([tarMember({}, randomBytes(3000)), END_OF_ARCHIVE]));
    for (let length = 0; length < blob.length; length += length < 30 || length > blob.length - 30 ? 1 : 97) {
      const error = await failure(blob.subarray(0, length), 'gzip');
      expect(error, `${length} bytes`).toMatchObject({ code: 'SCAN', unit: 'blob', offset: length });
    }
  });

  it('with a wrong checksum or length is an error', async () => {
    for (const at of [-1, -5]) {
      const blob = gzipSync(tar);
      blob[blob.length + at] = (blob[blob.length + at] as number) ^ 1;
      expect((await failure(blob, 'gzip')).found).toMatch(/incorrect (data|length) check/);
    }
  });

  it('with any flipped bit is an error or another digest', async () => {
    const plain = Buffer.concat([tarMember({}, Buffer.from('some text, some more text')), END_OF_ARCHIVE]);
    const blob = gzipSync(plain);
    for (let bit = 0; bit < blob.length * 8; bit++) {
      const bad = Buffer.from(blob);
      bad[bit >> 3] = (bad[bit >> 3] as number) ^ (1 << (bit & 7));
      const outcome = await runScan(store('flipped', bad), 'gzip').catch(
        (error: unknown) => error as ScanError,
      );
      if ('code' in outcome) expect(outcome.code).toBe('SCAN');
      else expect(outcome.result.blobSha256).not.toBe(sha256(blob));
    }
  });

  it('spills a block that is longer than the threshold, holes left as holes', async () => {
    const fd = openSync(join(directory, 'spill'), 'w+');
    try {
      // zlib ends a block after 16,384 matches of 258 bytes: 4 MiB of zeros.
      const { result } = await runScan(store('blob', gzipSync(tar)), 'gzip', {
        spillFd: fd,
        spillThreshold: 2 << 20,
        spillLimit: 1 << 30,
      });
      const { spans } = result;
      expect(result.hasSpilled).toBe(true);
      const spill = readFileSync(join(directory, 'spill'));
      expect(spill).toHaveLength(tar.length);
      for (let i = 0; i < spans.count; i++) {
        if (spans.kind[i] !== SpanKind.spill) continue;
        const [start, end] = spans.plainOffset.subarray(i, i + 2);
        expect(sha256(spill.subarray(start, end))).toBe(sha256(tar.subarray(start, end)));
      }
      expect(statSync(join(directory, 'spill')).blocks * 512).toBeLessThan(4 << 20);
    } finally {
      closeSync(fd);
    }
  });
});

/** The CRC-32 that gzip uses, by gzip itself: it stands in the trailer. */
function gzipCrc(bytes: Uint8Array): number {
  return gzipSync(bytes).readUInt32LE(gzipSync(bytes).length - 8);
}

describeWith([{ program: 'pigz' }], 'gzip by pigz', () => {
  it.each([['-p4'], ['-p4', '-i'], ['-R']])('%s %s is read', async (...args: string[]) => {
    await check(run('pigz', ['-c', ...args], tar), 'gzip');
  });
});

describeWith([{ program: 'zstd' }], 'zstd', () => {
  const skippable = (length: number) => {
    const frame = Buffer.alloc(8 + length, 's');
    frame.writeUInt32LE(0x184d2a53, 0);
    frame.writeUInt32LE(length, 4);
    return frame;
  };
  const compress = (bytes: Uint8Array, ...args: string[]) => run('zstd', ['-c', ...args], bytes);

  it('of one frame, without a content size, is one span', async () => {
    const spans = await check(compress(tar), 'zstd');
    expect([...spans.kind]).toEqual([SpanKind.zstd]);
  });

  it('with windows of 128 MiB is read, with larger ones refused', async () => {
    await check(compress(tar, '--long=27'), 'zstd');
    await expect(check(compress(tar, '--long=28', '-1'), 'zstd')).rejects.toMatchObject({
      code: 'SCAN',
      expected: 'valid zstd data with windows of 128 MiB at most',
    });
  });

  it('of many frames, skippable ones among them, has spans of whole frames', async () => {
    const frames: Buffer[] = [skippable(0)];
    for (let at = 0; at < tar.length; at += 200_000) {
      frames.push(compress(tar.subarray(at, at + 200_000), at % 3 === 0 ? '--no-check' : '-5'));
      if (at % 7 === 0) frames.push(skippable(at % 5000));
    }
    frames.push(skippable(1 << 21));
    const spans = await check(Buffer.concat(frames), 'zstd');
    expect(spans.count).toBeGreaterThan(8);
  });

  it('spills a frame that is longer than the threshold', async () => {
    const small = Buffer.concat([tarMember({ name: 'small' }, randomBytes(50_000))]);
    const plain = Buffer.concat([small, tar]);
    const path = join(directory, 'spill.zst');
    const fd = openSync(path, 'w+');
    try {
      const blob = store(
        'blob',
        Buffer.concat([compress(small), compress(tar), compress(Buffer.alloc(10_240))]),
      );
      const options = { spillFd: fd, spillThreshold: 1 << 20, spillLimit: 1 << 30 };
      const { result } = await runScan(blob, 'zstd', options);
      expect([...result.spans.kind]).toEqual([SpanKind.spill, SpanKind.zstd]);
      expect(result.spans.plainOffset[1]).toBe(plain.length);
      expect(sha256(readFileSync(path).subarray(0, plain.length))).toBe(sha256(plain));
      await expect(runScan(blob, 'zstd', { ...options, spillLimit: 1 << 20 })).rejects.toMatchObject({
        code: 'SCAN',
        found: 'over 1048576 bytes that have to be kept uncompressed',
      });
    } finally {
      closeSync(fd);
    }
  });

  it('truncated or with junk after it is an error', async () => {
    const blob = compress(Buffer.concat([tarMember({}, randomBytes(3000)), END_OF_ARCHIVE]));
    for (let length = 1; length < blob.length; length += length < 30 ? 1 : 97) {
      expect(await failure(blob.subarray(0, length), 'zstd')).toMatchObject({ unit: 'blob', offset: length });
    }
    expect(await failure(Buffer.concat([blob, Buffer.from('junk')]), 'zstd')).toMatchObject({ unit: 'blob' });
  });

  it('with any flipped bit is an error or another digest', async () => {
    const blob = compress(
      Buffer.concat([tarMember({}, Buffer.from('some text, some text')), END_OF_ARCHIVE]),
    );
    for (let bit = 0; bit < blob.length * 8; bit++) {
      const bad = Buffer.from(blob);
      bad[bit >> 3] = (bad[bit >> 3] as number) ^ (1 << (bit & 7));
      const outcome = await runScan(store('flipped', bad), 'zstd').catch(
        (error: unknown) => error as ScanError,
      );
      if ('code' in outcome) expect(outcome.code).toBe('SCAN');
      else expect(outcome.result.blobSha256).not.toBe(sha256(blob));
    }
  });
});

describe('a scan', () => {
  it('of opaque bytes has their digest and nothing else', async () => {
    const { records, result } = await runScan(store('blob', tar), 'opaque');
    expect(records).toEqual([]);
    expect(result).toMatchObject({
      blobSha256: sha256(tar),
      tarSha256: undefined,
      tarSize: 0,
      hasSpilled: false,
      chunkSha256: new Uint8Array(),
    });
  });

  it.each(['none', 'gzip', 'zstd'] as const)('of a %s blob has the digest of each chunk', async (form) => {
    const blob =
      form === 'none' ? tar : form === 'gzip' ? gzipSync(tar, { level: 1 }) : run('zstd', ['-c'], tar);
    const { result } = await runScan(store('blob', blob), form);
    const chunks = Array.from({ length: Math.ceil(blob.length / CHUNK_SIZE) }, (_, i) =>
      createHash('sha256')
        .update(blob.subarray(i * CHUNK_SIZE, (i + 1) * CHUNK_SIZE))
        .digest(),
    );
    expect(chunks.length).toBeGreaterThan(20);
    expect(Buffer.from(result.chunkSha256).equals(Buffer.concat(chunks))).toBe(true);
  });

  it('of a blob within a file takes that range only', async () => {
    const blob = gzipSync(tar);
    const path = store('archive', Buffer.concat([Buffer.alloc(1000, 'a'), blob, Buffer.alloc(1000, 'z')]));
    const { result } = await runScan(path, 'gzip', { offset: 1000, length: blob.length });
    expect(result).toMatchObject({ blobSha256: sha256(blob), tarSha256: sha256(tar) });
  });

  it.each(['none', 'gzip', 'zstd', 'opaque'] as const)(
    'of a file shorter than its blob (%s) is an error',
    async (form) => {
      const path = store('short', form === 'gzip' ? gzipSync(tar) : Buffer.alloc(0));
      const size = statSync(path).size;
      await expect(runScan(path, form, { length: size + 10 })).rejects.toMatchObject({
        unit: 'blob',
        offset: size,
        found: 'the end of the file',
        expected: `${size + 10} bytes`,
      });
    },
  );

  it.each(['none', 'gzip'] as const)(
    '(%s) that is closed rejects the next under way, and all later ones',
    async (form) => {
      const path = store('blob', form === 'gzip' ? gzipSync(tar) : tar);
      const fd = openSync(path, 'r');
      try {
        const scan = new BlobScan({
          fd,
          offset: 0,
          length: statSync(path).size,
          compression: form,
          hash: true,
          spanSize: 1 << 20,
        });
        const buffer = Buffer.alloc(4096);
        expect(await scan.next(buffer)).toBeGreaterThan(0);
        const under = scan.next(buffer);
        await expect(scan.next(buffer)).rejects.toThrow('under way');
        scan.close();
        await under.catch((error: unknown) => expect(error).toMatchObject({ code: 'ABORT_ERR' }));
        await expect(scan.next(buffer)).rejects.toMatchObject({ code: 'ABORT_ERR' });
        expect(() => scan.result()).toThrow('not ended');
        scan.close();
      } finally {
        closeSync(fd);
      }
    },
  );

  it('of members after a decompression error reports the error, not a short tar', async () => {
    const half = gzipSync(tar).subarray(0, 500_000);
    expect(await failure(half, 'gzip')).toMatchObject({
      unit: 'blob',
      offset: 500_000,
      found: 'the end of the blob',
    });
  });
});
