// The built command tree. What it lists is tested in test/inspect/tree-listing.test.ts.
import { mkdirSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { COMMAND, fixture, run, runAlone, withWorkplace } from '../../mount/stratafs.ts';

const both = `${fixture('expressweb-both.tar')}:extending-expressweb`;

it('shows a letter, a layer, a size and a branch for each name, and a sum', async () => {
  const { status, stdout, stderr } = await runAlone('tree', '--depth', '1', both, '/usr/src/app');
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout).toBe(`A 2  840B  /usr/src/app/
A 4   24B  ├── .dockerignore
A 3  224B  ├── node_modules/
A 2  261B  ├── package.json
A 4    7B  ├── public/
A 6  164B  ├── routes/
C 5  160B  └── server.js

6 added, 1 changed, 0 deleted, 840B
`);
});

it('shows what one layer changes, with a minus before the size of what it deletes', async () => {
  const { stdout } = await runAlone('tree', '--layer', '8', both, '/usr/src/app/public');
  expect(stdout).toBe(`       7B  /usr/src/app/public/
C 8    7B  ├── index.html
D 8  -51B  └── style.css

0 added, 1 changed, 1 deleted, 7B
`);
});

it('colors letters and names on request', async () => {
  const { stdout } = await runAlone('tree', '--color', 'always', '--layer', '8', both, '/usr/src/app/public');
  expect(stdout).toContain('\x1b[33mC\x1b[m 8    7B  ├── index.html\n');
  expect(stdout).toContain('\x1b[31mD\x1b[m 8  -51B  └── \x1b[31mstyle.css\x1b[m\n');
});

it('prints paths that the image shows, one a line or ended by NUL', async () => {
  const args = ['tree', '--changed', '--paths', both, '/usr/src/app/public/.'];
  expect((await runAlone(...args)).stdout).toBe('/usr/src/app/public\n/usr/src/app/public/index.html\n');
  expect((await runAlone(...args, '-0')).stdout).toBe(
    '/usr/src/app/public\0/usr/src/app/public/index.html\0',
  );
});

it('follows a symlink that is the path, and shows targets and hard links', async () => {
  const { stdout } = await runAlone('tree', fixture('expressweb.tar'), '/bin');
  expect(stdout.split('\n')[0]).toMatch(/ {2}\/usr\/bin\/$/);
  expect(stdout).toMatch(/ 0B {2}├── rm \(link to \/usr\/bin\/nuke\)$/m);
});

it('describes each name as JSON', async () => {
  const { stdout } = await runAlone('tree', '--json', '--layer', '8', both, '/usr/src/app/public');
  const entries = JSON.parse(stdout) as object[];
  expect(entries.map((entry) => ({ ...entry, modified: undefined }))).toEqual([
    { path: '/usr/src/app/public', type: 'directory', mode: '0755', uid: 0, gid: 0, size: 7 },
    {
      ...{ path: '/usr/src/app/public/index.html', kind: 'C', layer: 8, type: 'file', mode: '0644' },
      ...{ uid: 0, gid: 0, size: 7 },
    },
    { path: '/usr/src/app/public/style.css', kind: 'D', layer: 8, type: 'file', mode: '0644', size: 51 },
  ]);
});

it('ends without an error when the reader of the first line has gone', () =>
  withWorkplace(async (place) => {
    mkdirSync(place.path('names'));
    for (let n = 0; n < 5000; n++) writeFileSync(place.path(`names/file-${n}`), '');
    const script = `tar -cf a.tar -C names . && for form in '' --json --paths; do
      '${process.execPath}' '${COMMAND}' tree $form a.tar | head -n 1; echo "\${PIPESTATUS[*]}"
    done`;
    const { stdout, stderr } = await run('bash', ['-c', script], {
      cwd: place.directory,
      env: place.environment,
    });
    expect({ stdout, stderr }).toEqual({ stdout: 'A 1  0B  /\n0 0\n[\n0 0\n/\n0 0\n', stderr: '' });
  }));

it('refuses in one line', () =>
  withWorkplace(async (place) => {
    const refusals: [string[], number, RegExp][] = [
      [
        ['tree', both, '/none'],
        1,
        /\/none: no such file in the image; "stratafs which" also finds deleted ones$/,
      ],
      [['tree', '-0', both], 2, /tree: -0 needs --paths$/],
      [['tree', '--layer', '2', '--upto', '3', both], 2, /--layer and --upto are given/],
      [['tree', '--layer', 'upper', both], 1, /is not a mount with an upper directory/],
      [['tree', '--layer', '9', both], 1, /^stratafs: --layer=9: there is no such layer; /],
      [['tree', '--upto', '9', both], 1, /^stratafs: --upto=9: there is no such layer; /],
      [['tree', '--depth', 'x', both], 2, /expected a number from 0/],
    ];
    for (const [args, status, stderr] of refusals) {
      const found = await place.stratafs(args);
      expect({ args, ...found, stderr: found.stderr.trim() }).toEqual({
        ...{ args, status, stdout: '' },
        stderr: expect.stringMatching(stderr) as string,
      });
    }
  }));
