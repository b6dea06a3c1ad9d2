import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import type { Image } from '../../src/image/image.ts';
import { InputError } from '../../src/vfs/input-error.ts';
import { listImages, openImageSource } from '../../src/image/open-image.ts';
import { configOf, type SampleLayer, sampleLayer, skopeoMembers } from './sample-images.ts';
import { type Members, sha256, tarFile } from './scratch.ts';

const base = await sampleLayer('base');
const top = await sampleLayer('top');

/** Asserts that the layers' ranges hold exactly the bytes of `layers`, base first. */
async function expectLayers(image: Image, layers: readonly SampleLayer[]): Promise<void> {
  expect(image.layers.map((layer) => (layer.kind === 'blob' ? layer.diffId : undefined))).toEqual(
    layers.map(({ diffId }) => diffId),
  );
  for (const [i, layer] of image.layers.entries()) {
    if (layer.kind !== 'blob') throw new Error('expected a blob');
    const { path, offset, length } = layer.blob;
    const bytes = (await readFile(path)).subarray(offset, offset + length);
    expect(bytes.equals((layers[i] as SampleLayer).tar)).toBe(true);
  }
}

/** docker 20.10's form, with whatever manifest is wanted. */
function dockerMembers(manifest: unknown, more: Members = []): Members {
  const config = configOf([base, top]);
  return [
    ['aa/layer.tar', base.tar],
    ['bb/layer.tar', top.tar],
    ['c.json', config],
    ...more,
    ['manifest.json', typeof manifest === 'string' ? manifest : JSON.stringify(manifest)],
  ];
}

const good = { Config: 'c.json', RepoTags: ['x:1'], Layers: ['aa/layer.tar', 'bb/layer.tar'] };

describe('a docker archive', () => {
  test('gives config, names, history and layers, base first, however the archive orders them', async () => {
    const path = await tarFile([...dockerMembers([good])].reverse());
    const image = await openImageSource(path);
    expect(image.names).toEqual(['x:1']);
    expect(image.id).toBe(`sha256:${sha256(configOf([base, top]))}`);
    expect(image.platform).toEqual({ os: 'linux', architecture: 'amd64' });
    expect(image.history.map(({ createdBy, emptyLayer }) => [createdBy, emptyLayer])).toEqual([
      ['step 1', false],
      ['step 2', false],
      ['CMD ["sh"]', true],
    ]);
    await expectLayers(image, [base, top]);
  });

  test('that lists one config several times holds one image with all the names', async () => {
    const path = await tarFile(dockerMembers([good, { ...good, RepoTags: ['x:2', 'x:1'] }]));
    const [image, ...others] = await listImages(path);
    expect([image?.names, image?.problem, others]).toEqual([['x:1', 'x:2'], undefined, []]);
    for (const selector of ['', ':x:2', '@0', '@1']) {
      await expectLayers(await openImageSource(`${path}${selector}`), [base, top]);
    }
  });

  test('of skopeo has <id>/layer.tar as symlinks and manifest.json at the end', async () => {
    const image = await openImageSource(await tarFile(skopeoMembers([base, top, base], ['localhost/x:1'])));
    await expectLayers(image, [base, top, base]);
  });

  test('of docker 20.10 has a repeated layer as a symlink to the other directory', async () => {
    const path = await tarFile(
      dockerMembers(
        [{ ...good, Layers: ['aa/layer.tar', 'dd/layer.tar'] }],
        [['dd/layer.tar', { symlink: '../bb/layer.tar' }]],
      ),
    );
    await expectLayers(await openImageSource(path), [base, top]);
  });

  // docker load resolves links as in a root of their own, where `..` of the top is the top.
  test('may have a layer as a symlink that goes up too far', async () => {
    const path = await tarFile(
      dockerMembers(
        [{ ...good, Layers: ['aa/layer.tar', 'dd/layer.tar'] }],
        [['dd/layer.tar', { symlink: '../../bb/layer.tar' }]],
      ),
    );
    await expectLayers(await openImageSource(path), [base, top]);
  });

  test('may have a layer as a hard link, or beneath a directory that is a symlink', async () => {
    const path = await tarFile(
      dockerMembers(
        [{ ...good, Layers: ['aa/hard.tar', 'ee/layer.tar'] }],
        [
          ['aa/hard.tar', { link: 'aa/layer.tar' }],
          ['ee', { symlink: 'bb' }],
        ],
      ),
    );
    await expectLayers(await openImageSource(path), [base, top]);
  });

  test('may list one layer twice', async () => {
    const config = configOf([base, base]);
    const path = await tarFile([
      ['l.tar', base.tar],
      ['c.json', config],
      ['manifest.json', JSON.stringify([{ Config: 'c.json', RepoTags: null, Layers: ['l.tar', 'l.tar'] }])],
    ]);
    await expectLayers(await openImageSource(path), [base, base]);
  });

  test('packed again by tar has names that begin with ./', async () => {
    const path = await tarFile(dockerMembers([good]).map(([name, member]) => [`./${name}`, member]));
    await expectLayers(await openImageSource(path), [base, top]);
  });

  test('states a digest only where the name of a layer is one', async () => {
    const name = `blobs/sha256/${base.diffId.slice(7)}`;
    const config = configOf([base, top]);
    const path = await tarFile([
      [name, base.tar],
      ['top.tar', top.tar],
      [`blobs/sha256/${sha256(config)}`, config],
      [
        'manifest.json',
        JSON.stringify([{ Config: `blobs/sha256/${sha256(config)}`, Layers: [name, 'top.tar'] }]),
      ],
    ]);
    const { layers } = await openImageSource(path);
    expect(layers.map((layer) => (layer.kind === 'blob' ? layer.digest : undefined))).toEqual([
      base.diffId,
      undefined,
    ]);
  });

  test('may have no history, and no layers', async () => {
    const config = JSON.stringify({
      os: 'linux',
      architecture: 'amd64',
      rootfs: { type: 'layers', diff_ids: null },
    });
    const path = await tarFile([
      ['c.json', config],
      ['manifest.json', '[{"Config":"c.json","RepoTags":null,"Layers":null}]'],
    ]);
    expect(await openImageSource(path)).toMatchObject({ history: [], layers: [] });
  });

  test('that is the last of two of one name counts', async () => {
    const path = await tarFile([['bb/layer.tar', base.tar], ...dockerMembers([good])]);
    await expectLayers(await openImageSource(path), [base, top]);
  });
});

