// The built command. What the page does in a browser is tested in test/report/.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fillPage } from '../../../src/cli/output/report-page.ts';
import type { ReportData } from '../../../src/inspect/report-format.ts';
import { tarFile } from '../../image/scratch.ts';
import { fixture, runAlone, withMounted, withWorkplace } from '../../mount/stratafs.ts';
import { describeWith } from '../../requirements.ts';

const source = `${fixture('expressweb-both.tar')}:expressweb`;

function dataIn(page: string): ReportData {
  const [, json] = /<script type="application\/json" id="report-data">(.*?)<\/script>/s.exec(page) ?? [];
  return JSON.parse(json ?? expect.fail('no data')) as ReportData;
}

describe('stratafs report', () => {
  it('writes report.html, or the file of -o, with the same bytes each time', () =>
    withWorkplace(async (place) => {
      expect(await place.stratafs(['report', source])).toEqual({ status: 0, stdout: '', stderr: '' });
      await place.stratafs(['report', '-o', 'other.html', source]);
      const piped = await place.stratafs(['report', '--output', '-', source]);
      const page = readFileSync(place.path('report.html'), 'utf8');
      expect(readFileSync(place.path('other.html'), 'utf8')).toBe(page);
      expect(piped.stdout).toBe(page);
      expect(dataIn(page).images.map((image) => [image.source, image.size])).toEqual([[source, 318_736]]);
      expect(readdirSync(place.directory).sort()).toEqual(['cache', 'mnt', 'other.html', 'report.html']);
    }));

  it('if a source fails, writes nothing and keeps an existing file', () =>
    withWorkplace(async (place) => {
      writeFileSync(place.path('report.html'), 'before');
      const failed = await place.stratafs(['report', source, 'missing.tar']);
      expect(failed).toMatchObject({ status: 1, stdout: '' });
      expect(failed.stderr).toMatch(/^stratafs: [^\n]*missing\.tar[^\n]*\n$/);
      expect(readFileSync(place.path('report.html'), 'utf8')).toBe('before');
      mkdirSync(place.path('place'));
      expect((await place.stratafs(['report', '-o', 'place', source])).stderr).toBe(
        'stratafs: place: is a directory, expected a file to write\n',
      );
      expect((await place.stratafs(['report', '-o', 'none/x.html', source])).status).toBe(1);
      expect(existsSync(place.path('none'))).toBe(false);
    }));

  it('reports the number of folded names if there is a limit', () =>
    withWorkplace(async (place) => {
      const { status, stderr } = await place.stratafs(['report', '--names', '10', source]);
      expect(status).toBe(0);
      expect(stderr).toMatch(
        /^stratafs: .*:expressweb: \d\d names of up to 9\.\d+kB are summed up by directory; --names lists more\n$/,
      );
      const { images } = dataIn(readFileSync(place.path('report.html'), 'utf8'));
      expect(images[0]?.nodes.codes.length).toBeLessThan(20);
    }));

  it('warns of a history that does not match the layers', async () => {
    const layer = await tarFile([['a', 'x']], 'layer.tar');
    const { status, stdout, stderr } = await runAlone('report', '-o', '-', layer);
    expect(status).toBe(0);
    expect(stderr).toMatch(/^stratafs: warning: .*layer\.tar: the image has no history of its layers\n$/);
    expect(dataIn(stdout).images[0]?.gap).toBe('the image has no history of its layers');
  });

  it('compares exactly two images, and lists what diff lists', () =>
    withWorkplace(async (place) => {
      const second = `${fixture('expressweb-both.tar')}:extending-expressweb`;
      const json = async (...args: string[]): Promise<unknown> =>
        JSON.parse((await place.stratafs([...args, '--json', source, second])).stdout);
      const differences = (await json('diff')) as { kind: string; attributes: string[] }[];
      const listed = differences.filter(({ kind, attributes }) => kind !== 'C' || attributes.length > 0);
      const countOf = (wanted: string): number => listed.filter(({ kind }) => kind === wanted).length;
      expect(await json('report', '--compare')).toMatchObject({
        before: { source, layers: { length: 4 } },
        after: { source: second, layers: { length: 8 } },
        baseLayers: 4,
        added: countOf('A'),
        changed: countOf('C'),
        deleted: countOf('D'),
        differences: listed,
      });
      expect(existsSync(place.path('report.html'))).toBe(false);
      for (const [args, problem] of [
        [['--compare', source], '--compare: found 1 images, expected 2'],
        [['--json', source], '--json needs --compare'],
        [['--ignore-times', source], '--ignore-times needs --compare'],
      ] as const)
        expect(await place.stratafs(['report', ...args])).toMatchObject({
          status: 2,
          stderr: `stratafs: report: ${problem}\n`,
        });
    }));

  it('rejects a malformed number of names', async () => {
    expect(await runAlone('report', '--names', '0', source)).toMatchObject({
      status: 2,
      stderr: "stratafs: --names: found '0', expected a number of 1 or more\n",
    });
  });

  it('makes a page whose policy allows its own code and style, and that keeps the notice of what it uses', async () => {
    const { stdout } = await runAlone('report', '-o', '-', source);
    const hash = (tag: string): string => {
      const [, text] = new RegExp(`<${tag}>(.*?)</${tag}>`, 's').exec(stdout) ?? [];
      return `sha256-${createHash('sha256')
        .update(text ?? '')
        .digest('base64')}`;
    };
    const [, policy] = /http-equiv="Content-Security-Policy"\s+content="([^"]*)"/.exec(stdout) ?? [];
    expect(policy).toBe(
      `default-src 'none'; script-src '${hash('script')}'; style-src '${hash('style')}'; img-src data:; base-uri 'none'; form-action 'none'`,
    );
    expect(stdout).toMatch(/Copyright \d+-\d+ Mike Bostock\n\nPermission to use, copy, modify/);
  });
});

describeWith(['fuse'], 'stratafs report of a mount', () => {
  it('is the report of its image', () =>
    withMounted(source, async (place) => {
      const { stdout } = await place.stratafs(['report', '-o', '-', place.mountpoint]);
      const { images } = dataIn(stdout);
      expect(images.map(({ names, size }) => [names[0], size])).toEqual([['expressweb:latest', 318_736]]);
    }));

  it('has what was written as one more layer', () =>
    withMounted(
      source,
      async (place) => {
        writeFileSync(join(place.mountpoint, 'written'), Buffer.alloc(1000));
        const { stdout, stderr } = await place.stratafs(['report', '-o', '-', place.mountpoint]);
        const [image] = dataIn(stdout).images;
        const upper = image?.layers.at(-1);
        expect([image?.size, upper?.isUpper, upper?.size, upper?.added]).toEqual([319_736, true, 1000, 1]);
        expect(image?.layers.slice(0, -1).every((layer) => layer.isUpper === undefined)).toBe(true);
        expect([image?.gap, stderr]).toEqual([undefined, '']);
      },
      '--tmp',
    ));
});

it('the data never end their block, and are read back unchanged', () => {
  const template = 'a<script type="application/json" id="report-data"></script>$&b';
  const data = { images: [], note: '</script><!--<script>$& $1 \u2028' } as unknown as ReportData;
  const page = fillPage(template, data);
  expect(page.match(/<\/?script/g)).toEqual(['<script', '</script']);
  expect(dataIn(page)).toEqual(data);
  expect(page.endsWith('</script>$&b')).toBe(true);
});
