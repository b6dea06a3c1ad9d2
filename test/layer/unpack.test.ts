import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, onTestFinished, test } from 'vitest';
import {
  type CompressedTar,
  type UnpackOptions,
  unpackTar,
  visitFirstNames,
} from '../../src/layer/unpack.ts';

async function scratch(): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'stratafs-unpack-'));
  onTestFinished(() => rm(root, { recursive: true }));
  return root;
}

/** A tar of a megabyte of noise, `zeros` bytes of zeros, and a last file. */
async function sampleTar(root: string, zeros = 0): Promise<string> {
  await writeFile(join(root, 'noise'), randomBytes(1 << 20));
  execFileSync('truncate', ['-s', String(zeros), join(root, 'zeros')]);
  await writeFile(join(root, 'last'), 'x');
  execFileSync('tar', [
    '-cf',
    join(root, 'plain.tar'),
    '-C',
    root,
    '--format=posix',
    'noise',
    'zeros',
    'last',
  ]);
  return join(root, 'plain.tar');
}

/** `use` gets the descriptor of the file, which is closed afterwards. */
async function withTar<T>(
  path: string,
  compression: CompressedTar['compression'],
  use: (tar: CompressedTar) => Promise<T>,
): Promise<T> {
  const fd = openSync(path, 'r');
  try {
    return await use({ fd, length: fstatSync(fd).size, compression, label: 'F' });
  } finally {
    closeSync(fd);
  }
}

async function unpack(
  path: string,
  compression: CompressedTar['compression'],
  options: Partial<UnpackOptions> = {},
): Promise<number> {
  const out = openSync(`${path}.out`, 'w+');
  try {
    return await withTar(path, compression, (tar) => unpackTar(tar, { out, limit: 1 << 30, ...options }));
  } finally {
    closeSync(out);
  }
}

test.each(['gzip', 'zstd', 'xz', 'bzip2'] as const)(
  'the bytes are those that %s compressed, and the progress ends at the end',
  async (program) => {
    const root = await scratch();
    const plain = await sampleTar(root);
    const path = join(root, 'c');
    execFileSync('sh', ['-c', `${program} -c plain.tar >c`], { cwd: root });
    const positions: number[] = [];
    const size = await unpack(path, program, { progress: (position) => positions.push(position) });
    expect(size).toBe(readFileSync(plain).length);
    expect(readFileSync(`${path}.out`).equals(readFileSync(plain))).toBe(true);
    expect(positions.at(-1)).toBe(readFileSync(path).length);
  },
);

test.each(['gzip', 'zstd', 'xz', 'bzip2'] as const)(
  'zeros become holes and are not counted against the limit: %s',
  async (program) => {
    const root = await scratch();
    await sampleTar(root, 1 << 28);
    const path = join(root, 'c');
    execFileSync('sh', ['-c', `${program} -c plain.tar >c`], { cwd: root });
    const size = await unpack(path, program, { limit: 2 << 20 });
    const fd = openSync(`${path}.out`, 'r');
    const stats = fstatSync(fd);
    closeSync(fd);
    expect(stats.size).toBe(size);
    expect(stats.blocks * 512).toBeLessThan(4 << 20);
  },
);

test('more than the limit is an error', async () => {
  const root = await scratch();
  const path = join(root, 'c');
  await writeFile(path, gzipSync(readFileSync(await sampleTar(root))));
  await expect(unpack(path, 'gzip', { limit: 1000 })).rejects.toMatchObject({ name: 'FormatError' });
});

test('a truncated tar, and a file that is not a tar, is an error that names the bytes', async () => {
  const root = await scratch();
  const path = join(root, 'c');
  const bytes = gzipSync(readFileSync(await sampleTar(root)));
  await writeFile(path, bytes.subarray(0, 500_000));
  await expect(unpack(path, 'gzip')).rejects.toMatchObject({ name: 'FormatError', file: 'F' });
  await writeFile(path, gzipSync('hello'.repeat(500)));
  await expect(unpack(path, 'gzip')).rejects.toMatchObject({ name: 'FormatError', file: 'F (uncompressed)' });
});

test('an aborted signal ends it with its reason', async () => {
  const root = await scratch();
  const tar = join(root, 'big');
  await writeFile(join(root, 'zeros'), '');
  execFileSync('truncate', ['-s', '1000000000', join(root, 'zeros')]);
  execFileSync('sh', ['-c', 'tar -c zeros | gzip -1 >big'], { cwd: root });
  const controller = new AbortController();
  const reason = new Error('enough');
  const unpacking = unpack(tar, 'gzip', { signal: controller.signal });
  controller.abort(reason);
  await expect(unpacking).rejects.toBe(reason);
});

test('the first names are visited until it is enough, long ones too', async () => {
  const root = await scratch();
  const long = `${'d'.repeat(150)}/${'f'.repeat(150)}`;
  execFileSync('mkdir', [join(root, 'd'.repeat(150))]);
  await writeFile(join(root, long), 'x');
  execFileSync('tar', ['-czf', join(root, 'c'), '-C', root, '--format=posix', long, 'd'.repeat(150)]);
  const names: string[] = [];
  await withTar(join(root, 'c'), 'gzip', (tar) => visitFirstNames(tar, (name) => names.push(name) < 2));
  expect(names).toEqual([long, 'd'.repeat(150)]);
  names.length = 0;
  await withTar(join(root, 'c'), 'gzip', (tar) => visitFirstNames(tar, (name) => names.push(name) < 1));
  expect(names).toEqual([long]);
});
