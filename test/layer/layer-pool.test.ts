// Layers that several users of one process have open: once each, as long as somebody needs them.
import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BlockCache } from '../../src/cache/block-cache.ts';
import { IndexStore } from '../../src/layer/index-store.ts';
import { LayerPool } from '../../src/layer/layer-pool.ts';
import type { BlobLocation, ExpectedDigests, Layer, LayerBytes } from '../../src/layer/layer.ts';
import { type OpenLayerOptions, openLayer, reopenLayerBytes } from '../../src/layer/open-layer.ts';
import { openCache } from './cache.ts';

let directory: string;
let blob: string;
let options: OpenLayerOptions & { pool: LayerPool };
let reads: number;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'stratafs-pool-'));
  writeFileSync(join(directory, 'numbers'), Array.from({ length: 300_000 }, (_, i) => `${i}\n`).join(''));
  execFileSync('tar', ['-czf', 'layer.tar.gz', 'numbers'], { cwd: directory });
  blob = join(directory, 'layer.tar.gz');
  reads = 0;
  options = {
    label: 'layer 1',
    cache: new BlockCache(64 << 20),
    pool: new LayerPool(),
    store: new IndexStore(openCache(join(directory, 'cache'))),
    verify: 'when-new',
    onProgress: () => reads++,
  };
});
afterEach(() => rmSync(directory, { recursive: true }));

const locate = (path: string): BlobLocation => ({ path, offset: 0, length: statSync(path).size });

function open(expected: ExpectedDigests = {}, changes: Partial<OpenLayerOptions> = {}): Promise<Layer> {
  return openLayer(locate(blob), expected, { ...options, ...changes });
}

async function reopen(path = blob): Promise<LayerBytes> {
  const bytes = await reopenLayerBytes(locate(path), {}, options);
  if (bytes === undefined) return expect.fail('nothing was saved');
  return bytes;
}

/** How many descriptors of this process are of files in the directory. */
function openFiles(): number {
  const targets = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return ''; // ENOENT: that of the listing itself
    }
  });
  return targets.filter((target) => target.startsWith(`${directory}/`)).length;
}

describe('a layer that is open twice', () => {
  it('is the same reader, index and span table, and one descriptor', async () => {
    const first = await open();
    const second = await open();
    expect(second.reader).toBe(first.reader);
    expect(second.index).toBe(first.index);
    expect(second.facts).toBe(first.facts);
    expect(openFiles()).toBe(1);
    first.close();
    first.close();
    expect(openFiles()).toBe(1);
    expect(await second.reader.read(0, 4)).toHaveLength(4);
    second.close();
    await expect.poll(openFiles).toBe(0); // a span that was read may still be decoded ahead
    expect(options.pool.size).toBe(0);
  });

  it('is read from end to end once, by two who open it at a time', async () => {
    const [first, second] = await Promise.all([open(), open({}, { onProgress: () => expect.fail('read') })]);
    expect(reads).toBeGreaterThan(0);
    expect(second.reader).toBe(first.reader);
    for (const layer of [first, second]) layer.close();
  });

  it('is shared without a cache directory', async () => {
    const first = await open({}, { store: undefined });
    const second = await reopenLayerBytes(locate(blob), {}, { ...options, store: undefined });
    expect(second?.reader).toBe(first.reader);
    first.close();
    second?.close();
  });

  it('is read again where it is to be verified, and then shared', async () => {
    const first = await open();
    reads = 0;
    const second = await open({}, { verify: 'always' });
    expect(reads).toBeGreaterThan(0);
    expect(second.reader).toBe(first.reader);
    for (const layer of [first, second]) layer.close();
    expect(openFiles()).toBe(0);
  });

  it('is refused to who expects another digest, and stays open for the other', async () => {
    const first = await open();
    const digest = `sha256:${'0'.repeat(64)}`;
    await expect(open({ digest })).rejects.toThrow('found digest');
    expect(openFiles()).toBe(1);
    expect(await first.reader.read(0, 4)).toHaveLength(4);
    first.close();
    await expect.poll(openFiles).toBe(0);
  });

  it('is another one once its file was written to', async () => {
    const first = await open();
    writeFileSync(join(directory, 'numbers'), 'other\n');
    execFileSync('tar', ['-czf', 'layer.tar.gz', 'numbers'], { cwd: directory });
    const second = await open();
    expect(second.reader).not.toBe(first.reader);
    for (const layer of [first, second]) layer.close();
  });
});

it('a layer of the same digest in another file has the same span table and its own descriptor', async () => {
  (await open()).close();
  const copy = join(directory, 'copy.tar.gz');
  copyFileSync(blob, copy);
  (await openLayer(locate(copy), {}, options)).close();
  const [first, second] = [await reopen(), await reopen(copy)];
  expect(second.facts?.spans).toBe(first.facts?.spans);
  expect(second.reader).not.toBe(first.reader);
  expect(openFiles()).toBe(2);
  for (const layer of [first, second]) layer.close();
  expect(openFiles()).toBe(0);
});

it('a layer that was not verified is not shared', async () => {
  const tar = join(directory, 'layer.tar');
  execFileSync('tar', ['-cf', tar, 'numbers'], { cwd: directory });
  const [first, second] = await Promise.all(
    [1, 2].map(() => openLayer(locate(tar), {}, { ...options, verify: 'never' })),
  );
  expect(second?.reader).not.toBe(first?.reader);
  first?.close();
  second?.close();
});
