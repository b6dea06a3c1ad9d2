// Layers as GNU tar, gzip and zstd make them, opened as a mount does.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BlockCache } from '../../src/cache/block-cache.ts';
import { IndexStore } from '../../src/layer/index-store.ts';
import type { ExpectedDigests, Layer, LayerBytes } from '../../src/layer/layer.ts';
import { openLayer, type OpenLayerOptions, reopenLayerBytes } from '../../src/layer/open-layer.ts';
import { FileRange, type BlobReader } from '../../src/vfs/blob-reader.ts';
import { FormatError, InputError } from '../../src/vfs/input-error.ts';
import { describeWith } from '../requirements.ts';
import { openCache } from './cache.ts';

let directory: string;
let tar: string;
let store: IndexStore;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'stratafs-open-'));
  const content = join(directory, 'content');
  mkdirSync(join(content, 'etc'), { recursive: true });
  writeFileSync(join(content, 'etc/motd'), 'hello\n');
  // Three spans of bytes that do not compress to nothing.
  const block = createHash('sha256').update('seed').digest('hex');
  writeFileSync(join(content, 'big'), Array.from({ length: 50_000 }, (_, i) => `${i} ${block}\n`).join(''));
  tar = join(directory, 'layer.tar');
  execFileSync('tar', ['--sort=name', '-C', content, '-cf', tar, '.']);
  store = new IndexStore(openCache(join(directory, 'cache')));
});
afterEach(() => rmSync(directory, { recursive: true }));

const sha256 = (path: string): string =>
  `sha256:${createHash('sha256').update(readFileSync(path)).digest('hex')}`;

interface Outcome {
  readonly layer: Layer;
  /** True if the blob was read from end to end. */
  readonly wasRead: boolean;
}

async function open(
  path: string,
  expected: ExpectedDigests = {},
  options: Partial<OpenLayerOptions> = {},
): Promise<Outcome> {
  let wasRead = false;
  const layer = await openLayer({ path, offset: 0, length: readFileSync(path).length }, expected, {
    label: 'layer 1',
    cache: new BlockCache(64 << 20),
    store,
    verify: 'when-new',
    onProgress: () => (wasRead = true),
    ...options,
  });
  return { layer, wasRead };
}

async function readAll(reader: BlobReader): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for (let at = 0; at < reader.size;) {
    const result = await reader.read(at, 300_000);
    if (typeof result === 'number') return expect.fail(`errno ${result}`);
    const piece =
      result instanceof FileRange
        ? readFileSync(`/proc/self/fd/${result.fd}`).subarray(
            result.position,
            result.position + result.length,
          )
        : Buffer.from(result);
    pieces.push(piece);
    at += piece.length;
  }
  return Buffer.concat(pieces);
}

