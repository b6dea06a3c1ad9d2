import { mkdir, symlink, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { listImages, openImageSource } from '../../src/image/open-image.ts';
import { InputError } from '../../src/vfs/input-error.ts';
import {
  CONFIG,
  INDEX,
  LAYER,
  MANIFEST,
  platform,
  sampleLayer,
  SampleLayout,
  skopeoMembers,
} from './sample-images.ts';
import { directoryOf, scratchDirectory, sha256, tarFile } from './scratch.ts';

const base = await sampleLayer('base');
const top = await sampleLayer('top');

describe('an OCI layout', () => {
  test('is a directory or a tar, named by transport or sniffed', async () => {
    const layout = new SampleLayout();
    layout.add(layout.image([base, top]), 'x:1');
    const directory = await directoryOf(layout.members());
    const archive = await tarFile(layout.members());
    for (const source of [directory, `oci:${directory}`, archive, `oci-archive:${archive}:x:1`]) {
      const image = await openImageSource(source);
      expect(image.names).toEqual(['x:1']);
      expect(image.layers).toMatchObject([
        { digest: base.diffId, diffId: base.diffId, blob: { length: base.tar.length } },
        { digest: top.diffId, diffId: top.diffId, blob: { length: top.tar.length } },
      ]);
    }
    await expect(openImageSource(`oci:${archive}`)).rejects.toThrow(
      `is a file, expected a directory; try oci-archive:`,
    );
    await expect(openImageSource(`oci-archive:${directory}`)).rejects.toThrow(
      'is a directory, expected a tar; try oci:',
    );
  });

  test('of docker media types is accepted', async () => {
    const layout = new SampleLayout();
    const manifest = {
      schemaVersion: 2,
      mediaType: 'application/vnd.docker.distribution.manifest.v2+json',
      config: {
        ...layout.image([base], { comment: 'c' }),
        mediaType: 'application/vnd.docker.container.image.v1+json',
      },
      layers: [layout.blob(base.tar, 'application/vnd.docker.image.rootfs.diff.tar.gzip')],
    };
    const config = layout.blob(JSON.stringify({ rootfs: { diff_ids: [base.diffId] } }), CONFIG);
    manifest.config = { ...config, mediaType: manifest.config.mediaType };
    layout.add(layout.json(manifest, manifest.mediaType));
    expect((await openImageSource(await tarFile(layout.members()))).layers).toHaveLength(1);
  });

  test('of docker 25 has names in two annotations: the full one is shown, both choose', async () => {
    const layout = new SampleLayout();
    const annotations = {
      'io.containerd.image.name': 'docker.io/library/x:1',
      'org.opencontainers.image.ref.name': '1',
    };
    layout.add({ ...layout.image([base]), annotations }).add(layout.image([top]), 'y:1');
    const path = await tarFile(layout.members());
    for (const name of ['x:1', 'docker.io/library/x:1', '1']) {
      expect((await openImageSource(`${path}:${name}`)).names).toEqual(['docker.io/library/x:1']);
    }
  });

  test('with one image under two tags is one image of two names and two places', async () => {
    const layout = new SampleLayout();
    const image = layout.image([base]);
    layout.add(image, 'x:1').add(image, 'x:2');
    const path = await tarFile(layout.members());
    expect(await openImageSource(path)).toMatchObject({ names: ['x:1', 'x:2'] });
    expect(await openImageSource(`${path}:@1`)).toMatchObject({ names: ['x:1', 'x:2'] });
    await expect(openImageSource(`${path}:@2`)).rejects.toThrow(
      'there is no image @2; it holds\n  @0  x:1, x:2  linux/amd64',
    );
  });

  test('that has manifest.json too is read as a layout, with the names of both', async () => {
    const layout = new SampleLayout();
    const image = layout.image([base]);
    const config = sha256(JSON.stringify({}));
    layout.add(image, 'docker.io/library/x:1');
    const id = (await openImageSource(await tarFile(layout.members()))).id as string;
    const blob = (digest: string) => `blobs/sha256/${digest.slice(7)}`;
    const manifest = [{ Config: blob(id), RepoTags: ['x:1', 'x:latest'], Layers: [blob(base.diffId)] }];
    const path = await tarFile([...layout.members(), ['manifest.json', JSON.stringify(manifest)]]);
    expect(config).toHaveLength(64);
    expect(await openImageSource(path)).toMatchObject({ names: ['docker.io/library/x:1', 'x:latest'], id });
    expect(await openImageSource(`docker-archive:${path}`)).toMatchObject({ names: ['x:1', 'x:latest'], id });
    expect(await openImageSource(`oci-archive:${path}`)).toMatchObject({
      names: ['docker.io/library/x:1'],
      id,
    });
  });
});

describe('an OCI layout of several platforms', () => {
  async function multi(): Promise<string> {
    const layout = new SampleLayout();
    const attestation = {
      ...layout.json({ schemaVersion: 2, config: layout.blob('{}', CONFIG), layers: [] }, MANIFEST),
      platform: { os: 'unknown', architecture: 'unknown' },
      annotations: { 'vnd.docker.reference.type': 'attestation-manifest' },
    };
    const manifests = [
      ...['amd64', 'arm64', 'riscv64'].map((architecture) => ({
        ...layout.image([base], { architecture }),
        ...platform(architecture),
      })),
      ...['v6', 'v7'].map((variant) => ({
        ...layout.image([base], { architecture: 'arm', variant }),
        ...platform('arm', variant),
      })),
      attestation,
    ];
    return tarFile(layout.add(layout.nested([layout.nested(manifests)]), 'x:1').members());
  }

  test.each([
    ['linux/amd64', { architecture: 'amd64' }],
    ['linux/x86_64', { architecture: 'amd64' }],
    ['aarch64', { architecture: 'arm64' }],
    ['linux/arm64/v8', { architecture: 'arm64' }],
    ['linux/arm', { architecture: 'arm', variant: 'v7' }],
    ['linux/arm/v8', { architecture: 'arm', variant: 'v7' }],
    ['linux/arm/6', { architecture: 'arm', variant: 'v6' }],
    ['riscv64', { architecture: 'riscv64' }],
  ])('gives the one for --platform %s', async (text, expected) => {
    expect((await openImageSource(await multi(), { platform: text })).platform).toEqual({
      os: 'linux',
      ...expected,
    });
  });

  test("gives the host's by default, and never an attestation", async () => {
    const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
    expect((await openImageSource(await multi())).platform).toMatchObject({ architecture });
  });

  test('refuses a platform that it lacks, and lists what it has', async () => {
    const path = await multi();
    const error = await openImageSource(path, { platform: 'linux/s390x' }).catch(
      (e: unknown) => e as InputError,
    );
    expect(error).toBeInstanceOf(InputError);
    expect(
      (error as InputError).message.split('\n').map((line) => line.replace(/[0-9a-f]{12}/, 'ID')),
    ).toEqual([
      `${path}: there is no image for linux/s390x; it holds`,
      '  @0  x:1  linux/amd64    ID  1 layer',
      '  @0  x:1  linux/arm64    ID  1 layer',
      '  @0  x:1  linux/riscv64  ID  1 layer',
      '  @0  x:1  linux/arm/v6   ID  1 layer',
      '  @0  x:1  linux/arm/v7   ID  1 layer',
    ]);
  });

  test('can be chosen from by the digest of a manifest or an image ID', async () => {
    const path = await multi();
    const { id } = (await listImages(path)).find((image) => image.platform?.architecture === 'riscv64') ?? {};
    expect((await openImageSource(`${path}:${(id as string).slice(7, 19)}`)).id).toBe(id);
  });

  test('may lack the platforms that were never saved', async () => {
    const layout = new SampleLayout();
    const lost = layout.image([base], { architecture: 'amd64' });
    const kept = layout.image([base], { architecture: 's390x' });
    layout.lose(lost.digest);
    layout.add(
      layout.nested([
        { ...lost, ...platform('amd64') },
        { ...kept, ...platform('s390x') },
      ]),
      'x:1',
    );
    const path = await tarFile(layout.members());
    expect((await openImageSource(path)).platform?.architecture).toBe('s390x');
    await expect(openImageSource(path, { platform: 'amd64' })).rejects.toThrow(
      `the manifest ${lost.digest} is missing`,
    );
  });

  test('is ambiguous with two manifests for one platform', async () => {
    const layout = new SampleLayout();
    const two = ['a', 'b'].map((comment) => ({ ...layout.image([base], { comment }), ...platform('amd64') }));
    const path = await tarFile(layout.add(layout.nested(two)).members());
    await expect(openImageSource(path, { platform: 'amd64' })).rejects.toThrow(
      /holds several images; choose one with --platform, or by its image ID\n {2}@0 {2}\(no name\) {2}linux\/amd64/,
    );
  });

  test('of one image for another platform gives it, unless a platform was asked for', async () => {
    const layout = new SampleLayout();
    const path = await tarFile(layout.add(layout.image([base], { architecture: 's390x' })).members());
    expect((await openImageSource(path)).platform?.architecture).toBe('s390x');
    await expect(openImageSource(path, { platform: 'linux/amd64' })).rejects.toThrow(
      'there is no image for linux/amd64',
    );
  });
});

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

  test('has a foreign layer that was not saved: the message names its URL', async () => {
    const layout = new SampleLayout();
    const layers = [
      { ...layout.blob(base.tar, LAYER), urls: ['https://example.org/layer'] },
      layout.blob(top.tar, LAYER),
    ];
    layout.add(layout.image([base, top], {}, { layers })).lose(base.diffId);
    await expect(openImageSource(await tarFile(layout.members()))).rejects.toThrow(
      'is a foreign layer that the archive does not hold; it is kept at https://example.org/layer',
    );
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
    ['a size that is no number', { size: -1 }, 'size: found -1, expected a whole number from 0'],
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

describe('a directory', () => {
  test('whose blobs are symlinks out of it is refused; the directory itself may be a symlink', async () => {
    const layout = new SampleLayout();
    layout.add(layout.image([base]));
    const root = await directoryOf(layout.members());
    const link = join(await scratchDirectory(), 'link');
    await symlink(root, link);
    expect((await openImageSource(`oci:${link}`)).layers).toHaveLength(1);

    const blob = join(root, 'blobs/sha256', base.diffId.slice(7));
    await unlink(blob);
    await symlink('/etc/passwd', blob);
    await expect(openImageSource(root)).rejects.toThrow(
      'found a symlink that leads out of the layout, to /etc/passwd',
    );
    await unlink(blob);
    await symlink(blob, blob);
    await expect(openImageSource(root)).rejects.toThrow('found a loop of symlinks');
  });

  test('may be a docker archive that somebody unpacked', async () => {
    const root = await directoryOf(
      skopeoMembers([base, top], ['x:1']).filter(
        ([, member]) => Buffer.isBuffer(member) || typeof member === 'string',
      ),
    );
    for (const [i, layer] of [base, top].entries()) {
      await mkdir(join(root, String(i)));
      await symlink(`../${layer.diffId.slice(7)}.tar`, join(root, String(i), 'layer.tar'));
    }
    expect(await openImageSource(`${root}:x`)).toMatchObject({
      names: ['x:1'],
      layers: [{ diffId: base.diffId }, {}],
    });
  });

  test('that is no layout is refused with what to type instead', async () => {
    const root = await directoryOf([['etc/passwd', 'x']]);
    await expect(openImageSource(root)).rejects.toThrow(
      `${root}: is no OCI layout, it has no index.json; to mount a plain directory: -o lowerdir=${root}`,
    );
    await expect(openImageSource(`oci:${root}`)).rejects.toThrow('is no OCI layout, it has no index.json');
    const dir = await directoryOf([
      ['manifest.json', '{}'],
      ['version', 'Directory Transport Version: 1.1'],
    ]);
    await expect(openImageSource(dir)).rejects.toThrow(`\`skopeo copy dir:${dir} oci:LAYOUT\``);
  });
});
