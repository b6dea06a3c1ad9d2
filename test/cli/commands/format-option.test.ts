// --format in all listings. What templates mean is tested in test/cli/output/template/ and listing.test.ts.
import { expect, it } from 'vitest';
import { commands } from '../../../src/cli/command-list.ts';
import { type Workplace, fixture, withMounted, withWorkplace } from '../../mount/stratafs.ts';
import { describeWith } from '../../requirements.ts';

const source = `${fixture('expressweb-both.tar')}:extending-expressweb`;

/** The arguments of each listing, with the mount point of a mount. */
const listings: Readonly<Record<string, (mountpoint: string) => readonly string[]>> = {
  ls: () => [],
  ps: () => [],
  index: () => [source],
  images: () => [source],
  history: () => [source],
  layers: () => [source],
  tree: () => [source, '/usr/src/app'],
  which: () => [source, '/usr/src/app/server.js'],
  diff: () => [`${source}#3`],
  waste: () => [source],
  stats: (mountpoint) => [mountpoint],
};

const names = Object.keys(listings);
/** Fields that may differ between two runs, as the counts of `stats` do. */
const changing = ['Age', 'CreatedSince', 'RunningFor', 'Time'];

async function syntaxOf(name: string) {
  return (await commands.get(name)?.load())?.().syntax;
}

/** The fields that the help lists. */
async function fieldsOf(name: string): Promise<string[]> {
  let help = '';
  const syntax = await syntaxOf(name);
  syntax?.configureOutput({ writeOut: (text) => (help += text) }).outputHelp();
  const [, list = ''] = /The fields of --format templates are ((?:[^.]|\.[A-Z])*)\./.exec(help) ?? [];
  return [...list.matchAll(/\.(\w+)/g)].map(([, field = '']) => field);
}

async function runListing(place: Workplace, name: string, format: string) {
  const args = listings[name]?.(place.mountpoint) ?? [];
  return place.stratafs([name, '--format', format, ...args]);
}

it('every command with --format is tested here', async () => {
  const found: string[] = [];
  for (const name of commands.keys()) {
    const syntax = await syntaxOf(name);
    if (syntax?.options.some(({ long }) => long === '--format') === true) found.push(name);
  }
  expect(found.filter((name) => name !== 'inspect').sort()).toEqual([...names].sort());
});

describeWith(['fuse'], '--format', () => {
  it('json prints a line for each row, with the fields that the help lists', () =>
    withMounted(source, async (place) => {
      for (const name of names) {
        const { status, stdout, stderr } = await runListing(place, name, 'json');
        expect({ name, status, stderr }).toEqual({ name, status: 0, stderr: '' });
        const fields = (await fieldsOf(name)).sort();
        expect(fields.length).toBeGreaterThan(1);
        const rows = stdout.trimEnd().split('\n');
        for (const row of rows) expect(Object.keys(JSON.parse(row) as object).sort()).toEqual(fields);
      }
    }));

  it('a template of all fields prints the same texts in a row and in a table', () =>
    withMounted(source, async (place) => {
      for (const name of names.filter((each) => each !== 'stats')) {
        const fields = (await fieldsOf(name)).filter((field) => !changing.includes(field));
        const template = fields.map((field) => `{{.${field}}}`).join('\\t');
        const rows = await runListing(place, name, template);
        const table = await runListing(place, name, `table ${template}`);
        expect({ name, status: rows.status, stderr: rows.stderr }).toEqual({ name, status: 0, stderr: '' });
        const squeeze = (text: string): string => text.replace(/[ \t]+/g, ' ').replace(/^ | $/gm, '');
        const [, ...body] = squeeze(table.stdout).split('\n');
        expect(body.join('\n')).toBe(squeeze(rows.stdout));
      }
    }));

  it('refuses a field that does not exist, with those that do', () =>
    withMounted(source, async (place) => {
      for (const name of names) {
        const { status, stdout, stderr } = await runListing(place, name, '{{.Nope}}');
        const fields = (await fieldsOf(name)).map((field) => `.${field}`).join(', ');
        expect({ name, status, stdout }).toEqual({ name, status: 2, stdout: '' });
        expect(stderr).toContain(`--format: found .Nope, expected one of ${fields}\n`);
      }
    }));
});

it('waste --format lists the wasted paths only, and keeps the status of --ci', () =>
  withWorkplace(async (place) => {
    const args = ['waste', '--ci', '--lowestEfficiency', '1', '--format', '{{.Path}} {{.Layers}}', source];
    const { status, stdout } = await place.stratafs(args);
    expect(status).toBe(1);
    expect(stdout).toMatch(/^\/usr\/src\/app\/server\.js 4\n(?:\/\S+ [\d,]+\n)+$/);
  }));
