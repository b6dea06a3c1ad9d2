// An OCI layout whose index is of several platforms: which of its images is meant.
import { describe, expect, test } from 'vitest';
import { listImages, openImageSource } from '../../src/image/open-image.ts';
import { InputError } from '../../src/vfs/input-error.ts';
import { CONFIG, MANIFEST, platform, sampleLayer, SampleLayout } from './sample-images.ts';
import { tarFile } from './scratch.ts';

const base = await sampleLayer('base');

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
    const savedImage = layout.image([base], { architecture: 's390x' });
    layout.lose(lost.digest);
    layout.add(
      layout.nested([
        { ...lost, ...platform('amd64') },
        { ...savedImage, ...platform('s390x') },
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
