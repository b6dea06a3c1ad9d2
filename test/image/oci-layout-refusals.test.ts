// OCI layouts that hold no image, or are malformed: what is refused, and what the message says.
import { describe, expect, test } from 'vitest';
import { BlockCache } from '../../src/cache/block-cache.ts';
import { listImages, openImageSource } from '../../src/image/open-image.ts';
import { openLayers } from '../../src/image/open-layers.ts';
import { INDEX, LAYER, sampleLayer, SampleLayout } from './sample-images.ts';
import { tarFile } from './scratch.ts';

const base = await sampleLayer('base');
const top = await sampleLayer('top');

describe('an OCI layout that holds no image', () => {
  test.each([
    [
      'chart',
      { config: { mediaType: 'application/vnd.cncf.helm.config.v1+json' } },
      'application/vnd.cncf.helm.config.v1+json',
    ],
    [
      'artifact with a type',
      { artifactType: 'application/x.y', config: { mediaType: 'application/vnd.oci.empty.v1+json' } },
      'application/x.y',
    ],
    ['artifact without a config', { artifactType: 'application/x.z', config: undefined }, 'application/x.z'],
    [
      'signature',
      { layers: [{ mediaType: 'application/vnd.dev.cosign.simplesigning.v1+json' }] },
      'application/vnd.dev.cosign.simplesigning.v1+json',
    ],
  ])('but a %s refuses it by name', async (_title, change, type) => {
    const layout = new SampleLayout();
    const path = await tarFile(layout.add(layout.image([base], {}, change), 'x').members());
    await expect(openImageSource(path)).rejects.toThrow(
      `found an artifact of type ${type}, no container image`,
    );
  });

  const CACHE = 'application/vnd.buildkit.cacheconfig.v0';

  test('but the build cache of BuildKit, in either form, says how to save an image', async () => {
    const index = new SampleLayout();
    const config = index.json({ layers: [], records: [] }, CACHE);
    index.add(index.nested([index.blob(base.tar, LAYER), config]), 'latest');
    const manifest = new SampleLayout();
    manifest.add(manifest.image([base], {}, { config: manifest.json({ layers: [] }, CACHE) }));
    for (const layout of [index, manifest]) {
      await expect(openImageSource(await tarFile(layout.members()))).rejects.toThrow(
        /^\S+: blobs\/sha256\/[0-9a-f]{64}: found a build cache of BuildKit, which holds layers and no image; to save an image: `docker buildx build --output type=oci,dest=IMAGE.tar`$/,
      );
    }
  });

  test('but a layer in the place of a manifest says so', async () => {
    const layout = new SampleLayout();
    layout.add(layout.blob(base.tar, LAYER));
    await expect(openImageSource(await tarFile(layout.members()))).rejects.toThrow(
      `index.json: manifests[0]: found a layer (${LAYER}), expected a manifest or an index`,
    );
  });

  test('beside one: the image is chosen', async () => {
    const layout = new SampleLayout();
    const config = { mediaType: 'application/vnd.cncf.helm.config.v1+json' };
    layout
      .add(layout.image([base], { comment: 'c' }, { config }), 'chart:1')
      .add(layout.image([base]), 'x:1');
    const path = await tarFile(layout.members());
    expect((await openImageSource(path)).names).toEqual(['x:1']);
    await expect(openImageSource(`${path}:chart:1`)).rejects.toThrow('found an artifact');
  });

  test.each([[[]], [null]])('because its index lists %j', async (manifests) => {
    const path = await tarFile([
      ['index.json', JSON.stringify({ schemaVersion: 2, manifests: manifests ?? [] })],
    ]);
    await expect(openImageSource(path)).rejects.toThrow(`${path}: holds no image`);
  });

  test('because a nested index is empty', async () => {
    const layout = new SampleLayout();
    await expect(openImageSource(await tarFile(layout.add(layout.nested([])).members()))).rejects.toThrow(
      'holds no image',
    );
  });

  test("of Docker's schema 1 is refused, with the way out", async () => {
    const layout = new SampleLayout();
    const schema1 = { schemaVersion: 1, name: 'x', fsLayers: [], history: [] };
    layout.add(layout.json(schema1, 'application/vnd.docker.distribution.manifest.v1+prettyjws'));
    await expect(openImageSource(await tarFile(layout.members()))).rejects.toThrow(
      "found a manifest of Docker's schema 1, which has no config; convert it with `skopeo copy --format=oci`",
    );
  });
});

