// A layer whose bytes are all here, opened as every layer of a file.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { BlockCache } from '../../src/cache/block-cache.ts';
import { openLayer } from '../../src/layer/open-layer.ts';
import type { WholeLayer } from '../../src/layer/partial-content.ts';

/** Open until the test ends. */
export async function wholeLayerOf(blob: Buffer): Promise<WholeLayer> {
  const directory = mkdtempSync(join(tmpdir(), 'stratafs-whole-'));
  const path = join(directory, 'blob');
  writeFileSync(path, blob);
  const place = { path, offset: 0, length: blob.length };
  const cache = new BlockCache(8 << 20);
  const layer = await openLayer(place, {}, { label: 'layer', cache, store: undefined, verify: 'always' });
  onTestFinished(() => {
    layer.close();
    rmSync(directory, { recursive: true });
  });
  if (layer.facts === undefined) throw new Error('a blob has no facts');
  return { ...layer.facts, index: layer.index, reader: layer.reader };
}