describeWith([{ program: 'zstd' }, { program: 'xz' }, { program: 'bzip2' }], 'openLayer', () => {
  const compressors: readonly (readonly [string, string])[] = [
    ['none', 'cat'],
    ['gzip', 'gzip -1'],
    ['zstd', 'zstd -q'],
    ['xz', 'xz -1'],
    ['bzip2', 'bzip2 -1'],
  ];

  it.each(compressors)(
    'reads a layer of compression %s, and knows both digests',
    async (compression, command) => {
      const path = join(directory, 'blob');
      execFileSync('sh', ['-c', `${command} <"$1" >"$2"`, 'sh', tar, path]);
      const expected = { digest: sha256(path), diffId: sha256(tar) };
      for (const wasRead of [true, false]) {
        const outcome = await open(path, expected);
        expect(outcome.wasRead).toBe(wasRead);
        expect(outcome.layer).toMatchObject({ compression, ...expected });
        expect(outcome.layer.index.dentryCount).toBe(4);
        expect((await readAll(outcome.layer.reader)).equals(readFileSync(tar))).toBe(true);
        outcome.layer.close();
      }
    },
  );

  it('says so once when a long zstd frame is kept uncompressed', async () => {
    const path = join(directory, 'long.zst');
    execFileSync('sh', [
      '-c',
      'head -c 20000000 /dev/zero >"$1/zeros"; tar -C "$1" -c zeros | zstd -q >"$2"',
      'sh',
      directory,
      path,
    ]);
    const notices: string[] = [];
    for (let i = 0; i < 2; i++)
      (await open(path, {}, { onNotice: (text) => notices.push(text) })).layer.close();
    expect(notices).toEqual([
      `layer 1: 20 MiB of zstd can't be read in place: kept uncompressed in ${join(store.directory, 'plain')}`,
    ]);
  });

  it('hashes a copy again, without making its index again', async () => {
    (await open(tar, { diffId: sha256(tar) })).layer.close();
    const copy = join(directory, 'copy.tar');
    copyFileSync(tar, copy);
    const first = await open(copy, { diffId: sha256(tar) });
    const second = await open(copy, { diffId: sha256(tar) });
    expect([first.wasRead, second.wasRead]).toEqual([true, false]);
    expect(readdirSync(join(store.directory, 'indexes'))).toHaveLength(1);
    for (const { layer } of [first, second]) layer.close();
  });

  it('finds damage in a copy although the index of the sound blob is known', async () => {
    const expected = { diffId: sha256(tar) };
    (await open(tar, expected)).layer.close();
    const damaged = join(directory, 'damaged.tar');
    const bytes = readFileSync(tar);
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] as number) ^ 1;
    writeFileSync(damaged, bytes);
    await expect(open(damaged, expected)).rejects.toThrow(
      `layer 1: found digest ${sha256(damaged)}, expected ${expected.diffId}: the archive is damaged`,
    );
    (await open(damaged, expected, { verify: 'never' })).layer.close();
    await expect(open(damaged, expected)).rejects.toThrow(InputError);
  });

  it('verifies again if verify is always', async () => {
    (await open(tar)).layer.close();
    const outcome = await open(tar, {}, { verify: 'always' });
    expect(outcome.wasRead).toBe(true);
    outcome.layer.close();
  });

  it.each([512, 1024])(
    'says that the %d bytes of padding at the end of the tar are missing',
    async (lost) => {
      const expected = sha256(tar);
      truncateSync(tar, readFileSync(tar).length - lost);
      execFileSync('gzip', ['-k', tar]);
      const message = new RegExp(
        `layer 1: the tar ends without its padding: ${lost} bytes of zeros are missing, .*: --no-verify mounts it`,
      );
      const claim = { diffId: expected };
      await expect(open(`${tar}.gz`, claim)).rejects.toThrow(message);
      await expect(open(tar, claim)).rejects.toThrow(message);
      const { layer } = await open(`${tar}.gz`, claim, { verify: 'never', store });
      layer.close();
      // What that mount has saved does not hide why.
      await expect(open(`${tar}.gz`, claim, { store })).rejects.toThrow(message);
    },
  );

  it('names both DiffIDs where a compressed layer holds another tar', async () => {
    const path = join(directory, 'blob.gz');
    execFileSync('sh', ['-c', 'gzip <"$1" >"$2"', 'sh', tar, path]);
    const wrong = `sha256:${'0'.repeat(64)}`;
    await expect(open(path, { digest: sha256(path), diffId: wrong })).rejects.toThrow(
      `layer 1: found DiffID ${sha256(tar)}, expected ${wrong}`,
    );
  });

  it('notices that a file changed since it was verified', async () => {
    const expected = { diffId: sha256(tar) };
    (await open(tar, expected)).layer.close();
    appendFileSync(tar, Buffer.alloc(512));
    await expect(open(tar, expected)).rejects.toThrow(InputError);
  });

  it('makes an index anew that is corrupt', async () => {
    (await open(tar)).layer.close();
    const [name] = readdirSync(join(store.directory, 'indexes'));
    truncateSync(join(store.directory, 'indexes', name ?? ''), 100);
    const outcome = await open(tar);
    expect([outcome.wasRead, outcome.layer.index.dentryCount]).toEqual([true, 4]);
    outcome.layer.close();
  });

  it('names file, offset, what was found and what was expected where the tar is malformed', async () => {
    writeFileSync(join(directory, 'junk'), Buffer.alloc(2048, 'x'));
    await expect(open(join(directory, 'junk'))).rejects.toThrow(/^layer 1: at byte 0: found .*, expected /);
    truncateSync(tar, 700);
    await expect(open(tar)).rejects.toThrow(FormatError);
  });

  it('keeps the plain bytes of one huge zstd frame, and reads it again where they were cut short', async () => {
    truncateSync(join(directory, 'content/big'), 20 << 20);
    execFileSync('tar', ['-C', join(directory, 'content'), '-cf', tar, 'big']);
    const path = join(directory, 'blob');
    execFileSync('sh', ['-c', 'zstd -q <"$1" >"$2"', 'sh', tar, path]);
    const reads: boolean[] = [];
    for (let i = 0; i < 4; i++) {
      const { layer, wasRead } = await open(path, { digest: sha256(path) });
      reads.push(wasRead);
      expect(layer.reader.read(5 << 20, 100)).toBeInstanceOf(FileRange);
      expect((await readAll(layer.reader)).equals(readFileSync(tar))).toBe(true);
      layer.close();
      const [name] = readdirSync(join(store.directory, 'plain'));
      if (i === 1) truncateSync(join(store.directory, 'plain', name ?? ''), 1 << 20);
    }
    expect(reads).toEqual([true, false, true, false]);
  });

  it('without verification skips through a plain blob, and claims no digest', async () => {
    (await open(tar, { diffId: sha256(tar) })).layer.close();
    const copy = join(directory, 'copy.tar');
    copyFileSync(tar, copy);
    const { layer } = await open(copy, { diffId: sha256(tar) }, { verify: 'never' });
    expect([layer.digest, layer.diffId, layer.index.dentryCount]).toEqual([undefined, undefined, 4]);
    layer.close();
  });

  it('leaves no descriptor open where it fails', async () => {
    const foreign = join(directory, 'blob.xz');
    writeFileSync(foreign, Buffer.from('04224d18640000', 'hex'));
    const before = readdirSync('/proc/self/fd').length;
    for (let i = 0; i < 5; i++) await expect(open(foreign)).rejects.toThrow('found lz4 compression');
    expect(readdirSync('/proc/self/fd')).toHaveLength(before);
  });

  it('stops when aborted, and saves nothing', async () => {
    const abort = new AbortController();
    abort.abort(new Error('stopped'));
    await expect(open(tar, {}, { signal: abort.signal })).rejects.toThrow('stopped');
    expect(() => readdirSync(join(store.directory, 'indexes'))).toThrow(/ENOENT/);
  });

  it('refuses a range that the file does not have', async () => {
    const location = { path: tar, offset: 512, length: readFileSync(tar).length };
    const options = {
      label: 'layer 2',
      cache: new BlockCache(1),
      store: undefined,
      verify: 'never',
    } as const;
    await expect(openLayer(location, {}, options)).rejects.toThrow(/expected layer 2 to end at byte/);
  });
});

