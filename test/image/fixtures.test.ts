// The images that other people's tools saved (fixtures/README.md): the same image in each form, byte for byte.
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { Image } from '../../src/image/image.ts';
import { listImages, openImageSource } from '../../src/image/open-image.ts';

const EXPRESSWEB = 'sha256:c3c74c4ba3f5';
const EXTENDING = 'sha256:30a8f3d2db65';
const NOTES = 'sha256:8c7b830a95c5';

/** Reads every layer: each digest that the image states is that of the bytes where they lie. */
async function expectDigests(image: Image): Promise<void> {
  for (const layer of image.layers) {
    if (layer.kind !== 'blob') throw new Error('expected a blob');
    const file = await open(layer.blob.path);
    const stored = Buffer.alloc(layer.blob.length);
    await file.read(stored, 0, stored.length, layer.blob.offset);
    await file.close();
    const sha256 = (bytes: Buffer) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
    if (layer.digest !== undefined) expect(sha256(stored)).toBe(layer.digest);
    const isZstd = stored.readUInt32LE(0) === 0xfd2fb528;
    if (!isZstd) expect(sha256(stored[0] === 0x1f ? gunzipSync(stored) : stored)).toBe(layer.diffId);
  }
}

describe('an image that a tool saved', () => {
  test.each([
    ['expressweb.tar', EXPRESSWEB, 4],
    ['expressweb-both.tar:expressweb', EXPRESSWEB, 4],
    ['expressweb-both.tar:extending-expressweb', EXTENDING, 8],
    ['expressweb-both.tar:localhost:5000/team/extending-expressweb:v2', EXTENDING, 8],
    ['expressweb-both.tar:@1', EXTENDING, 8],
    ['forms/docker25.tar:expressweb:1.0.0', EXPRESSWEB, 4],
    ['forms/docker25.tar:@2', EXTENDING, 8],
    ['forms/docker25.0.0.tar', NOTES, 3],
    ['forms/containerd.tar', EXTENDING, 8],
    ['forms/podman.tar:expressweb', EXPRESSWEB, 4],
    ['forms/podman.tar:docker.io/library/extending-expressweb', EXTENDING, 8],
    ['forms/podman.tar:30a8f3d2', EXTENDING, 8],
    ['forms/skopeo-untagged.tar', NOTES, 3],
    ['forms/oci-gzip.tar', EXTENDING, 8],
    ['forms/oci-plain.tar', NOTES, 3],
    ['forms/oci-zstd', EXPRESSWEB, 4],
    ['forms/oci-zstd-chunked.tar', EXPRESSWEB, 4],
    ['edge-cases.tar', 'sha256:f5133219518f', 14],
    ['disputed.tar:global-pax', 'sha256:0a3135c39acc', 2],
  ])('%s', async (source, id, count) => {
    const image = await openImageSource(`fixtures/${source}`);
    expect(image.layers).toHaveLength(count);
    await expectDigests(image);
    // fixtures/make.sh makes the same bytes with the same tools, not with others.
    expect(image.id).toMatch(new RegExp(`^${id}`));
  });
});

test('docker 25 writes one archive of two forms, and either is read', async () => {
  for (const transport of ['docker-archive', 'oci-archive']) {
    const image = await openImageSource(`${transport}:fixtures/forms/docker25.tar:expressweb`);
    expect(image.layers).toHaveLength(4);
    await expectDigests(image);
  }
});

test('docker 25.0.0 wrote OCI manifests that lack a repeated layer: only manifest.json is right', async () => {
  await expect(openImageSource('oci-archive:fixtures/forms/docker25.0.0.tar')).rejects.toThrow(
    'layers has 2 layers, but rootfs.diff_ids of the config has 3',
  );
});

describe('fixtures/platforms.tar', () => {
  test.each([
    ['linux/amd64', 'amd64', undefined],
    ['linux/arm64', 'arm64', 'v8'],
    ['linux/arm', 'arm', 'v7'],
    ['linux/arm/v6', 'arm', 'v6'],
  ])('has demo for %s', async (platform, architecture, variant) => {
    const image = await openImageSource('fixtures/platforms.tar:demo', { platform });
    expect(image.platform).toMatchObject({ os: 'linux', architecture, ...(variant ? { variant } : {}) });
    await expectDigests(image);
  });

  test('lists its images and refuses its artifact, and shows no attestation', async () => {
    const images = await listImages('fixtures/platforms.tar');
    expect(
      images.map(({ names, platform, problem }) => [
        names.join(),
        platform?.architecture,
        problem === undefined,
      ]),
    ).toEqual([
      ['demo,demo-2', 'amd64', true],
      ['demo', 'arm64', true],
      ['demo', 'arm', true],
      ['demo', 'arm', true],
      ['artifact', undefined, false],
    ]);
    await expect(openImageSource('fixtures/platforms.tar:artifact')).rejects.toThrow(
      'found an artifact of type application/vnd.example.sbom, no container image',
    );
    await expect(openImageSource('fixtures/platforms.tar:demo-2', { platform: 'arm64' })).rejects.toThrow(
      'there is no image for linux/arm64; it holds\n  @0  demo, demo-2  linux/amd64',
    );
  });
});
