// What a registry may answer in place of an index artifact: anything. Nothing malformed is used, and nothing throws.
import { expect, it } from 'vitest';
import { gzipSync } from 'node:zlib';
import {
  ARTIFACT_TYPE,
  type IndexBlobs,
  descriptorOf,
  listArtifacts,
  readManifest,
  referrersTag,
  replaceArtifact,
  writeManifest,
} from '../../src/index-source/artifact.ts';
import { decodeNames, encodeParts } from '../../src/index-source/layer-parts.ts';
import type { IndexedLayer } from '../../src/layer/index-file.ts';
import { indexTar } from '../layer/show-index.ts';
import { rawTar } from '../tar/raw-tar.ts';
import { Random } from '../tree/random.ts';

const IMAGE = { ...descriptorOf(Buffer.from('image')), mediaType: 'application/x' };
const LAYER = descriptorOf(Buffer.from('layer')).digest;
const blobs: ReadonlyMap<string, IndexBlobs> = new Map([
  [LAYER, { names: descriptorOf(Buffer.from('n')), windows: descriptorOf(Buffer.from('w')) }],
  [IMAGE.digest, { names: descriptorOf(Buffer.from('p')), windows: undefined }],
]);

const tar = rawTar({ name: 'd/x', body: 'abc' });
const layer: IndexedLayer = {
  index: indexTar(tar),
  spans: {
    count: 1,
    plainOffset: Float64Array.of(0, tar.length),
    blobOffset: Float64Array.of(10, 100_000),
    windowOffset: Uint32Array.of(0, 70_000),
    crc32: Uint32Array.of(1),
    bits: Uint8Array.of(3),
    kind: Uint8Array.of(0),
    windows: new Uint8Array(70_000),
  },
  tarSize: tar.length,
  blobSha256: 'ab'.repeat(32),
  tarSha256: 'cd'.repeat(32),
  hasSpilled: false,
  chunkSha256: new Uint8Array(64),
};

it('a manifest comes back as it went, for its own image alone', () => {
  const bytes = writeManifest(IMAGE, blobs);
  expect(readManifest(bytes, IMAGE.digest)).toEqual(blobs);
  expect(readManifest(bytes, LAYER)).toBeUndefined();
});

it('a manifest with more names than an image can have is not used', () => {
  const large = new Map([[LAYER, { names: { digest: LAYER, size: 2 ** 40 }, windows: undefined }]]);
  expect(readManifest(writeManifest(IMAGE, large), IMAGE.digest)).toBeUndefined();
});

it('a list of referrers keeps the artifacts of others', () => {
  const signature = { digest: LAYER, size: 1, artifactType: 'application/signature' };
  const before = Buffer.from(JSON.stringify({ manifests: [signature] }));
  const first = replaceArtifact(before, descriptorOf(Buffer.from('1')));
  const second = replaceArtifact(first, descriptorOf(Buffer.from('2')));
  expect(listArtifacts(second)).toEqual([descriptorOf(Buffer.from('2'))]);
  expect((JSON.parse(second.toString()) as { manifests: object[] }).manifests).toContainEqual(signature);
  expect(referrersTag('sha256:ab')).toBe('sha256-ab');
});

it('documents of any other form are not used', () => {
  for (const value of [
    ...[null, 1, [], {}, { artifactType: ARTIFACT_TYPE }, { manifests: 1 }, { manifests: [null, 1, {}] }],
    { artifactType: ARTIFACT_TYPE, subject: { digest: 'sha256:1', size: 1 } },
    { manifests: [{ artifactType: ARTIFACT_TYPE, digest: LAYER, size: -1 }] },
  ]) {
    const bytes = Buffer.from(JSON.stringify(value));
    expect(readManifest(bytes, IMAGE.digest)).toBeUndefined();
    expect(listArtifacts(bytes)).toEqual([]);
  }
  const malformed = {
    artifactType: ARTIFACT_TYPE,
    subject: IMAGE,
    layers: [null, 1, { digest: LAYER, size: 1 }],
  };
  expect(readManifest(Buffer.from(JSON.stringify(malformed)), IMAGE.digest)).toEqual(new Map());
  const random = new Random(1);
  const good = writeManifest(IMAGE, blobs);
  for (let i = 0; i < 500; i++) {
    const changed = Buffer.from(good);
    changed.writeUInt8(random.below(256), random.below(changed.length));
    readManifest(changed, IMAGE.digest);
    listArtifacts(changed.subarray(0, random.below(changed.length)));
  }
});

it('names come back without their windows, and are refused for other windows', async () => {
  const windows = Uint8Array.from({ length: 32_768 }, (_, i) => i);
  const spans = { ...layer.spans, windowOffset: Uint32Array.of(0, windows.length), windows };
  const { names } = await encodeParts({ ...layer, spans });
  const decoded = await decodeNames(names, windows.length);
  expect(decoded?.indexed).toEqual({
    ...layer,
    spans: { ...spans, windows: new Uint8Array(windows.length) },
  });
  expect(decoded?.windowsSha256).toHaveLength(32);
  expect(await decodeNames(names, windows.length - 1)).toBeUndefined();
});

it('names that are cut, that are a bomb, or that no scan can have made are refused', async () => {
  const { names } = await encodeParts(layer);
  // A window of 70,000 bytes.
  expect(await decodeNames(names, 70_000)).toBeUndefined();
  for (let length = 0; length < names.length; length += 7) {
    expect(await decodeNames(names.subarray(0, length), 70_000)).toBeUndefined();
  }
  expect(await decodeNames(gzipSync(Buffer.alloc(200 << 20)), 0)).toBeUndefined();
});
