// The built command inspect, against skopeo.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { configOf, sampleLayer } from '../../image/sample-images.ts';
import { tarFile } from '../../image/scratch.ts';
import { fixture, runAlone, withMounted, withWorkplace } from '../../mount/stratafs.ts';
import { describeWith } from '../../requirements.ts';

const layout = `oci:${fixture('forms/oci-zstd')}`;
const both = `${fixture('expressweb-both.tar')}:expressweb:1.0.0`;

interface Inspected {
  readonly Id: string;
  readonly RepoTags: string[];
  readonly Created: string;
  readonly Config: { readonly Env: string[]; readonly Labels: Record<string, string> | null };
  readonly Architecture: string;
  readonly Os: string;
  readonly Size: number;
  readonly RootFS: { readonly Type: string; readonly Layers: string[] };
  readonly Descriptor?: { readonly mediaType: string; readonly digest: string; readonly size: number };
  readonly Platforms: string[];
}

async function inspect(...args: string[]): Promise<Inspected[]> {
  const { status, stdout, stderr } = await runAlone('inspect', ...args);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return JSON.parse(stdout) as Inspected[];
}

const skopeo = (...args: string[]): string =>
  execFileSync('skopeo', ['inspect', ...args], { encoding: 'utf8' });

describeWith([{ program: 'skopeo' }], 'stratafs inspect', () => {
  it.each([layout, `oci-archive:${fixture('forms/oci-gzip.tar')}`])(
    'prints the manifest and the config of %s byte for byte as skopeo does',
    async (source) => {
      expect((await runAlone('inspect', '--raw', source)).stdout).toBe(skopeo('--raw', source));
      expect((await runAlone('inspect', '--raw', '--config', source)).stdout).toBe(
        skopeo('--raw', '--config', source),
      );
      expect(JSON.parse((await runAlone('inspect', '--config', source)).stdout)).toEqual(
        JSON.parse(skopeo('--raw', '--config', source)),
      );
    },
  );

  it.each([layout, `docker-archive:${both}`])('describes %s as skopeo does', async (source) => {
    const theirs = JSON.parse(skopeo(source)) as Record<string, unknown>;
    const config = JSON.parse(skopeo('--config', source)) as { rootfs: { diff_ids: string[] } };
    const [ours] = await inspect(source);
    expect({
      Created: ours?.Created,
      Architecture: ours?.Architecture,
      Os: ours?.Os,
      Env: ours?.Config.Env,
      Labels: ours?.Config.Labels ?? null,
    }).toEqual({
      Created: theirs['Created'],
      Architecture: theirs['Architecture'],
      Os: theirs['Os'],
      Env: theirs['Env'],
      Labels: theirs['Labels'],
    });
    expect(ours?.RootFS).toEqual({ Type: 'layers', Layers: config.rootfs.diff_ids });
    const digest = (theirs as { Digest: string }).Digest;
    if (source === layout) expect(ours?.Descriptor?.digest).toBe(digest);
    else expect(ours?.Descriptor).toBeUndefined();
  });
});

describe('stratafs inspect', () => {
  it('prints one object for each source, with names, size and platforms as other commands have them', async () => {
    const [first, second] = await inspect(both, fixture('platforms.tar'));
    const images = JSON.parse((await runAlone('images', '--json', both)).stdout) as {
      images: { id: string; size: number }[];
    };
    expect(first).toMatchObject({ Id: images.images[0]?.id, Size: images.images[0]?.size });
    expect(first?.RepoTags).toEqual(['expressweb:latest', 'expressweb:1.0.0']);
    expect(second?.Platforms).toEqual(['linux/amd64', 'linux/arm64/v8', 'linux/arm/v7', 'linux/arm/v6']);
  });

  it('applies a template to each image', async () => {
    const template = '{{.Os}}/{{.Architecture}} {{json .Config.Cmd}} {{len .RootFS.Layers}}';
    const { stdout } = await runAlone('inspect', '-f', template, both, layout);
    expect(stdout).toBe('linux/amd64 ["npm","start"] 4\nlinux/amd64 ["npm","start"] 4\n');
    // As in docker, fields that the image does not have are nil.
    const missing = await runAlone(
      'inspect',
      '-f',
      '{{json .Config.Labels}}{{json .Author}}',
      fixture('platforms.tar'),
    );
    expect(missing.stdout).toBe('nullnull\n');
    const wrong = await runAlone('inspect', '-f', '{{.Nothing}}', both);
    expect(wrong).toMatchObject({ status: 2, stdout: '' });
    expect(wrong.stderr).toMatch(/Nothing.*\.RepoTags/);
  });

  it('reads no layer for --raw and --config', () =>
    withWorkplace(async (place) => {
      const bytes = readFileSync(fixture('expressweb.tar'));
      // The digests of the layers are wrong now.
      const at = bytes.indexOf('root:x:0:0');
      bytes.write('toor', at);
      writeFileSync(place.path('app.tar'), bytes);
      expect(await place.stratafs(['inspect', '--raw', '--config', 'app.tar'])).toMatchObject({ status: 0 });
      expect(await place.stratafs(['inspect', '--raw', 'app.tar'])).toMatchObject({ status: 0 });
      expect(await place.stratafs(['inspect', 'app.tar'])).toMatchObject({ status: 1, stdout: '' });
    }));

  it('leaves out fields of a config that have another type than docker gives them', async () => {
    const layer = await sampleLayer('text');
    const config = {
      ...(JSON.parse(configOf([layer])) as object),
      author: 5,
      docker_version: {},
      config: [],
    };
    const image = await tarFile([
      ['config.json', JSON.stringify(config)],
      ['layer.tar', layer.tar],
      ['manifest.json', JSON.stringify([{ Config: 'config.json', RepoTags: null, Layers: ['layer.tar'] }])],
    ]);
    const [found] = await inspect(image);
    expect(Object.keys(found ?? {})).not.toEqual(expect.arrayContaining(['Author']));
    expect(found).toMatchObject({ RepoTags: [], RootFS: { Type: 'layers' } });
  });

  it('refuses a format for raw output, and a bare layer that has no manifest', async () => {
    expect(await runAlone('inspect', '--raw', '-f', '{{.Id}}', both)).toMatchObject({ status: 2 });
    const layer = await sampleLayer('text');
    const path = await tarFile([['x', layer.tar]], 'layer.tar');
    const { status, stderr } = await runAlone('inspect', '--raw', path);
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: `stratafs: ${path}: the manifest: the image has none\n`,
    });
  });
});

describeWith(['fuse'], 'stratafs inspect of a mount', () => {
  it('describes its image', () =>
    withMounted(
      fixture('expressweb.tar'),
      async (place) => {
        writeFileSync(place.path('mnt/new'), 'new');
        const mounted = await place.stratafs(['inspect', 'mnt']);
        expect(mounted).toEqual(await place.stratafs(['inspect', fixture('expressweb.tar')]));
      },
      '--tmp',
    ));
});
