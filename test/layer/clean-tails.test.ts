// Which files a scan notes to be followed by zeros (InodeFlag.cleanTail).
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { BlockCache } from '../../src/cache/block-cache.ts';
import { InodeFlag } from '../../src/layer/layer-index.ts';
import { openLayer } from '../../src/layer/open-layer.ts';
import { scratchDirectory } from '../image/scratch.ts';
import { pax, rawMember, rawTar } from '../tar/raw-tar.ts';
import { dentriesByPath } from './show-index.ts';

/** A member whose padding ends in a byte that is not zero. */
function dirtyMember(name: string): Buffer {
  const member = rawMember({ name, body: 'dirty' });
  member[member.length - 1] = 1;
  return member;
}

const tar = rawTar(
  { name: 'clean', body: 'clean' },
  dirtyMember('dirty'),
  { name: 'directory', type: '5' },
  { name: 'link', type: '1', linkname: 'clean' },
  { name: 'block', body: Buffer.alloc(512, 1) },
  { name: 'empty' },
  pax({ 'GNU.sparse.size': '100', 'GNU.sparse.map': '0,1,50,2' }),
  { name: 'sparse', body: 'abc' },
  pax({ 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.realsize': '515', size: '515' }),
  { name: 'map', body: Buffer.concat([Buffer.from('1\n0\n3\n'), Buffer.alloc(506), Buffer.from('abc')]) },
  { name: 'twice', body: 'clean' },
  dirtyMember('twice'),
  { name: 'last', body: 'clean' },
);

/** The names with the flag. */
async function cleanNames(blob: Buffer, verify: 'when-new' | 'never'): Promise<string[]> {
  const path = join(await scratchDirectory(), 'layer');
  writeFileSync(path, blob);
  const options = { label: 'layer', cache: new BlockCache(1 << 20), store: undefined, verify };
  const layer = await openLayer({ path, offset: 0, length: blob.length }, {}, options);
  try {
    const { inodeFlags, dentryTarget } = layer.index;
    const isClean = (dentry: number): boolean =>
      ((inodeFlags[dentryTarget[dentry] as number] as number) & InodeFlag.cleanTail) !== 0;
    return [...dentriesByPath(layer.index)].filter(([, dentry]) => isClean(dentry)).map(([name]) => name);
  } finally {
    layer.close();
  }
}

it.each([
  ['gzip', gzipSync(tar)],
  ['plain', tar],
])('the pass over a %s layer notes files in one piece before zeros', async (_, blob) => {
  expect((await cleanNames(blob, 'when-new')).sort()).toEqual(['block', 'clean', 'empty', 'last', 'link']);
});

it('a pass that skips the data notes nothing', async () => {
  expect(await cleanNames(tar, 'never')).toEqual([]);
});