describe('a docker archive that is malformed', () => {
  test.each([
    ['no images', [], 'holds no image'],
    [
      'two layers and one DiffID',
      [{ ...good, Layers: ['aa/layer.tar'] }],
      'Layers names 1 layers, but rootfs.diff_ids of the config has 2',
    ],
    [
      'a missing layer',
      [{ ...good, Layers: ['aa/layer.tar', 'zz/layer.tar'] }],
      'layer 2 of 2 is missing: zz/layer.tar, named by',
    ],
    [
      'an empty layer name',
      [{ ...good, Layers: ['aa/layer.tar', ''] }],
      'layer 2 of 2 is not in the archive: ',
    ],
    ['a missing config', [{ ...good, Config: 'zz.json' }], 'the config zz.json is missing, named by'],
    [
      'a config outside',
      [{ ...good, Config: '../../etc/passwd' }],
      '../../etc/passwd: found a path that leads out of the archive',
    ],
    ['an absolute config', [{ ...good, Config: '/etc/passwd' }], 'the config /etc/passwd is missing'],
    [
      'a layer outside',
      [{ ...good, Layers: ['aa/layer.tar', '../../../etc/passwd'] }],
      'leads out of the archive',
    ],
    [
      'a layer with a NUL',
      [{ ...good, Layers: ['aa/layer.tar', 'x\0y'] }],
      'layer 2 of 2 is missing: x\\000y',
    ],
    [
      'a layer that is a directory',
      [{ ...good, Layers: ['aa/layer.tar', 'dir'] }],
      'dir: found no regular file',
    ],
    [
      'a loop of symlinks',
      [{ ...good, Layers: ['aa/layer.tar', 'loop1'] }],
      'loop1: found more than 40 links',
    ],
    [
      'a symlink outside',
      [{ ...good, Layers: ['aa/layer.tar', 'out'] }],
      'layer 2 of 2 is a symlink to ../../../etc/passwd, which the archive does not hold: out, named by',
    ],
    [
      'a config that is not an object',
      [{ ...good, Config: 'number.json' }],
      'number.json: found 1, expected an object',
    ],
    [
      'a DiffID of sha512',
      [{ ...good, Config: 'sha512.json' }],
      'found a digest of algorithm sha512, only sha256 is supported',
    ],
    [
      'a DiffID that is none',
      [{ ...good, Config: 'md5.json' }],
      'found "hello", expected sha256: and 64 lower-case hex digits',
    ],
    [
      'Layers that is not an array',
      [{ ...good, Layers: 'aa' }],
      'manifest.json[0]: Layers: found "aa", expected an array',
    ],
  ])('has %s', async (_title, manifest, message) => {
    const diffIds = (digests: string[]) => JSON.stringify({ rootfs: { diff_ids: digests } });
    const path = await tarFile(
      dockerMembers(manifest, [
        ['dir', { directory: true }],
        ['loop1', { symlink: 'loop2' }],
        ['loop2', { link: 'loop1' }],
        ['out', { symlink: '../../../etc/passwd' }],
        ['number.json', '1'],
        ['sha512.json', diffIds([`sha512:${'0'.repeat(128)}`, base.diffId])],
        ['md5.json', diffIds(['hello', base.diffId])],
      ]),
    );
    await expect(openImageSource(path)).rejects.toThrow(message);
    await expect(openImageSource(path)).rejects.toBeInstanceOf(InputError);
  });

  test.each([
    ['malformed JSON', '[{"Config":', 'manifest.json: found JSON that is cut short'],
    ['deeply nested JSON', '['.repeat(200), 'manifest.json: found JSON nested deeper than 100 levels'],
    ['JSON of a gigabyte, nearly', `[${' '.repeat(5 << 20)}]`, 'expected JSON of at most 4194304'],
  ])('has %s', async (_title, manifest, message) => {
    await expect(openImageSource(await tarFile(dockerMembers(manifest)))).rejects.toThrow(message);
  });

  test('names a config by its digest that has other bytes', async () => {
    const name = `blobs/sha256/${'0'.repeat(64)}`;
    const path = await tarFile([
      [name, configOf([])],
      ['manifest.json', JSON.stringify([{ Config: name, Layers: [] }])],
    ]);
    await expect(openImageSource(path)).rejects.toThrow(
      `expected sha256:${'0'.repeat(64)}: the archive is corrupt`,
    );
  });

  test('is broken in one image: the others can be chosen, and the list says why', async () => {
    const path = await tarFile(
      dockerMembers([{ ...good, RepoTags: ['bad:1'], Layers: ['aa/layer.tar', 'zz'] }, good]),
    );
    await expectLayers(await openImageSource(`${path}:x:1`), [base, top]);
    await expect(openImageSource(`${path}:bad:1`)).rejects.toThrow('layer 2 of 2 is missing: zz');
    expect((await listImages(path)).map(({ names, problem }) => [names, problem !== undefined])).toEqual([
      [['bad:1'], true],
      [['x:1'], false],
    ]);
  });

  test('is a plain layer with a manifest.json of its own: it is a layer', async () => {
    const path = await tarFile([['manifest.json', '{"name":"web app"}']]);
    expect((await openImageSource(path)).layers).toHaveLength(1);
    await expect(openImageSource(`docker-archive:${path}`)).rejects.toThrow('is not a docker archive');
  });
});