describe('an OCI layout that is malformed', () => {
  const good = () => {
    const layout = new SampleLayout();
    const image = layout.image([base, top]);
    return { layout: layout.add(image, 'x'), image };
  };

  test('lacks its manifest, its config or a layer: the message names the digest', async () => {
    const { layout, image } = good();
    await expect(openImageSource(await tarFile(layout.lose(image.digest).members()))).rejects.toThrow(
      `the manifest ${image.digest} is missing, named by`,
    );
    const again = good();
    again.layout.lose(top.diffId);
    await expect(openImageSource(await tarFile(again.layout.members()))).rejects.toThrow(
      `layer 2 of 2 (${top.diffId}) is missing`,
    );
  });

  test('has a manifest of other bytes, or another size', async () => {
    const { layout, image } = good();
    layout.replace(image.digest, ' '.repeat(image.size - 2) + '{}');
    await expect(openImageSource(await tarFile(layout.members()))).rejects.toThrow(
      `expected ${image.digest}`,
    );
    layout.replace(image.digest, '{}');
    await expect(openImageSource(await tarFile(layout.members()))).rejects.toThrow(
      `found 2 bytes, expected ${image.size}`,
    );
  });

  test('has a layer of another size', async () => {
    const { layout } = good();
    layout.replace(base.diffId, base.tar.subarray(0, 1000));
    await expect(openImageSource(await tarFile(layout.members()))).rejects.toThrow(
      `layer 1 of 2 (${base.diffId}) has 1000 bytes, expected ${base.tar.length}`,
    );
  });

  test('has a foreign layer that was not saved: it is listed, and says why it can not be opened', async () => {
    const layout = new SampleLayout();
    const layers = [
      { ...layout.blob(base.tar, LAYER), urls: ['https://example.org/layer'] },
      layout.blob(top.tar, LAYER),
    ];
    layout.add(layout.image([base, top], {}, { layers })).lose(base.diffId);
    const path = await tarFile(layout.members());
    expect(await listImages(path)).toMatchObject([{ layerCount: 2, isMissing: false, problem: undefined }]);
    const image = await openImageSource(path);
    expect(image.layers).toMatchObject([{ kind: 'foreign', digest: base.diffId }, { kind: 'blob' }]);
    const options = {
      cache: new BlockCache(1 << 20),
      store: undefined,
      verify: 'when-new',
      directoryMarks: 'trusted',
    } as const;
    await expect(openLayers(image, options)).rejects.toThrow(
      `layer 1 of 2 (${base.diffId}) is a foreign layer that the archive does not hold; it is kept at https://example.org/layer`,
    );
    const opened = await openLayers(image, { ...options, listsForeign: true });
    expect(opened.map(({ layer }) => layer.diffId)).toEqual([base.diffId, top.diffId]);
    for (const { layer } of opened) layer.close();
    // The blobs that exist can be used.
    (await openLayers(await openImageSource(path, { layer: '2' }), options))[0]?.layer.close();
  });

  test('has a foreign layer that was saved all the same: it is read', async () => {
    const layout = new SampleLayout();
    const foreign = 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip';
    const layers = [{ ...layout.blob(base.tar, foreign), urls: ['https://example.org/layer'] }];
    layout.add(layout.image([base], {}, { layers }));
    const image = await openImageSource(await tarFile(layout.members()));
    expect(image.layers).toMatchObject([{ digest: base.diffId, blob: { length: base.tar.length } }]);
  });

  test('has an encrypted layer', async () => {
    const layout = new SampleLayout();
    const layers = [layout.blob(base.tar, `${LAYER}+gzip+encrypted`)];
    await expect(
      openImageSource(await tarFile(layout.add(layout.image([base], {}, { layers })).members())),
    ).rejects.toThrow('is encrypted; decrypt it first');
  });

  test.each([
    [
      'a digest that is a path',
      { digest: 'sha256:../../../etc/passwd' },
      'expected sha256: and 64 lower-case hex digits',
    ],
    ['a digest of sha512', { digest: `sha512:${'0'.repeat(128)}` }, 'found a digest of algorithm sha512'],
    ['no digest', { digest: undefined }, 'digest: found nothing, expected a string'],
    ['a size that is not a number', { size: -1 }, 'size: found -1, expected a whole number from 0'],
  ])('has %s', async (_title, change, message) => {
    const layout = new SampleLayout();
    const path = await tarFile(layout.add({ ...layout.image([base]), ...change }).members());
    await expect(openImageSource(path)).rejects.toThrow(message);
  });

  test('nests indexes too deep, or too many', async () => {
    const layout = new SampleLayout();
    let nested: object = layout.image([base]);
    for (let i = 0; i < 10; i++) nested = layout.nested([nested]);
    await expect(openImageSource(await tarFile(layout.add(nested).members()))).rejects.toThrow(
      'nested deeper than 8',
    );

    const wide = new SampleLayout();
    let fan: object = wide.image([base]);
    for (let i = 0; i < 7; i++) fan = wide.nested(Array(32).fill(fan) as object[]);
    await expect(openImageSource(await tarFile(wide.add(fan).members()))).rejects.toThrow(
      'more than 16384 manifests',
    );
  });

  test('has a version that nobody knows', async () => {
    const path = await tarFile([
      ['oci-layout', '{"imageLayoutVersion":"2.0"}'],
      ['index.json', JSON.stringify({ mediaType: INDEX, manifests: [] })],
    ]);
    await expect(openImageSource(path)).rejects.toThrow(
      'imageLayoutVersion: found "2.0", expected version 1.x',
    );
  });
});
