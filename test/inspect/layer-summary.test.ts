import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { DentryKind } from '../../src/layer/layer-index.ts';
import { summariseLayers } from '../../src/inspect/layer-summary.ts';
import { sizeOfLayer } from '../../src/layer/layer-size.ts';
import { fixture } from '../mount/stratafs.ts';
import { carrier, directory, file, layer, opaque, symlink, whiteout } from '../tree/layer-maker.ts';
import { inspectedOf } from './inspected.ts';
import { inspectFixture, inspectForTest } from './open.ts';

it("a ChainID is the hash of the one below and the DiffID, the base layer's its DiffID", async () => {
  const sha256 = (text: string): string => `sha256:${createHash('sha256').update(text).digest('hex')}`;
  const [base, second, third] = summariseLayers(await inspectFixture('expressweb'));
  expect(base?.chainId).toBe('sha256:cebffcbf43526d1478ec836cd89273e3ed6d4d71cf565e12ca87dcbf41374521');
  expect(second?.chainId).toBe(sha256(`${base?.chainId ?? ''} ${second?.diffId ?? ''}`));
  expect(third?.chainId).toBe(sha256(`${second?.chainId ?? ''} ${third?.diffId ?? ''}`));
});

it('says where the stored bytes lie: they hash to the digest', async () => {
  for (const { blob, digest } of summariseLayers(await inspectForTest(fixture('forms/oci-gzip.tar')))) {
    const { path, offset, length } = blob as { path: string; offset: number; length: number };
    const bytes = readFileSync(path).subarray(offset, offset + length);
    expect(`sha256:${createHash('sha256').update(bytes).digest('hex')}`).toBe(digest);
  }
});

it('counts a hard link once, symlinks and holes as docker does, and no bytes of what a layer removes', () => {
  const linked = file({ size: 100 });
  const index = layer({
    a: linked,
    b: linked,
    link: symlink('a'),
    gone: whiteout,
    d: opaque({ c: file({ size: 7, extents: [[0, 1, 0]] }) }),
  });
  expect(sizeOfLayer(index)).toBe(107);
  expect([...index.dentryKind].filter((kind) => kind === DentryKind.whiteout)).toHaveLength(1);
});

it('counts names by what they are; a directory that only holds whiteouts is none', () => {
  const index = layer({ d: carrier({ gone: whiteout }), e: directory({ f: file(), l: symlink('f') }) });
  expect(summariseLayers(inspectedOf([index]))).toEqual([
    expect.objectContaining({
      number: 1,
      directory: '/layer-1',
      storedSize: 0,
      chainId: undefined,
      counts: { files: 1, directories: 1, others: 1, whiteouts: 1, opaques: 0 },
    }),
  ]);
});
