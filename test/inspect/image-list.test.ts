import { describe, expect, it } from 'vitest';
import { listImages } from '../../src/inspect/inspect.ts';
import { repositoryTags } from '../../src/inspect/image-list.ts';
import { CONFIG, LAYER, MANIFEST, sampleLayer, SampleLayout } from '../image/sample-images.ts';
import { scratchDirectory, tarFile } from '../image/scratch.ts';
import { fixture } from '../mount/stratafs.ts';
import { dockerAnswers } from './docker-oracle.ts';

it.each([
  ['expressweb:1.0.0', 'expressweb', '1.0.0'],
  ['docker.io/library/alpine:3', 'alpine', '3'],
  ['docker.io/team/x:1', 'team/x', '1'],
  ['localhost:5000/team/x:v2', 'localhost:5000/team/x', 'v2'],
  ['localhost:5000/team/x', 'localhost:5000/team/x', '<none>'],
  ['quay.io/x@sha256:abcd', 'quay.io/x', '<none>'],
  ['latest', '<none>', 'latest'],
  ['1.0_rc-2', '<none>', '1.0_rc-2'],
  ['team/x', 'team/x', '<none>'],
  ['docker.io/library/alpine', 'alpine', '<none>'],
])('%s is of %s, tag %s', (name, repository, tag) => {
  expect(repositoryTags([name])).toEqual([{ repository, tag }]);
});

describe('the images of archives', () => {
  const list = async (...sources: string[]): ReturnType<typeof listImages> =>
    listImages(sources, { cacheDirectory: await scratchDirectory() });

  it('have the IDs, tags, times and sizes that docker gave them', async () => {
    const { images } = await list(fixture('expressweb-both.tar'), fixture('forms/docker20.tar.gz'));
    const asDocker = images
      .map(({ id, names, created, use }) => ({
        Id: id,
        RepoTags: [...names].sort(),
        Created: Date.parse(created ?? '') / 1000,
        Size: use?.size,
      }))
      .sort((a, b) => ((a.Id ?? '') < (b.Id ?? '') ? -1 : 1));
    expect(asDocker).toEqual(dockerAnswers().images);
  });

  it('share what docker system df says that they share, and take as much together', async () => {
    const { images, totalSize } = await list(
      fixture('expressweb-both.tar'),
      fixture('forms/docker20.tar.gz'),
    );
    const asDocker = images
      .map(({ id, use }) => ({ Id: id, Size: use?.size, SharedSize: use?.sharedSize }))
      .sort((a, b) => ((a.Id ?? '') < (b.Id ?? '') ? -1 : 1));
    expect({ LayersSize: totalSize, Images: asDocker }).toEqual(dockerAnswers().df);
  });

  it('share the layers of a common base: the total counts them once', async () => {
    const { images, totalSize } = await list(fixture('expressweb.tar'), fixture('expressweb-both.tar'));
    const sizes: unknown = Object.fromEntries(images.map(({ names, use }) => [names[0], use]));
    expect(sizes).toEqual({
      'expressweb:latest': { size: 318_736, sharedSize: 318_736, uniqueSize: 0 },
      'extending-expressweb:latest': { size: 319_067, sharedSize: 318_736, uniqueSize: 331 },
    });
    expect(totalSize).toBe(319_067);
  });

  it('share nothing with themselves, in however many archives they are', async () => {
    const { images, totalSize } = await list(fixture('expressweb.tar'), fixture('forms/oci-zstd'));
    expect(images.map(({ use }) => use?.sharedSize)).toEqual([0, 0]);
    expect(totalSize).toBe(318_736);
  });

  it('share no layer that lies on another stack, as docker keeps them', async () => {
    const [a, b, c] = [await sampleLayer('a'), await sampleLayer('bb'), await sampleLayer('ccc')];
    const layout = new SampleLayout();
    layout.add(layout.image([a, c]), 'x:1').add(layout.image([b, c]), 'y:1');
    const { images, totalSize } = await list(await tarFile(layout.members()));
    expect(images.map(({ use }) => use?.sharedSize)).toEqual([0, 0]);
    expect(totalSize).toBe(9);
  });

  it('are newest first', async () => {
    const layout = new SampleLayout();
    const layers = [await sampleLayer('a')];
    for (const [year, name] of [
      [2001, 'old:1'],
      [2020, 'new:1'],
      [2010, 'middle:1'],
    ] as const) {
      layout.add(layout.image(layers, { created: `${year}-01-01T00:00:00Z` }), name);
    }
    const { images } = await list(await tarFile(layout.members()));
    expect(images.map(({ names }) => names[0])).toEqual(['new:1', 'middle:1', 'old:1']);
  });

  it('are the one that a source chooses', async () => {
    const { images } = await list(`${fixture('expressweb-both.tar')}:extending-expressweb`);
    expect(images.map(({ names }) => names[0])).toEqual(['extending-expressweb:latest']);
    const arm = await listImages([fixture('platforms.tar')], { platform: 'linux/arm64' });
    expect(arm.images.map(({ platform }) => platform?.architecture)).toEqual(['arm64', undefined]);
  });

  it('are listed as far as they are known where one is damaged', async () => {
    const layout = new SampleLayout();
    const [good, bad] = [await sampleLayer('good'), await sampleLayer('bad')];
    layout.add(layout.image([good]), 'good:1');
    layout.add(layout.image([bad]), 'bad:1');
    layout.replace(bad.diffId, Buffer.alloc(bad.tar.length));
    const layers = [layout.blob(good.tar, LAYER)];
    layout.add(
      layout.json({ schemaVersion: 2, config: layout.blob('no JSON', CONFIG), layers }, MANIFEST),
      'odd:1',
    );
    const { images } = await list(await tarFile(layout.members()));
    expect(
      images.map(({ names, use, problem }) => [names[0], use?.size, problem?.replace(/^.*: /, '')]),
    ).toEqual([
      ['good:1', 4, undefined],
      ['bad:1', undefined, expect.stringContaining('the archive is damaged')],
      ['odd:1', 4, expect.stringContaining('JSON')],
    ]);
  });
});
