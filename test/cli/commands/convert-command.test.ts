// The built command convert. What an EROFS image shows in general is tested in test/erofs.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { EROFS } from '../../erofs/kernel-mount.ts';
import { PROGRAM, type Workplace, fixture, run, withWorkplace } from '../../mount/stratafs.ts';
import { describeWith } from '../../requirements.ts';
import { type Snapshot, snapshotDirectory } from '../../oracle/snapshot.ts';

const source = fixture('expressweb.tar');
const compressed = fixture('edge-cases.tar');

/** Holes differ: docs/formats.md. */
function look(directory: string): Snapshot {
  return new Map(
    [...snapshotDirectory(directory)].map(([path, shown]) => [path, { ...shown, data: [] }] as const),
  );
}

/** What `stratafs mount` shows. */
async function byFuse(place: Workplace, image: string): Promise<Snapshot> {
  await place.mount(image);
  const shown = look(place.mountpoint);
  await place.unmount();
  return shown;
}

/** What the kernel shows once `command` has run in a shell, with DIR for a new directory. */
function byKernel(place: Workplace, command: string): Snapshot {
  const directory = place.path('kernel');
  mkdirSync(directory);
  const loopsBefore = loops();
  execFileSync('sh', ['-ec', command.replace(/\bDIR\b/, directory)], { cwd: place.directory });
  try {
    return look(directory);
  } finally {
    execFileSync('umount', [directory]);
    for (const loop of loops().filter((each) => !loopsBefore.includes(each))) {
      const file = execFileSync('losetup', ['-n', '-O', 'BACK-FILE', loop], { encoding: 'utf8' });
      if (file.includes(place.directory) || file.includes(source)) execFileSync('losetup', ['-d', loop]);
    }
  }
}

const loops = (): string[] =>
  execFileSync('losetup', ['-n', '-O', 'NAME'], { encoding: 'utf8' }).split('\n').filter(Boolean);

describeWith([...EROFS, 'fuse', { program: 'losetup' }], 'stratafs convert', () => {
  it(
    'writes an image that the kernel mounts, and that shows what a mount shows',
    () =>
      withWorkplace(async (place) => {
        for (const [n, image] of [source, compressed].entries()) {
          const output = `${n}.erofs`;
          const { status, stdout, stderr } = await place.stratafs(['convert', '-o', output, image]);
          expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' });
          const kernel = byKernel(place, `mount -t erofs -o ro,loop ${output} DIR`);
          expect(kernel).toEqual(await byFuse(place, image));
          execFileSync('rmdir', [place.path('kernel')]);
        }
      }),
    120_000,
  );

  it(
    'leaves the bytes in the archive with --external, and prints the mount command',
    () =>
      withWorkplace(async (place) => {
        const { status, stdout, stderr } = await place.stratafs([
          'convert',
          '--external',
          '-o',
          'x.erofs',
          source,
        ]);
        expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
        expect(stdout).toBe(`mount -t erofs -o ro,device="$(losetup -fr --show ${source})" x.erofs DIR\n`);
        expect(readFileSync(place.path('x.erofs')).length).toBeLessThan(20_000);
        expect(byKernel(place, stdout)).toEqual(await byFuse(place, source));
      }),
    120_000,
  );
});

describe('stratafs convert', () => {
  it('refuses compressed layers with --external, and leaves no file', () =>
    withWorkplace(async (place) => {
      const { status, stderr } = await place.stratafs(['convert', '--external', '-o', 'x.erofs', compressed]);
      expect(status).toBe(1);
      expect(stderr).toMatch(/^stratafs: layer \d+ of .*: is not a plain tar .* without --external\n$/);
      expect(readdirSync(place.directory).sort()).toEqual(['cache', 'mnt']);
    }));

  it('writes the same to standard output, and the stack up to a layer', () =>
    withWorkplace(async (place) => {
      await place.stratafs(['convert', '-o', 'x.erofs', source]);
      const piped = await run('sh', ['-c', '"$0" convert -o - "$1" > y.erofs', PROGRAM, source], {
        cwd: place.directory,
        env: place.environment,
      });
      expect(piped).toMatchObject({ status: 0, stderr: '' });
      expect(readFileSync(place.path('y.erofs')).equals(readFileSync(place.path('x.erofs')))).toBe(true);
      await place.stratafs(['convert', '--upto', '1', '-o', 'base.erofs', source]);
      expect(readFileSync(place.path('base.erofs')).length).toBeLessThan(
        readFileSync(place.path('x.erofs')).length,
      );
    }));

  it('refuses an archive that is compressed as a whole, and a pipe, with --external', () =>
    withWorkplace(async (place) => {
      const whole = fixture('forms/docker20.tar.gz');
      const piped = '"$0" convert --external -o x.erofs - < "$1"';
      const outcomes = [
        await place.stratafs(['convert', '--external', '-o', 'x.erofs', whole]),
        await run('sh', ['-c', `cat "$1" | ${piped.replace(' < "$1"', '')}`, PROGRAM, source], {
          cwd: place.directory,
          env: place.environment,
        }),
      ];
      for (const { status, stderr } of outcomes) {
        expect(stderr).toMatch(
          /is a pipe, in a registry, or compressed as a whole, .* convert it without --external\n$/,
        );
        expect(status).toBe(1);
      }
      expect(readdirSync(place.directory)).not.toContain('x.erofs');
    }));

  it('needs -o, and reports a file that is not an image', () =>
    withWorkplace(async (place) => {
      expect((await place.stratafs(['convert', source])).status).toBe(2);
      writeFileSync(place.path('note'), 'no image');
      const { status, stderr } = await place.stratafs(['convert', '-o', 'x.erofs', 'note']);
      expect(status).toBe(1);
      expect(stderr).toMatch(/^stratafs: note: [^\n]*\n$/);
      expect(readdirSync(place.directory)).not.toContain('x.erofs');
    }));
});
