// The upper directory in mount, ls and unmount: its location, its owner, and its files after unmounting.
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { expect, it } from 'vitest';
import { describeWith } from '../requirements.ts';
import { type Outcome, type Workplace, fixture, run, withWorkplace } from './stratafs.ts';

const image = fixture('expressweb.tar');
const APP = 'mnt/usr/src/app';

/** Runs `body` in a workplace that has the directories `u` and `w`. */
const withDirectories = (body: (place: Workplace) => Promise<void>): Promise<void> =>
  withWorkplace(async (place) => {
    for (const name of ['u', 'w']) mkdirSync(place.path(name));
    await body(place);
  });

const UPPER = ['-o', 'upperdir=u,workdir=w'];

/** The error of `stratafs mount ARGS`, which must fail. */
async function refusal(place: Workplace, ...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await place.stratafs(['mount', ...args]);
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  expect(place.mounted()).toEqual([]);
  return stderr.replaceAll(place.directory, 'PLACE').replace(/^stratafs: /, '');
}

/** Kills the daemon, as in a crash, and removes the dead mount. */
async function crash(place: Workplace): Promise<void> {
  const pid = (await place.listed())?.pid ?? 0;
  process.kill(pid, 'SIGKILL');
  await run('sh', ['-c', 'while kill -0 "$1" 2>/dev/null; do :; done', 'sh', String(pid)]);
  await place.unmount();
}

describeWith(['fuse'], 'a writable mount', () => {
  it('keeps written files in the upper directory after an unmount', () =>
    withDirectories(async (place) => {
      await place.mount(image, ...UPPER);
      writeFileSync(place.path(`${APP}/new`), 'new\n');
      rmSync(place.path(`${APP}/README.md`));
      await place.unmount();
      expect(readFileSync(place.path('u/usr/src/app/new'), 'utf8')).toBe('new\n');
      await place.mount(image, ...UPPER);
      expect(readFileSync(place.path(`${APP}/new`), 'utf8')).toBe('new\n');
      expect(existsSync(place.path(`${APP}/README.md`))).toBe(false);
      await place.unmount();
    }));

  it('--upper creates a work directory next to it, for its owner only, and uses it again', () =>
    withDirectories(async (place) => {
      for (const text of ['one', 'two']) {
        await place.mount(image, '--upper', 'u');
        writeFileSync(place.path('mnt/new'), text);
        await place.unmount();
      }
      expect(statSync(place.path('u.work')).mode & 0o7777).toBe(0o700);
      expect(readFileSync(place.path('u/new'), 'utf8')).toBe('two');
    }));

  it('is listed with its directories', () =>
    withDirectories(async (place) => {
      await place.mount(image, ...UPPER);
      expect(await place.listed()).toMatchObject({ upper: place.path('u'), work: place.path('w') });
      const { stdout } = await place.stratafs(['ls']);
      const line = stdout.split('\n').find((each) => each.includes(place.mountpoint));
      expect(line).toMatch(/\/mnt +\S+\/u +\d+ +\d+s$/);
      await place.unmount();
    }));

  it("with 'ro' shows the upper directory and writes nothing, there or elsewhere", () =>
    withDirectories(async (place) => {
      await place.mount(image, ...UPPER);
      writeFileSync(place.path('mnt/new'), '');
      await place.unmount();
      const before = execFileSync('stat', ['-c', '%n %y %z', 'u', 'u/new', 'w'], {
        cwd: place.directory,
      }).toString();
      await place.mount(image, '-o', 'ro,upperdir=u');
      expect(readdirSync(place.mountpoint)).toContain('new');
      expect(() => writeFileSync(place.path('mnt/other'), '')).toThrow(/EROFS/);
      await place.unmount();
      expect(
        execFileSync('stat', ['-c', '%n %y %z', 'u', 'u/new', 'w'], { cwd: place.directory }).toString(),
      ).toBe(before);
    }));

  it('of directories in the form of lowerdir=, upperdir= and workdir=', () =>
    withDirectories(async (place) => {
      for (const name of ['a', 'b']) {
        mkdirSync(place.path(name));
        writeFileSync(place.path(`${name}/${name}`), name);
      }
      const list = 'lowerdir=b:a,upperdir=u,workdir=w';
      expect(await place.stratafs(['mount', '-o', list, 'mnt'])).toMatchObject({ status: 0, stderr: '' });
      expect(readdirSync(place.mountpoint).sort()).toEqual(['a', 'b']);
      rmSync(place.path('mnt/a'));
      await place.unmount();
      await place.stratafs(['mount', '-o', list, 'mnt']);
      expect(readdirSync(place.mountpoint)).toEqual(['b']);
      await place.unmount();
      expect(readdirSync(place.path('a'))).toEqual(['a']);
    }));
});