/** The bytes of a blob that was opened before. */
function reopen(
  path: string,
  expected: ExpectedDigests = {},
  verify: OpenLayerOptions['verify'] = 'when-new',
): Promise<LayerBytes | undefined> {
  const location = { path, offset: 0, length: readFileSync(path).length };
  return reopenLayerBytes(location, expected, {
    label: 'layer 1',
    cache: new BlockCache(64 << 20),
    store,
    verify,
  });
}

/** Spoils what comes last in each index file: the columns. */
function spoilColumns(): void {
  const folder = join(store.directory, 'indexes');
  for (const name of readdirSync(folder)) {
    const bytes = readFileSync(join(folder, name));
    writeFileSync(join(folder, name), bytes.fill(0xff, bytes.length - 64));
  }
}

const descriptors = (): number => readdirSync('/proc/self/fd').length;

describeWith([{ program: 'zstd' }, { program: 'gzip' }], 'reopenLayerBytes', () => {
  it.each([
    ['none', 'cat'],
    ['gzip', 'gzip -1'],
    ['zstd', 'zstd -q'],
    ['xz', 'xz -1'],
    ['bzip2', 'bzip2 -1'],
  ])('reads a layer of compression %s without its index', async (compression, command) => {
    const path = join(directory, 'blob');
    execFileSync('sh', ['-c', `${command} <"$1" >"$2"`, 'sh', tar, path]);
    const expected = { digest: sha256(path), diffId: sha256(tar) };
    expect(await reopen(path, expected)).toBeUndefined();
    (await open(path, expected)).layer.close();
    spoilColumns();
    const before = descriptors();
    const bytes = (await reopen(path, expected)) ?? expect.fail('it was not kept');
    expect(bytes).toMatchObject({ compression, ...expected });
    expect((await readAll(bytes.reader)).equals(readFileSync(tar))).toBe(true);
    bytes.close();
    expect(descriptors()).toBe(before);
    const { layer, wasRead } = await open(path, expected);
    expect(wasRead).toBe(true); // the index was spoilt indeed
    layer.close();
  });

  it('refuses bytes of another digest or DiffID than the image states, unless verify is never', async () => {
    const path = join(directory, 'blob.gz');
    execFileSync('sh', ['-c', 'gzip <"$1" >"$2"', 'sh', tar, path]);
    (await open(path)).layer.close();
    const wrong = `sha256:${'0'.repeat(64)}`;
    const before = descriptors();
    await expect(reopen(path, { digest: wrong })).rejects.toThrow(
      `layer 1: found digest ${sha256(path)}, expected ${wrong}: the archive is damaged`,
    );
    // Then the whole layer is opened, which says how the tar differs.
    expect(await reopen(path, { diffId: wrong })).toBeUndefined();
    await expect(open(path, { diffId: wrong }, { store })).rejects.toThrow(
      `found DiffID ${sha256(tar)}, expected ${wrong}`,
    );
    (await reopen(path, { digest: wrong, diffId: wrong }, 'never'))?.close();
    expect(descriptors()).toBe(before);
  });

  it('knows nothing of a file that changed, of a copy, and of what is to be verified again', async () => {
    (await open(tar)).layer.close();
    const copy = join(directory, 'copy.tar');
    copyFileSync(tar, copy);
    const before = descriptors();
    expect(await Promise.all([reopen(copy), reopen(copy, {}, 'never'), reopen(tar, {}, 'always')])).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    appendFileSync(tar, Buffer.alloc(512));
    expect(await reopen(tar)).toBeUndefined();
    expect(descriptors()).toBe(before);
  });

  it('knows nothing of a layer whose plain bytes are gone', async () => {
    truncateSync(join(directory, 'content/big'), 20 << 20);
    execFileSync('tar', ['-C', join(directory, 'content'), '-cf', tar, 'big']);
    const path = join(directory, 'blob');
    execFileSync('sh', ['-c', 'zstd -q <"$1" >"$2"', 'sh', tar, path]);
    (await open(path)).layer.close();
    const bytes = (await reopen(path)) ?? expect.fail('it was not kept');
    expect((await readAll(bytes.reader)).equals(readFileSync(tar))).toBe(true);
    bytes.close();
    const before = descriptors();
    rmSync(join(store.directory, 'plain'), { recursive: true });
    expect(await reopen(path)).toBeUndefined();
    expect(descriptors()).toBe(before);
  });

  it('refuses what openLayer refuses, and leaves no descriptor open', async () => {
    const foreign = join(directory, 'blob.xz');
    writeFileSync(foreign, Buffer.from('04224d18640000', 'hex'));
    const before = descriptors();
    await expect(reopen(foreign)).rejects.toThrow('found lz4 compression');
    expect(descriptors()).toBe(before);
  });
});

describe('openLayer without a store', () => {
  it('saves nothing', async () => {
    (await open(tar, {}, { store: undefined })).layer.close();
    expect(readdirSync(directory)).toEqual(['content', 'layer.tar']);
  });
});
