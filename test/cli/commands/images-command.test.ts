// The built command. What it shows is compared with docker's answers in test/inspect/image-list.test.ts.
import { describe, expect, it } from 'vitest';
import { sampleLayer, SampleLayout } from '../../image/sample-images.ts';
import { tarFile } from '../../image/scratch.ts';
import { fixture, type Outcome, runAlone } from '../../mount/stratafs.ts';

const images = (...args: string[]): Promise<Outcome> => runAlone('images', ...args);

/** Replaces ages, which change. */
const lines = ({ stdout }: Outcome): string[] => stdout.replace(/ +\d+ years ago +/g, '  AGE  ').split('\n');

describe('stratafs images', () => {
  it("prints docker's columns for one archive, a line a name", async () => {
    const outcome = await images(fixture('expressweb.tar'));
    expect(outcome.status).toBe(0);
    expect(lines(outcome)).toEqual([
      expect.stringMatching(/^REPOSITORY +TAG +IMAGE ID +CREATED +SIZE$/),
      'expressweb  latest  c3c74c4ba3f5  AGE  319kB',
      'expressweb  1.0.0   c3c74c4ba3f5  AGE  319kB',
      '',
    ]);
  });

  it('prints the shared sizes of several archives, and the total with each layer once', async () => {
    const outcome = await images(
      '--bytes',
      fixture('expressweb.tar'),
      `${fixture('expressweb-both.tar')}:@1`,
    );
    expect(lines(outcome)[0]).toMatch(/ SIZE +SHARED SIZE +UNIQUE SIZE +SOURCE$/);
    expect(lines(outcome)[3]).toMatch(
      /^extending-expressweb +latest +30a8f3d2db65 {2}AGE {2}319067 +318736 +331 +\/.*both\.tar:@1$/,
    );
    expect(outcome.stdout).toMatch(/\n\nTotal: 319067, each layer once\n$/);
  });

  it('shows a column for platforms, and warns of an artifact', async () => {
    const outcome = await images(fixture('platforms.tar'));
    expect(outcome.status).toBe(0);
    expect(outcome.stdout).toMatch(/^<none> +demo +b12ab5399154 +linux\/arm\/v7 /m);
    expect(outcome.stdout).toMatch(/^<none> +artifact +<none> +N\/A +N\/A$/m);
    expect(outcome.stderr).toMatch(/^stratafs: warning: .*platforms\.tar: .*no container image\n$/);
  });

  it('exits with 1 if an image is damaged, and lists the others', async () => {
    const layout = new SampleLayout();
    const layer = await sampleLayer('good');
    layout
      .add(layout.image([layer]), 'good:1')
      .add(layout.image([await sampleLayer('bad')], {}, { layers: [] }), 'bad:1');
    const { status, stdout, stderr } = await images('-q', await tarFile(layout.members()));
    expect(status).toBe(1);
    expect(stdout).toMatch(/^[0-9a-f]{12}\n[0-9a-f]{12}\n$/);
    expect(stderr).toMatch(
      /^stratafs: warning: .*layers has 0 layers, but rootfs\.diff_ids of the config has 1\n$/,
    );
  });

  it('lists platforms that were never saved only with --all', async () => {
    const layout = new SampleLayout();
    const [here, gone] = [layout.image([await sampleLayer('a')]), layout.image([await sampleLayer('b')])];
    layout.add(here, 'x:1').add(gone, 'x:1').lose(gone.digest);
    const path = await tarFile(layout.members());
    const shown = await images('-q', path);
    expect(shown).toMatchObject({ status: 0, stderr: '' });
    expect(shown.stdout.trimEnd().split('\n')).toHaveLength(1);
    expect((await images('-q', '--all', path)).stdout.trimEnd().split('\n')).toHaveLength(2);
  });

  it('--json prints what docs/json.md describes', async () => {
    const { stdout } = await images('--json', `${fixture('expressweb-both.tar')}:extending-expressweb`);
    const { images: listed, totalSize } = JSON.parse(stdout) as {
      images: { layers: object[] }[];
      totalSize: number;
    };
    expect(totalSize).toBe(319_067);
    const [{ layers, ...image } = { layers: [] }] = listed;
    expect(image).toEqual({
      source: expect.stringContaining('both.tar') as string,
      id: 'sha256:30a8f3d2db65bd8bec5ca4963a7e9aa7eee1bc09df2c46bb1a72bd926aaa087a',
      names: ['extending-expressweb:latest', 'localhost:5000/team/extending-expressweb:v2'],
      platform: 'linux/amd64',
      created: '2024-01-01T00:00:00Z',
      size: 319_067,
      sharedSize: 0,
      uniqueSize: 319_067,
    });
    expect(layers).toHaveLength(8);
  });
});
