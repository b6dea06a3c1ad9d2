// An archive that changes while it is mounted, and a cache that can't be trusted: the right bytes or EIO, never a crash.
import { execFileSync } from 'node:child_process';
import { lstatSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { recordedTree, withoutHoles } from '../oracle/recorded.ts';
import { snapshotDirectory } from '../oracle/snapshot.ts';
import { describeWith } from '../requirements.ts';
import { OWN_NAMESPACE } from './own-namespace.ts';
import { COMMAND, fixture, run, type Workplace, withWorkplace } from './stratafs.ts';

const script = fileURLToPath(new URL('read-all.py', import.meta.url));

/** sha256 or errno by path, of every file in the mount; read by a process of its own. */
async function readAll(place: Workplace): Promise<Record<string, string>> {
  const { stdout, stderr } = await run('python3', [script, place.mountpoint]);
  expect(stderr).toBe('');
  return JSON.parse(stdout) as Record<string, string>;
}

function digestsOf(image: string): Record<string, string> {
  const files = [...recordedTree(image)].filter(([, { sha256 }]) => sha256 !== '');
  return Object.fromEntries(files.map(([path, { sha256 }]) => [path, sha256]));
}

/** A copy of a fixture, and the files that hold its bytes. */
function copyFixture(place: Workplace, name: string): { source: string; blobs: string[] } {
  execFileSync('cp', ['-r', fixture(name), place.path('copy')]);
  const source = place.path('copy');
  if (!lstatSync(source).isDirectory()) return { source, blobs: [source] };
  const blobs = join(source, 'blobs/sha256');
  return { source, blobs: readdirSync(blobs).map((blob) => join(blobs, blob)) };
}

/** True where the kernel must ask for bytes of a file. */
function isFilled(place: Workplace, path: string): boolean {
  return lstatSync(join(place.mountpoint, path)).size > 0;
}

async function expectAlive(place: Workplace): Promise<void> {
  expect((await place.listed())?.state).toBe('mounted');
  expect(readdirSync(place.mountpoint)).toContain('usr');
  await place.unmount();
  expect(place.mounted()).toEqual([]);
}

const forms = [
  ['expressweb.tar', 'expressweb'],
  ['forms/oci-gzip.tar', 'extending-expressweb'],
  ['forms/oci-zstd', 'expressweb'],
  ['forms/oci-zstd-chunked.tar', 'expressweb'],
] as const;

describeWith(['fuse', { program: 'python3' }], 'an archive that changes while it is mounted', () => {
  it.each(forms)('shows right bytes or EIO when it is cut: %s', (name, image) =>
    withWorkplace(async (place) => {
      const { source, blobs } = copyFixture(place, name);
      await place.mount(source);
      for (const blob of blobs) execFileSync('truncate', ['-s', '3000', blob]);
      const expected = digestsOf(image);
      const answers = await readAll(place);
      expect(Object.keys(answers).sort()).toEqual(Object.keys(expected).sort());
      expect(Object.values(answers)).toContain('EIO');
      for (const [path, answer] of Object.entries(answers)) {
        if (answer !== 'EIO') expect(answer, path).toBe(expected[path]);
      }
      await expectAlive(place);
    }),
  );

  it.each(forms)('shows right bytes or EIO when its bytes are overwritten in place: %s', (name, image) =>
    withWorkplace(async (place) => {
      const { source, blobs } = copyFixture(place, name);
      await place.mount(source);
      for (const blob of blobs) {
        execFileSync('dd', [
          'if=/dev/urandom',
          `of=${blob}`,
          'conv=notrunc',
          'status=none',
          'bs=1000',
          'count=80',
          'seek=1',
        ]);
      }
      const expected = digestsOf(image);
      const answers = await readAll(place);
      for (const [path, answer] of Object.entries(answers)) {
        if (answer !== 'EIO') expect(answer, path).toBe(expected[path]);
      }
      await expectAlive(place);
    }),
  );

  it.each([
    { title: 'a read-only mount', options: [] },
    { title: 'a read-only mount without native answers', options: ['-o', 'fastpath=off'] },
    { title: 'a writable mount', options: ['--tmp'] },
    { title: 'a writable mount without native answers', options: ['--tmp', '-o', 'fastpath=off'] },
  ])(
    'answers EIO when another archive is saved over it, as docker save does: $title',
    ({ options }: { options: readonly string[] }) =>
      withWorkplace(async (place) => {
        const { source } = copyFixture(place, 'expressweb.tar');
        await place.mount(source, ...options);
        expect(await place.listed()).not.toHaveProperty('isSourceChanged');
        execFileSync('sh', ['-c', 'cat "$1" >"$2"', 'sh', fixture('edge-cases.tar'), source]);
        const files = Object.entries(digestsOf('expressweb')).filter(([path]) => isFilled(place, path));
        const answers = await readAll(place);
        for (const [path] of files) expect(answers[path], path).toBe('EIO');
        expect(await place.listed()).toMatchObject({ isSourceChanged: true });
        expect((await place.stratafs(['ls'])).stdout).toContain(`${source} (changed)`);
        if (options.includes('--tmp')) {
          const [path] = files[0] as [string, string];
          // What would be copied up is another image's, too.
          const { status, stderr } = await run('sh', [
            '-c',
            'echo more >>"$1"',
            'sh',
            join(place.mountpoint, path),
          ]);
          expect({ status, stderr }).toMatchObject({ status: 2, stderr: /Input\/output error|I\/O error/ });
        }
        await expectAlive(place);
      }),
  );

  it.each(forms)('stays as it was when it is removed, or another takes its name: %s', (name, image) =>
    withWorkplace(async (place) => {
      const { source, blobs } = copyFixture(place, name);
      await place.mount(source);
      for (const [n, blob] of blobs.entries()) {
        rmSync(blob);
        if (n % 2 === 0) writeFileSync(blob, 'another file');
      }
      expect(await readAll(place)).toEqual(digestsOf(image));
      await expectAlive(place);
    }),
  );
});

describeWith(['fuse', 'root', { program: 'python3' }, { program: 'unshare' }], 'the cache directory', () => {
  const spoils: readonly [string, (path: string) => void][] = [
    ['cut', (path) => execFileSync('truncate', ['-s', '100', path])],
    ['empty', (path) => writeFileSync(path, '')],
    [
      'changed in one byte',
      (path) => {
        const bytes = readFileSync(path);
        const middle = bytes.length >> 1;
        bytes[middle] = (bytes[middle] as number) ^ 1;
        writeFileSync(path, bytes);
      },
    ],
    [
      'random',
      (path) => execFileSync('dd', ['if=/dev/urandom', `of=${path}`, 'bs=5000', 'count=1', 'status=none']),
    ],
    [
      'a directory',
      (path) => {
        rmSync(path);
        execFileSync('mkdir', [path]);
      },
    ],
  ];

  it('may hold indexes that are cut, empty, changed, directories or random: they are made again', () =>
    withWorkplace(async (place) => {
      const source = fixture('forms/oci-gzip.tar');
      const cache = place.path('cache/stratafs');
      await place.mount(source);
      const before = snapshotDirectory(place.mountpoint);
      await place.unmount();
      for (const [what, spoil] of spoils) {
        const files = readdirSync(cache, { recursive: true, withFileTypes: true }).filter((file) =>
          file.isFile(),
        );
        expect(files.length).toBeGreaterThan(4);
        for (const file of files) spoil(join(file.parentPath, file.name));
        await place.mount(source);
        expect(snapshotDirectory(place.mountpoint), what).toEqual(before);
        await place.unmount();
      }
    }));

  it.each([
    ['is read-only', 'mkdir -p cache && mount -t tmpfs -o ro none cache && eval "$S"'],
    [
      'is full',
      'mkdir -p cache && mount -t tmpfs -o size=4k,nr_inodes=3 none cache && echo x >cache/x; eval "$S"',
    ],
    ['is a file', 'echo >cache && eval "$S"'],
    ['is not given, nor a home', 'unset XDG_CACHE_HOME; HOME=/proc/nowhere; export HOME; eval "$S"'],
    [
      'is relative',
      'XDG_CACHE_HOME=relative; HOME=$PWD/home; export XDG_CACHE_HOME HOME; eval "$S"; test ! -e relative',
    ],
  ])('may be one that %s: the mount is as it should be', (_, setUp) =>
    withWorkplace(async (place) => {
      const look = 'python3 "$R" mnt; "$N" "$C" unmount mnt';
      const env = {
        ...place.environment,
        N: process.execPath,
        C: COMMAND,
      };
      const outcome = await run('unshare', [...OWN_NAMESPACE, 'sh', '-c', setUp], {
        cwd: place.directory,
        env: { ...env, R: script, S: `"$N" "$C" mount "$I" mnt && ${look}`, I: fixture('forms/oci-zstd') },
      });
      const warning = /^stratafs: warning: the cache directory .* is not used: .* is not a directory.*\n/;
      expect(outcome.stderr.replace(warning, '')).toBe('');
      expect(JSON.parse(outcome.stdout)).toEqual(digestsOf('expressweb'));
      expect(outcome.status).toBe(0);
    }),
  );

  it('serves two mounts of one archive that are made at once', () =>
    withWorkplace(async (place) => {
      const points = ['one', 'two', 'three'].map((name) => place.path(name));
      for (const point of points) execFileSync('mkdir', [point]);
      const source = fixture('forms/oci-gzip.tar');
      const outcomes = await Promise.all(points.map((point) => place.stratafs(['mount', source, point])));
      expect(outcomes).toEqual(points.map(() => ({ status: 0, stdout: '', stderr: '' })));
      for (const point of points) {
        expect(withoutHoles(snapshotDirectory(point))).toEqual(recordedTree('extending-expressweb'));
        expect(await place.stratafs(['unmount', point])).toMatchObject({ status: 0, stderr: '' });
      }
      const left = readdirSync(place.path('cache/stratafs'), { recursive: true, encoding: 'utf8' });
      expect(left.filter((name) => name.endsWith('.draft'))).toEqual([]);
    }));
});
