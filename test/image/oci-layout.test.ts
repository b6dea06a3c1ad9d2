import { mkdir, rename, symlink, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { BlockCache } from '../../src/cache/block-cache.ts';
import { openImageSource } from '../../src/image/open-image.ts';
import { openLayers } from '../../src/image/open-layers.ts';
import { CONFIG, sampleLayer, SampleLayout, skopeoMembers } from './sample-images.ts';
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

describe('a directory', () => {
  // Bazel's rules_oci and rules_img make such layouts.
  test('may have blobs that are symlinks out of it, if they have the digest of their name', async () => {
    const layout = new SampleLayout();
    layout.add(layout.image([base]));
    const root = await directoryOf(layout.members());
    const store = join(await scratchDirectory(), 'store');
    await rename(join(root, 'blobs/sha256'), store);
    await symlink(store, join(root, 'blobs/sha256'));
    const options = { cache: new BlockCache(1 << 20), store: undefined, verify: 'never' } as const;
    for (const layer of await openLayers(await openImageSource(root), options)) layer.layer.close();

    const blob = join(store, base.diffId.slice(7));
    await unlink(blob);
    await symlink('/etc/passwd', blob);
    await expect(openImageSource(root)).rejects.toThrow(/has \d+ bytes, expected/);
    await unlink(blob);
    await writeFile(blob, top.tar);
    expect(top.tar).toHaveLength(base.tar.length);
    // Also where no digests are to be verified.
    await expect(openLayers(await openImageSource(root), options)).rejects.toThrow(
      `found digest ${top.diffId}, expected ${base.diffId}`,
    );
  });

  test('whose index.json is a symlink out of it is refused', async () => {
    const layout = new SampleLayout();
    layout.add(layout.image([base]));
    const root = await directoryOf(layout.members());
    await unlink(join(root, 'index.json'));
    await symlink('/etc/passwd', join(root, 'index.json'));
    await expect(openImageSource(root)).rejects.toThrow(
      `index.json: found a symlink that leads out of the layout, to /etc/passwd; only blobs may, which have digests; to resolve all links: \`cp -rL ${root} COPY\``,
    );
  });

  test('whose blobs loop is refused; the directory itself may be a symlink', async () => {
    const layout = new SampleLayout();
    layout.add(layout.image([base]));
    const root = await directoryOf(layout.members());
    const link = join(await scratchDirectory(), 'link');
    await symlink(root, link);
    expect((await openImageSource(`oci:${link}`)).layers).toHaveLength(1);

    const blob = join(root, 'blobs/sha256', base.diffId.slice(7));
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

  test('a directory that is not a layout is refused with the right command', async () => {
    const root = await directoryOf([['etc/passwd', 'x']]);
    await expect(openImageSource(root)).rejects.toThrow(
      `${root}: is not an OCI layout, it has no index.json; to mount a plain directory: -o lowerdir=${root}`,
    );
    await expect(openImageSource(`oci:${root}`)).rejects.toThrow(
      'is not an OCI layout, it has no index.json',
    );
    const dir = await directoryOf([
      ['manifest.json', '{}'],
      ['version', 'Directory Transport Version: 1.1'],
    ]);
    await expect(openImageSource(`dir:${dir}`)).rejects.toThrow(
      `${dir}: is not a directory of skopeo's dir:, it has no manifest in manifest.json`,
    );
  });
});
