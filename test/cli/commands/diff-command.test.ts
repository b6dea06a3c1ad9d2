// The built command. How trees are compared is tested in test/inspect/compare-trees.test.ts.
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { describeWith } from '../../requirements.ts';
import { fixture, runAlone, withWorkplace } from '../../mount/stratafs.ts';

const base = `${fixture('expressweb-both.tar')}:expressweb`;
const extended = `${fixture('expressweb-both.tar')}:extending-expressweb`;

describe('stratafs diff', () => {
  it("prints docker diff's lines for two images", async () => {
    const { status, stdout, stderr } = await runAlone('diff', base, extended);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout.split('\n')).toEqual([
      'C /usr',
      'C /usr/src',
      'C /usr/src/app',
      'D /usr/src/app/README.md',
      'C /usr/src/app/node_modules',
      'D /usr/src/app/node_modules/debug',
      'C /usr/src/app/public',
      'C /usr/src/app/public/index.html',
      'D /usr/src/app/public/style.css',
      'A /usr/src/app/routes',
      'A /usr/src/app/routes/users.js',
      'C /usr/src/app/server.js',
      '',
    ]);
  });

  it('compares stacks of layers, and shows what one layer changes', async () => {
    const stacks = await runAlone('diff', `${extended}#4`, `${extended}#6`);
    expect(stacks.stdout).toMatch(
      /^C \/usr\n[^]*\nA \/usr\/src\/app\/routes\/users\.js\nC \/usr\/src\/app\/server\.js\n$/,
    );
    const alone = await runAlone('diff', `${extended}#7`);
    expect(alone.stdout).toMatch(
      /\nD \/usr\/src\/app\/README\.md\n[^]*\nD \/usr\/src\/app\/node_modules\/debug\n$/,
    );
    const first = await runAlone('diff', `${extended}#1`);
    expect(first.stdout).toMatch(/^A \/bin\n/);
  });

  it('--stat prints sizes and what changed', async () => {
    const { stdout } = await runAlone('diff', '--stat', base, extended);
    expect(stdout).toMatch(/^C +241B +160B +size +\/usr\/src\/app\/server\.js$/m);
    expect(stdout).toMatch(/^D +105B +\/usr\/src\/app\/node_modules\/debug$/m);
    expect(stdout).toMatch(/\n\n2 added, 2 changed, 3 deleted, -231B\n$/);
  });

  it('-p prints a patch from A to B', () =>
    withWorkplace(async (place) => {
      for (const [name, source] of [
        ['a', base],
        ['b', extended],
      ] as const) {
        mkdirSync(place.path(name));
        await place.stratafs(['export', '-o', `${name}.tar`, source]);
        execFileSync('tar', ['-xf', `${name}.tar`, '-C', name, '--no-same-owner', 'usr/src'], {
          cwd: place.directory,
        });
      }
      const { stdout } = await place.stratafs(['diff', '-p', base, extended]);
      writeFileSync(place.path('patch'), stdout);
      execFileSync('patch', ['-p1', '-s', '-E', '-i', '../patch'], { cwd: place.path('a') });
      execFileSync('diff', ['-r', '--no-dereference', 'a/usr/src', 'b/usr/src'], { cwd: place.directory });
    }));

  it('--exit-code and --quiet report differences by the exit status', async () => {
    expect(await runAlone('diff', '--quiet', base, extended)).toEqual({ status: 1, stdout: '', stderr: '' });
    expect((await runAlone('diff', '--exit-code', base, extended)).status).toBe(1);
    expect(await runAlone('diff', '--exit-code', extended, fixture('forms/oci-gzip.tar'))).toEqual({
      status: 0,
      stdout: '',
      stderr: '',
    });
  });

  it('--json prints what docs/json.md describes', async () => {
    const { stdout } = await runAlone('diff', '--json', base, extended);
    const differences = JSON.parse(stdout) as { path: string }[];
    expect(differences.filter(({ path }) => /server|debug$|app$/.test(path))).toEqual([
      { kind: 'C', path: '/usr/src/app', attributes: [] },
      { kind: 'D', path: '/usr/src/app/node_modules/debug', attributes: [], sizeBefore: 105 },
      { kind: 'C', path: '/usr/src/app/server.js', attributes: ['size'], sizeBefore: 241, sizeAfter: 160 },
    ]);
  });

  it('rejects a single operand without a layer, and a missing layer, in one line', async () => {
    expect(await runAlone('diff', base)).toMatchObject({
      status: 2,
      stderr: 'stratafs: diff: missing argument: B (only a mount point or IMAGE#LAYER can stand alone)\n',
    });
    expect((await runAlone('diff', `${base}#9`)).stderr).toMatch(
      /^stratafs: \S+:expressweb#9: there is no such layer; /,
    );
  });
});

describeWith(['root', { program: 'tar' }], 'stratafs diff of an image and a directory', () => {
  it('finds what was changed in the directory', () =>
    withWorkplace(async (place) => {
      mkdirSync(place.path('root'));
      await place.stratafs(['export', '-o', 'root.tar', base]);
      execFileSync('tar', ['-xpf', 'root.tar', '-C', 'root', '--numeric-owner'], { cwd: place.directory });
      expect(await place.stratafs(['diff', base, 'root'])).toEqual({ status: 0, stdout: '', stderr: '' });
      const app = place.path('root/usr/src/app');
      writeFileSync(`${app}/server.js`, 'new\n');
      chmodSync(`${app}/public`, 0o700);
      renameSync(`${app}/README.md`, `${app}/README`);
      rmSync(`${app}/node_modules`, { recursive: true });
      const { stdout } = await place.stratafs(['diff', base, 'root']);
      expect(stdout.split('\n').slice(2)).toEqual([
        'C /usr/src/app',
        'A /usr/src/app/README',
        'D /usr/src/app/README.md',
        'D /usr/src/app/node_modules',
        'C /usr/src/app/public',
        'C /usr/src/app/server.js',
        '',
      ]);
    }));
});
