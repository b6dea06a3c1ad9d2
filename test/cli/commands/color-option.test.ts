// --color. When colours are used is tested in test/cli/output/color.test.ts; here, that the commands follow it.
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';
import { expect, it } from 'vitest';
import { commands } from '../../../src/cli/command-list.ts';
import { COMMAND, type Outcome, type Workplace, fixture, run, withWorkplace } from '../../mount/stratafs.ts';
import { describeWith } from '../../requirements.ts';

const both = fixture('expressweb-both.tar');
const source = `${both}:extending-expressweb`;

const styled = (style: string, text: string): string => `\x1b[${style}m${text}\x1b[m`;

/** Command lines, with texts that must be in the coloured output. */
const views: readonly (readonly [args: readonly string[], styledTexts: readonly string[]])[] = [
  [['diff', `${source}#5`], [styled('33', 'C /usr/src/app/server.js')]],
  [['diff', `${source}#1`, `${source}#8`], [styled('32', 'A /usr/src/app')]],
  [
    ['diff', '--stat', `${source}#8`, `${source}#1`],
    [styled('31', 'D'), styled('31', '/usr/src')],
  ],
  [
    ['diff', '-p', `${source}#5`],
    [styled('1', '--- a/usr/src/app/server.js'), styled('31', '-const port = 8080;')],
  ],
  [
    ['which', source, '/usr/src/app/server.js', '/bin'],
    [styled('33', 'replaced'), styled('32', 'added'), styled('01;36', '/bin')],
  ],
  [
    ['waste', '--ci', '--highestWastedBytes', '1', source],
    [styled('31', '457B'), styled('31', 'FAIL'), styled('32', 'PASS')],
  ],
  [
    ['tree', '--changed', source],
    [styled('32', 'A'), styled('31', 'style.css')],
  ],
  [['history', source], [styled('33', '<missing>')]],
  [['history', '--dockerfile', source], [styled('33', '# layer 1: 318kB cebffcbf4352')]],
];

function runView(place: Workplace, [name = '', ...args]: readonly string[], ...options: string[]) {
  const environment = { ...place.environment };
  delete environment['LS_COLORS'];
  return place.stratafs([name, ...options, ...args], { env: environment });
}

it('--color=always adds styles and changes nothing else', () =>
  withWorkplace(async (place) => {
    for (const [args, texts] of views) {
      const always = await runView(place, args, '--color=always');
      for (const text of texts) expect(always.stdout).toContain(text);
      const never = await runView(place, args, '--color', 'never');
      expect(never.stdout).toBe(stripVTControlCharacters(always.stdout));
      expect(never.stdout).toBe((await runView(place, args)).stdout);
      expect(never.status).toBe(always.status);
    }
  }));

it('the same commands have the option', async () => {
  const found: string[] = [];
  for (const [name, { load }] of commands) {
    if ((await load())().syntax.options.some(({ long }) => long === '--color')) found.push(name);
  }
  expect(found).toEqual(expect.arrayContaining([...new Set(views.map(([[name]]) => name))]));
});

it.each(['which', 'tree', 'waste'])('%s shows a path in the style that LS_COLORS has for it', (name) =>
  withWorkplace(async (place) => {
    const paths = name === 'waste' ? [] : ['/usr/src/app/server.js'];
    const args = [name, '--color=always', source, ...paths];
    const { stdout } = await place.stratafs(args, {
      env: { ...place.environment, LS_COLORS: '*.js=01;35' },
    });
    expect(stdout).toContain(styled('01;35', '/usr/src/app/server.js'));
  }),
);

it.each(['', 'or=01;31', 'ln=target:or=31:di=34:ex=32', 'ln=36:or=0'])(
  'tree styles symlinks as ls does: LS_COLORS=%s',
  (colors) =>
    withWorkplace(async (place) => {
      const names = ['to-directory', 'to-file', 'to-link', 'to-nothing', 'to-itself'];
      mkdirSync(place.path('image/directory'), { recursive: true });
      writeFileSync(place.path('image/file'), '', { mode: 0o755 });
      for (const [n, target] of ['directory', 'file', 'to-directory', 'nothing', 'to-itself'].entries()) {
        symlinkSync(target, place.path(`image/${names[n] ?? ''}`));
      }
      await run('tar', ['-cf', place.path('image.tar'), '-C', place.path('image'), '.']);
      const env = { ...place.environment, LC_ALL: 'C', TERM: 'xterm', LS_COLORS: colors };
      const cwd = place.path('image');
      const listed = await run('ls', ['-d', '--color=always', ...names], { cwd, env });
      const ofLs = listed.stdout.replaceAll('\x1b[0m', '').trimEnd().split('\n');
      const { stdout } = await place.stratafs(['tree', '--color=always', 'image.tar'], { env });
      const ofTree = [...stdout.matchAll(/(\S*to-\w+\S*) -> /g)].map(([, shown = '']) =>
        shown.replaceAll('\x1b[m', ''),
      );
      expect(ofTree.sort()).toEqual(ofLs.sort());
    }),
);

it('a name is escaped before it is styled', () =>
  withWorkplace(async (place) => {
    for (const name of ['a', 'b']) mkdirSync(place.path(name));
    writeFileSync(place.path('b/\x1b[31mred'), '');
    const { stdout } = await place.stratafs(['diff', '--color=always', 'a', 'b']);
    expect(stdout).toBe(`${styled('32', 'A /\\033[31mred')}\n`);
  }));

describeWith([{ program: 'script' }], 'on a terminal', () => {
  async function runOnTerminal(variables: NodeJS.ProcessEnv): Promise<string> {
    const outcomes: Outcome[] = [];
    await withWorkplace(async (place) => {
      const environment = { ...place.environment };
      delete environment['NO_COLOR'];
      const command = `stty cols 200; "${process.execPath}" "${COMMAND}" diff "${source}#5"`;
      const env = { ...environment, ...variables };
      outcomes.push(await run('script', ['-qec', command, '/dev/null'], { cwd: place.directory, env }));
    });
    return outcomes[0]?.stdout ?? '';
  }

  it('colours are the default', async () => {
    expect(await runOnTerminal({ TERM: 'xterm' })).toContain('\x1b[33mC /usr\x1b[m');
  });

  it.each([{ NO_COLOR: '1', TERM: 'xterm' }, { TERM: 'dumb' }])('except with %j', async (variables) => {
    expect(await runOnTerminal(variables)).toMatch(/^C \/usr\r?\n/);
  });
});
