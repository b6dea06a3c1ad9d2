// Small files that unpack to very large ones: what indexing and reading them takes is bounded, in memory and on disk.
import { closeSync, openSync, readSync, statSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { describeWith } from '../requirements.ts';
import { END_OF_ARCHIVE, tarHeader } from '../sys/tar-bytes.ts';
import { type Workplace, run, withWorkplace } from './stratafs.ts';

const MIB = 2 ** 20;
/** Eight matches of a deflate block, of 258 bytes each. */
const UNIT = 8 * 258;
const UNITS = Math.floor((512 * MIB) / UNIT);
/** Of the file, 512 MiB: any buffer that grows with it would be seen. */
const SIZE = 1 + UNIT * UNITS;
const header = tarHeader({ name: 'zeros', size: SIZE });
const end = Buffer.concat([Buffer.alloc(512 - (SIZE % 512)), END_OF_ARCHIVE]);

/** As zlib makes it: a block every 4 MiB, hence checkpoints. */
const manyBlocks = (zeros: Buffer): Buffer => zeros;

/**
 * One deflate block, inside which nothing can begin: a zero byte, then matches of 258 bytes at distance 1, in fixed
 * codes of 13 bits each (RFC 1951, 3.2.6), so that eight are 13 bytes.
 */
function oneBlock(zeros: Buffer): Buffer {
  const unit = Buffer.from('281805a360148c8251300a46c1', 'hex');
  return Buffer.concat([
    zeros.subarray(0, 10),
    Buffer.from('63601805a360148c8251300a46c1', 'hex'),
    Buffer.alloc(unit.length * (UNITS - 1), unit),
    Buffer.from('880700', 'hex'),
    zeros.subarray(-8), // CRC-32 and length are of the same bytes
  ]);
}

/** `stratafs index` of `source`, and the most memory that it had, in bytes. */
async function indexWithPeak(place: Workplace, source: string): Promise<number> {
  // Not ru_maxrss: it counts what the process was before execve(2), a fork of this one.
  const script =
    'import { readFileSync } from "node:fs";' +
    'const peak = () => /VmHWM:\\s+(\\d+)/.exec(readFileSync("/proc/self/status", "utf8"))[1];' +
    'process.on("exit", () => console.error(peak()));';
  const { status, stderr } = await place.stratafs(['index', source], {
    env: {
      ...place.environment,
      NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(script)}`,
    },
  });
  expect(status, stderr).toBe(0);
  // Before the number it may say that plain bytes were kept; nothing else.
  const peak = /^(?:stratafs: .*: kept uncompressed in .*\n)?(\d+)\n$/.exec(stderr)?.[1];
  expect(peak, stderr).toBeDefined();
  return Number(peak) * 1024;
}

/** Indexes and mounts the bomb: all of it is bounded, and its last bytes are what they are. */
async function expectBounded(place: Workplace, source: string): Promise<void> {
  expect(statSync(source).size).toBeLessThan(8 * MIB);
  expect(await indexWithPeak(place, source)).toBeLessThan(256 * MIB);
  const { stdout } = await run('du', ['-sk', place.path('cache')]);
  expect(Number.parseInt(stdout)).toBeLessThan(2048);
  await place.mount(source);
  const fd = openSync(place.path('mnt/zeros'), 'r');
  try {
    const bytes = Buffer.alloc(100, 1);
    expect(readSync(fd, bytes, 0, 100, SIZE - 50)).toBe(50);
    expect(bytes.subarray(0, 50)).toEqual(Buffer.alloc(50));
  } finally {
    closeSync(fd);
  }
  await place.unmount();
}

describeWith(['fuse'], 'half a gigabyte of zeros takes little memory and no disk', () => {
  it.each([
    ['many blocks', manyBlocks],
    ['one block', oneBlock],
  ] as const)('in gzip, %s', (_, form) =>
    withWorkplace(async (place) => {
      const zeros = gzipSync(Buffer.alloc(SIZE), { level: 1 });
      writeFileSync(place.path('bomb'), Buffer.concat([gzipSync(header), form(zeros), gzipSync(end)]));
      await expectBounded(place, place.path('bomb'));
    }),
  );
});

describeWith(
  ['fuse', { program: 'zstd' }],
  'half a gigabyte of zeros takes little memory and no disk',
  () => {
    it('in zstd, one frame', () =>
      withWorkplace(async (place) => {
        writeFileSync(place.path('header'), header);
        writeFileSync(place.path('end'), end);
        const script = `(cat header; head -c ${SIZE} /dev/zero; cat end) | zstd -qc >bomb`;
        await run('sh', ['-c', script], { cwd: place.directory });
        await expectBounded(place, place.path('bomb'));
      }));
  },
);