describe('an archive of docker before 1.10', () => {
  const [low, high] = ['a'.repeat(64), 'b'.repeat(64)];
  const members: Members = [
    [
      `${high}/json`,
      JSON.stringify({
        id: high,
        parent: low,
        os: 'linux',
        architecture: 'amd64',
        container_config: { Cmd: ['/bin/sh', '-c', 'make'] },
      }),
    ],
    [`${high}/layer.tar`, top.tar],
    [`${low}/json`, JSON.stringify({ id: low })],
    [`${low}/layer.tar`, base.tar],
    ['repositories', JSON.stringify({ old: { '1': high, latest: high } })],
  ];

  test('is read by the chain of parents', async () => {
    const image = await openImageSource(await tarFile(members));
    expect(image).toMatchObject({ names: ['old:1', 'old:latest'], id: `sha256:${high}` });
    expect(image.history.map(({ createdBy }) => createdBy)).toEqual([undefined, '/bin/sh -c make']);
    expect(image.layers.map((layer) => (layer.kind === 'blob' ? layer.blob.length : 0))).toEqual([
      base.tar.length,
      top.tar.length,
    ]);
  });

  test('whose parents form a loop is an error', async () => {
    const loop: Members = [...members, [`${low}/json`, JSON.stringify({ id: low, parent: high })]];
    await expect(openImageSource(await tarFile(loop))).rejects.toThrow('found more than 1024 layers');
  });

  test('whose parent is missing is an error', async () => {
    const path = await tarFile(members.filter(([name]) => name !== `${low}/layer.tar`));
    await expect(openImageSource(path)).rejects.toThrow(`${low}/layer.tar is missing, a layer below ${high}`);
  });
});