describeWith(['fuse'], '--tmp', () => {
  const inPlace = (place: Workplace): NodeJS.ProcessEnv => ({
    ...place.environment,
    TMPDIR: place.directory,
  });
  const mountTmp = (place: Workplace): Promise<Outcome> =>
    place.stratafs(['mount', '--tmp', image, 'mnt'], { env: inPlace(place) });
  const leftovers = (place: Workplace): string[] =>
    readdirSync(place.directory).filter((name) => name.startsWith('stratafs-tmp-'));

  it('uses a directory in $TMPDIR without access for others, and removes it at unmount', () =>
    withWorkplace(async (place) => {
      expect(await mountTmp(place)).toEqual({ status: 0, stdout: '', stderr: '' });
      const [name = ''] = leftovers(place);
      expect(statSync(place.path(name)).mode & 0o7777).toBe(0o700);
      mkdirSync(place.path('mnt/d/e'), { recursive: true });
      writeFileSync(place.path('mnt/d/e/f'), 'x', { mode: 0o400 });
      rmSync(place.path(APP), { recursive: true });
      await place.unmount();
      expect(leftovers(place)).toEqual([]);
    }));

  it.each(['SIGTERM', 'SIGINT'] as const)('is removed after %s too', (signal) =>
    withWorkplace(async (place) => {
      await mountTmp(place);
      writeFileSync(place.path('mnt/new'), '');
      const pid = (await place.listed())?.pid ?? 0;
      process.kill(pid, signal);
      await run('sh', ['-c', 'while kill -0 "$1" 2>/dev/null; do :; done', 'sh', String(pid)]);
      expect(place.mounted()).toEqual([]);
      expect(leftovers(place)).toEqual([]);
    }),
  );

  it('is removed if the mount fails', () =>
    withWorkplace(async (place) => {
      const { status } = await place.stratafs(['mount', '--tmp', '--layer', '99', image, 'mnt'], {
        env: inPlace(place),
      });
      expect(status).toBe(1);
      expect(leftovers(place)).toEqual([]);
    }));

  it('left by a killed daemon is removed by the next one, which removes nothing else', () =>
    withWorkplace(async (place) => {
      await mountTmp(place);
      writeFileSync(place.path('mnt/new'), '');
      await crash(place);
      const [left = ''] = leftovers(place);
      expect(left).toMatch(/^stratafs-tmp-/);
      // One with such a name that another program created, and one whose daemon is running.
      mkdirSync(place.path('stratafs-tmp-abcdef'));
      mkdirSync(place.path('mnt2'));
      await place.stratafs(['mount', '--tmp', image, 'mnt2'], { env: inPlace(place) });
      const { stderr } = await mountTmp(place);
      expect(stderr).toBe('');
      expect(leftovers(place)).not.toContain(left);
      expect(leftovers(place)).toContain('stratafs-tmp-abcdef');
      expect(leftovers(place)).toHaveLength(3);
      await place.stratafs(['unmount', 'mnt2']);
      await place.unmount();
      expect(leftovers(place)).toEqual(['stratafs-tmp-abcdef']);
    }));
});

