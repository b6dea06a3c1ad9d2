// `stratafs diff` of a mount lists the changes as `docker diff` lists those of a container.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { expect, it } from 'vitest';
import { dockerAnswers } from '../inspect/docker-oracle.ts';
import { describeWith } from '../requirements.ts';
import { type Workplace, fixture, withWorkplace } from './stratafs.ts';

const IMAGE = fixture('expressweb.tar');
const APP = 'mnt/usr/src/app';

/** The output of `stratafs diff`, which must succeed. */
async function diff(place: Workplace, ...args: string[]): Promise<string[]> {
  const { status, stdout, stderr } = await place.stratafs(['diff', ...args]);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout.split('\n').slice(0, -1);
}

/** Runs `body` with the image mounted over the upper `u`. */
function withUpper(body: (place: Workplace) => Promise<void>, ...options: string[]): Promise<void> {
  return withWorkplace(async (place) => {
    mkdirSync(place.path('u'));
    await place.mount(IMAGE, '--upper', 'u', ...options);
    await body(place);
    await place.unmount();
  });
}

/** Makes the changes for which docker's output was recorded. */
function change(place: Workplace): void {
  execFileSync(fixture('make/changes.sh'), { cwd: place.mountpoint, stdio: 'pipe' });
}

describeWith(['fuse'], 'stratafs diff of a mount', () => {
  it('and which say where the contents of a file of the same size changed', () =>
    withUpper(async (place) => {
      const [sed, touched] = ['etc/passwd', 'etc/group'].map((name) => `${place.mountpoint}/${name}`) as [
        string,
        string,
      ];
      execFileSync('sed', ['-i', 's/root/ROOT/', sed]);
      execFileSync('touch', ['-d', '2001-02-03', touched]);
      // The oracle: cmp of what the mount shows with the image alone.
      mkdirSync(place.path('lower'));
      await place.stratafs(['mount', IMAGE, 'lower']);
      const isSame = (name: string): boolean =>
        spawnSync('cmp', ['-s', place.path(`lower/${name}`), place.path(`mnt/${name}`)]).status === 0;
      const expected = Object.fromEntries(
        ['etc/group', 'etc/passwd'].map((name) => [
          `/${name}`,
          isSame(name) ? ['mtime'] : ['mtime', 'content'],
        ]),
      );
      await place.stratafs(['unmount', 'lower']);
      expect(expected).toMatchObject({ '/etc/passwd': ['mtime', 'content'], '/etc/group': ['mtime'] });
      expect((await diff(place, '--stat', 'mnt')).filter((line) => line.includes('mtime'))).toEqual([
        expect.stringMatching(/^C .* mtime +\/etc\/group$/),
        expect.stringMatching(/^C .* mtime content +\/etc\/passwd$/),
      ]);
      const changes = JSON.parse((await diff(place, '--json', 'mnt')).join('\n')) as {
        path: string;
        attributes: string[];
      }[];
      const found = changes
        .filter(({ path }) => path in expected)
        .map((each) => [each.path, each.attributes]);
      expect(Object.fromEntries(found)).toEqual(expected);
      const which = await place.stratafs(['which', '--json', 'mnt', ...Object.keys(expected)]);
      const histories = JSON.parse(which.stdout) as { path: string; versions: { attributes: string[] }[] }[];
      expect(
        Object.fromEntries(histories.map(({ path, versions }) => [path, versions[0]?.attributes])),
      ).toEqual(expected);
    }));

  it.each([[[]], [['-o', 'redirect_dir=off']], [['-o', 'userxattr']]])(
    "prints docker diff's lines, mounted with %j",
    (options) =>
      withUpper(
        async (place) => {
          expect(await diff(place, 'mnt')).toEqual([]);
          change(place);
          const expected = dockerAnswers().diff['changes.sh']?.map(
            ({ Kind, Path }) => `${'CAD'.charAt(Kind)} ${Path}`,
          );
          expect(await diff(place, 'mnt')).toEqual(expected);
        },
        ...options,
      ),
  );

  it('a directory that was moved twice shows as removed under the old name and as added under the new one', () =>
    withUpper(async (place) => {
      appendFileSync(place.path(`${APP}/server.js`), '//\n');
      renameSync(place.path('mnt/usr/src'), place.path('mnt/once'));
      rmSync(place.path('mnt/once/app/node_modules'), { recursive: true });
      renameSync(place.path('mnt/once/app/public'), place.path('mnt/once/app/open'));
      renameSync(place.path('mnt/once'), place.path('mnt/etc/twice'));
      expect(await diff(place, 'mnt')).toEqual([
        'C /etc',
        'A /etc/twice',
        'A /etc/twice/app',
        'A /etc/twice/app/.dockerignore',
        'A /etc/twice/app/README.md',
        'A /etc/twice/app/open',
        'A /etc/twice/app/open/index.html',
        'A /etc/twice/app/open/style.css',
        'A /etc/twice/app/package.json',
        'A /etc/twice/app/server.js',
        'C /usr',
        'D /usr/src',
      ]);
      renameSync(place.path('mnt/etc/twice/app/open'), place.path('mnt/etc/twice/app/public'));
      renameSync(place.path('mnt/etc/twice'), place.path('mnt/usr/src'));
      expect(await diff(place, 'mnt')).toEqual([
        'C /usr',
        'C /usr/src',
        'C /usr/src/app',
        'D /usr/src/app/node_modules',
        'C /usr/src/app/server.js',
      ]);
    }));

  it('a copied-up file without a change is not listed, nor an identical new one', () =>
    withUpper(async (place) => {
      const file = place.path(`${APP}/README.md`);
      const content = readFileSync(file);
      const { atime, mtime } = statSync(file);
      appendFileSync(file, 'x');
      chmodSync(place.path(`${APP}/public`), 0o700);
      expect(await diff(place, 'mnt')).toHaveLength(5);
      rmSync(file);
      writeFileSync(file, content);
      utimesSync(file, atime, mtime);
      chmodSync(place.path(`${APP}/public`), 0o755);
      expect(await diff(place, 'mnt')).toEqual([]);
      writeFileSync(file, content.toString().replace(/./, '~'));
      utimesSync(file, atime, mtime);
      const [, , , { attributes } = { attributes: [] }] = JSON.parse(
        (await diff(place, '--json', 'mnt')).join('\n'),
      ) as { attributes: string[] }[];
      expect(attributes).toEqual(['content']);
    }));

  it('--stat lists sizes and attributes; --exit-code and --quiet set the exit status', () =>
    withUpper(async (place) => {
      expect((await place.stratafs(['diff', '--quiet', 'mnt'])).status).toBe(0);
      writeFileSync(place.path('mnt/etc/new'), '12345');
      chmodSync(place.path(`${APP}/README.md`), 0o600);
      rmSync(place.path('mnt/usr/src/app/public'), { recursive: true });
      const { status, stdout } = await place.stratafs(['diff', '--stat', '--exit-code', 'mnt']);
      expect(status).toBe(1);
      expect(stdout).toMatch(/^A +5B +\/etc\/new$/m);
      expect(stdout).toMatch(/^C +61B +61B +mode +\/usr\/src\/app\/README\.md$/m);
      expect(stdout).toMatch(/\n\n1 added, 1 changed, 1 deleted, -150B\n$/);
    }));

  it('shows writes through mmap(2) that are not synced', () =>
    withUpper(async (place) => {
      const script = [
        'import mmap, sys',
        // A file that is open through the page cache is not passed through.
        'r = open(sys.argv[1], "rb")',
        'f = open(sys.argv[1], "r+b")',
        'm = mmap.mmap(f.fileno(), 0)',
        'm[0:4] = b"MMAP"',
        'print(flush=True)',
        'sys.stdin.read()',
      ].join('\n');
      const file = place.path(`${APP}/README.md`);
      const child = spawn('python3', ['-c', script, file], { stdio: ['pipe', 'pipe', 'inherit'] });
      await once(child.stdout, 'data');
      expect(await diff(place, '-p', 'mnt')).toContain('+MMAPpressweb');
      child.stdin.end();
      await once(child, 'close');
    }));

  it('names that begin with .wh. are listed like any other', () =>
    withUpper(async (place) => {
      mkdirSync(place.path('mnt/etc/.wh.dir'));
      writeFileSync(place.path('mnt/etc/.wh.dir/.wh..wh..opq'), '');
      writeFileSync(place.path('mnt/etc/.wh.passwd'), '');
      expect(await diff(place, 'mnt')).toEqual([
        'C /etc',
        'A /etc/.wh.dir',
        'A /etc/.wh.dir/.wh..wh..opq',
        'A /etc/.wh.passwd',
      ]);
    }));

  it('is compared with an image, a stack of layers or a directory as it shows', () =>
    withUpper(async (place) => {
      rmSync(place.path(`${APP}/README.md`));
      mkdirSync(place.path('d'));
      execFileSync('cp', ['-a', `${place.mountpoint}/.`, place.path('d')]);
      expect(await diff(place, 'mnt', 'd')).toEqual([]);
      expect(await diff(place, 'mnt', IMAGE)).toContain('A /usr/src/app/README.md');
      expect(await diff(place, 'mnt#4', 'mnt')).toEqual(await diff(place, 'mnt'));
      const other = await diff(place, 'mnt', `${fixture('expressweb-both.tar')}:extending-expressweb`);
      expect(other.filter((line) => line.includes('README'))).toEqual([]);
    }));

  it('is refused in one line for a read-only mount, and for a directory that is not a mount point', () =>
    withWorkplace(async (place) => {
      await place.mount(IMAGE);
      expect(await place.stratafs(['diff', 'mnt'])).toEqual({
        status: 1,
        stdout: '',
        stderr: `stratafs: ${place.mountpoint}: is mounted without an upper directory, so nothing was written to it\n`,
      });
      await place.unmount();
      expect(await place.stratafs(['diff', 'mnt'])).toEqual({
        status: 2,
        stdout: '',
        stderr: 'stratafs: diff: missing argument: B (only a mount point or IMAGE#LAYER can stand alone)\n',
      });
    }));
});

describeWith(['fuse', 'root', { program: 'setfattr' }], 'marks of the other namespace', () => {
  it.each([
    ['user.overlay.opaque', []],
    ['trusted.overlay.opaque', ['-o', 'userxattr']],
  ])("a directory's %s is data, mounted with %j", (name, options) =>
    withUpper(
      async (place) => {
        execFileSync('setfattr', ['-n', name, '-v', 'y', place.path(APP)]);
        expect(readdirSync(place.path(APP))).toContain('server.js');
        expect(await diff(place, 'mnt')).toEqual(['C /usr', 'C /usr/src', 'C /usr/src/app']);
      },
      ...options,
    ),
  );
});
