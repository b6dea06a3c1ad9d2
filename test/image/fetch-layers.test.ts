// Layers that are fetched: each digest once, four at a time, and no transfer is left after a failure.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { BlockCache } from '../../src/cache/block-cache.ts';
import { fetchLayers, startFetching } from '../../src/image/fetch-layers.ts';
import type { Image, LayerSource, RemoteLayer } from '../../src/image/image.ts';
import { bareImage } from '../../src/image/lower-stack.ts';
import { openLayers } from '../../src/image/open-layers.ts';
import { sampleLayer } from './sample-images.ts';
import { scratchDirectory, sha256 } from './scratch.ts';

interface Fetch {
  readonly digest: string;
  readonly signal: AbortSignal | undefined;
  end(error?: Error): void;
}

/** Layers of `digests` that are missing, and the transfers that were started. */
function missing(digests: readonly string[]): { sources: LayerSource[]; fetches: Fetch[] } {
  const fetches: Fetch[] = [];
  const sources = digests.map((digest): LayerSource => {
    const remote: RemoteLayer = {
      compression: 'gzip',
      isHere: () => false,
      discard: () => undefined,
      source: () => expect.fail('no bytes are read'),
      fetch: ({ signal }) =>
        new Promise((resolve, reject) => {
          fetches.push({
            ...{ digest, signal },
            end: (error) => (error === undefined ? resolve() : reject(error)),
          });
        }),
    };
    return { kind: 'blob', digest, remote, blob: { path: '/nonexistent', offset: 0, length: 10 } };
  });
  return { sources, fetches };
}

/** Lets promises go on that wait for nothing else. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('layers', () => {
  test('of the same digest are fetched once', async () => {
    const { sources, fetches } = missing(['a', 'b', 'a']);
    const pending = startFetching(sources, {});
    expect(fetches.map(({ digest }) => digest)).toEqual(['a', 'b']);
    expect(pending.get(sources[2] as LayerSource)).toBe(pending.get(sources[0] as LayerSource));
    for (const each of fetches) each.end();
    await Promise.all(pending.values());
  });

  test('are fetched four at a time; whichever ends makes place for the next', async () => {
    const { sources, fetches } = missing(['a', 'b', 'c', 'd', 'e', 'f', 'g']);
    const all = fetchLayers(sources, {});
    await turn();
    expect(fetches.map(({ digest }) => digest).join('')).toBe('abcd');
    fetches[3]?.end();
    await turn();
    fetches[4]?.end();
    await turn();
    expect(fetches.map(({ digest }) => digest).join('')).toBe('abcdef');
    for (let i = 0; i < 7; i++) {
      fetches[i]?.end();
      await turn();
    }
    await all;
  });

  test('are aborted if one of them fails, and all have ended before the failure is thrown', async () => {
    const { sources, fetches } = missing(['a', 'b']);
    let isThrown = false;
    const all = fetchLayers(sources, {}).finally(() => (isThrown = true));
    all.catch(() => undefined);
    fetches[0]?.end(new Error('refused'));
    await turn();
    expect(fetches[1]?.signal?.reason).toEqual(new Error('refused'));
    expect(isThrown).toBe(false);
    fetches[1]?.end();
    await expect(all).rejects.toThrow('refused');
  });
});

describe('openLayers', () => {
  const options = { cache: new BlockCache(1 << 20), store: undefined, verify: 'when-new' } as const;

  test('aborts all transfers if one fails, and waits until they have ended', async () => {
    const { sources, fetches } = missing(['a', 'b', 'c', 'd']);
    let isThrown = false;
    const opening = openLayers(bareImage('docker://x/y', sources), options).finally(() => (isThrown = true));
    opening.catch(() => undefined);
    // The caller waits for the first ones.
    fetches[3]?.end(new Error('refused'));
    await turn();
    expect(fetches.map(({ signal }) => signal?.aborted)).toEqual([true, true, true, true]);
    for (const each of fetches.slice(0, 2)) each.end(new Error('aborted'));
    await turn();
    expect(isThrown).toBe(false);
    fetches[2]?.end(new Error('aborted'));
    await expect(opening).rejects.toThrow('refused');
  });

  /** One layer whose file has `stored`; a new fetch brings `bytes`. */
  async function fetched(
    bytes: Buffer,
    stored: Buffer,
    diffId: string,
  ): Promise<{ image: Image; count: () => number }> {
    const path = join(await scratchDirectory(), 'layer');
    writeFileSync(path, stored);
    let count = 0;
    const remote: RemoteLayer = {
      compression: 'gzip',
      isHere: () => true,
      discard: () => undefined,
      source: () => expect.fail('no bytes are read'),
      fetch: () => {
        count++;
        writeFileSync(path, bytes);
        return Promise.resolve();
      },
    };
    const digest = `sha256:${sha256(bytes)}`;
    const blob = { path, offset: 0, length: bytes.length };
    const image = bareImage('docker://x/y', [{ kind: 'blob', digest, diffId, remote, blob }]);
    return { image, count: () => count };
  }

  test.each([
    ['in its data', 20],
    ['in its first bytes', 0],
  ])('fetches a layer again that was damaged %s', async (_, at) => {
    const { tar, diffId } = await sampleLayer('text');
    const bytes = gzipSync(tar);
    const damaged = Buffer.from(bytes);
    damaged[at] = (damaged[at] ?? 0) ^ 0xff;
    const { image, count } = await fetched(bytes, damaged, diffId);
    for (const { layer } of await openLayers(image, options)) layer.close();
    expect(count()).toBe(1);
  });

  test('does not fetch a layer again where the config has another DiffID', async () => {
    const bytes = gzipSync((await sampleLayer('text')).tar);
    const { diffId } = await sampleLayer('other');
    const { image, count } = await fetched(bytes, bytes, diffId);
    await expect(openLayers(image, options)).rejects.toThrow(/found DiffID/);
    expect(count()).toBe(0);
  });
});