describeWith(['fuse'], 'an upper directory is refused', () => {
  it('if it or its work directory is missing, or is not a directory', () =>
    withDirectories(async (place) => {
      writeFileSync(place.path('f'), '');
      expect(await refusal(place, '--upper', 'no', image, 'mnt')).toBe(
        'upper directory no: there is no such directory (make it first)\n',
      );
      expect(await refusal(place, '--upper', 'f', image, 'mnt')).toBe(
        'upper directory f: found a file, expected a directory\n',
      );
      expect(await refusal(place, '-o', 'upperdir=u,workdir=no', image, 'mnt')).toBe(
        'work directory no: there is no such directory (make it first)\n',
      );
      expect(await refusal(place, '-o', 'upperdir=f/u,workdir=w', image, 'mnt')).toBe(
        'upper directory f/u: found something else in its path, expected a directory\n',
      );
    }));

  it('if it overlaps its work directory, a layer, or the mount point, by any path', () =>
    withDirectories(async (place) => {
      for (const name of ['u/w', 'w/u', 'u/l', 'l/u']) mkdirSync(place.path(name), { recursive: true });
      symlinkSync('u', place.path('link'));
      const stack = (lower: string, upper: string, work: string): string =>
        `lowerdir=${lower},upperdir=${upper},workdir=${work}`;
      const cases = [
        [`upperdir=u,workdir=u`, 'the upper directory PLACE/u is the work directory PLACE/u too'],
        [`upperdir=u,workdir=link`, 'the upper directory PLACE/u is the work directory PLACE/u too'],
        [`upperdir=u,workdir=u/w`, 'the work directory PLACE/u/w lies in the upper directory PLACE/u'],
        [`upperdir=w/u,workdir=w`, 'the upper directory PLACE/w/u lies in the work directory PLACE/w'],
      ] as const;
      for (const [list, message] of cases) {
        expect(await refusal(place, '-o', list, image, 'mnt')).toContain(message);
      }
      expect(await refusal(place, '-o', stack('u/l', 'u', 'w'), 'mnt')).toContain(
        'the layer PLACE/u/l lies in the upper directory PLACE/u',
      );
      expect(await refusal(place, '-o', stack('l', 'l/u', 'w'), 'mnt')).toContain(
        'the upper directory PLACE/l/u lies in the layer PLACE/l',
      );
      expect(await refusal(place, '-o', stack('u', 'u', 'w'), 'mnt')).toContain(
        'the upper directory PLACE/u is the layer PLACE/u too',
      );
      expect(await refusal(place, ...UPPER, image, 'u/w')).toContain(
        'the mount point PLACE/u/w lies in the upper directory PLACE/u',
      );
      expect(await refusal(place, ...UPPER, image, '.')).toContain(
        'the upper directory PLACE/u lies in the mount point PLACE',
      );
    }));

  it('while another mount uses it or its work directory', () =>
    withDirectories(async (place) => {
      mkdirSync(place.path('u2'));
      mkdirSync(place.path('w2'));
      mkdirSync(place.path('mnt2'));
      await place.mount(image, ...UPPER);
      for (const [list, which] of [
        ['upperdir=u,workdir=w2', 'u'],
        ['upperdir=u2,workdir=w', 'w'],
      ] as const) {
        const { status, stderr } = await place.stratafs(['mount', '-o', list, image, 'mnt2']);
        expect(status).toBe(1);
        expect(stderr).toContain(`${place.path(which)}: in use by another mount`);
      }
      await place.unmount();
    }));

  it('if it was written over other layers, unless --force-upper is set', () =>
    withDirectories(async (place) => {
      await place.mount(image, ...UPPER);
      writeFileSync(place.path('mnt/new'), '');
      await place.unmount();
      expect(await refusal(place, ...UPPER, '--upto', '1', image, 'mnt')).toContain(
        'PLACE/u: was written to over other layers than these',
      );
      await place.mount(image, ...UPPER, '--upto', '1', '--force-upper');
      expect(existsSync(place.path('mnt/new'))).toBe(true);
      await place.unmount();
      await place.mount(image, ...UPPER, '--upto', '1');
      await place.unmount();
    }));

  it('but not if the same image was moved, or packed again', () =>
    withDirectories(async (place) => {
      execFileSync('cp', [image, place.path('copy.tar')]);
      await place.mount(image, ...UPPER);
      await place.unmount();
      await place.mount('copy.tar', ...UPPER);
      await place.unmount();
      await place.mount('copy.tar', ...UPPER, '--no-verify', '--no-index-cache');
      await place.unmount();
    }));

  it('if a volatile mount has written to it, and its daemon was killed', () =>
    withDirectories(async (place) => {
      const mark = place.path('w/work/incompat/volatile');
      await place.mount(image, ...UPPER, '-o', 'volatile');
      expect(existsSync(mark)).toBe(true);
      // After a clean unmount everything is synced.
      await place.unmount();
      expect(existsSync(mark)).toBe(false);
      await place.mount(image, ...UPPER, '-o', 'volatile');
      process.kill((await place.listed())?.pid ?? 0, 'SIGKILL');
      await place.unmount();
      expect(await refusal(place, ...UPPER, image, 'mnt')).toContain(
        'PLACE/w/work/incompat/volatile: a mount with the option volatile wrote to the upper directory',
      );
      await place.mount(image, ...UPPER, '--force-upper');
      await place.unmount();
      expect(existsSync(mark)).toBe(false);
    }));
});

describeWith(['fuse', 'root'], 'an upper directory on a mount of its own', () => {
  async function withTmpfs(body: (place: Workplace) => Promise<void>): Promise<void> {
    await withDirectories(async (place) => {
      execFileSync('mount', ['-t', 'tmpfs', 'none', place.path('u')]);
      try {
        await body(place);
      } finally {
        execFileSync('umount', [place.path('u')]);
      }
    });
  }

  it('needs its work directory there too', () =>
    withTmpfs(async (place) => {
      const { status, stderr } = await place.stratafs(['mount', ...UPPER, image, 'mnt']);
      expect(status).toBe(1);
      expect(stderr).toContain(`work directory ${place.path('w')}: lies in the mount at `);
      expect(stderr).toContain(`in the one at ${place.path('u')}; expected one for both`);
      mkdirSync(place.path('u/u'));
      mkdirSync(place.path('u/w'));
      await place.mount(image, '-o', 'upperdir=u/u,workdir=u/w');
      await place.unmount();
    }));

  it('that is read-only is refused without -o ro', () =>
    withTmpfs(async (place) => {
      mkdirSync(place.path('u/u'));
      await place.mount(image, '--upper', 'u/u');
      writeFileSync(place.path('mnt/new'), '');
      await place.unmount();
      execFileSync('mount', ['-o', 'remount,ro', place.path('u')]);
      const { status, stderr } = await place.stratafs(['mount', '--upper', 'u/u', image, 'mnt']);
      expect(status).toBe(1);
      expect(stderr).toBe(
        'stratafs: upper directory u/u: lies on a read-only file system; -o ro shows what is in it without writing\n',
      );
      await place.mount(image, '-o', 'ro,upperdir=u/u');
      expect(readdirSync(place.mountpoint)).toContain('new');
      await place.unmount();
    }));
});
