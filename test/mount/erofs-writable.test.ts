// Writable mounts that the kernel serves: its overlayfs over the EROFS image (driver=erofs with an upper directory).
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parseMountTable } from '../../src/sys/mount-table.ts';
import { describeWith } from '../requirements.ts';
import { EROFS, needs } from './erofs.ts';
import { OWN_NAMESPACE } from './own-namespace.ts';
import { hasEnded, startedWith } from './processes.ts';
import { PROGRAM, type Workplace, fixture, run, withWorkplace } from './stratafs.ts';

const image = fixture('expressweb.tar');
const UPPER = ['--upper', 'upper'] as const;

function typeOf({ mountpoint }: Workplace): string | undefined {
  const table = parseMountTable(readFileSync('/proc/self/mountinfo', 'utf8'));
  return table.findLast((each) => each.mountPoint === mountpoint)?.type;
}

async function withUpper(body: (place: Workplace) => Promise<void>): Promise<void> {
  await withWorkplace(async (place) => {
    mkdirSync(place.path('upper'));
    await body(place);
  });
}

describeWith([...needs, 'fuse', { filesystem: 'overlay' }], 'a writable mount by driver=erofs', () => {
  it('writes to the upper directory, and leaves no process', () =>
    withUpper(async (place) => {
      await place.mount(image, ...EROFS, ...UPPER);
      expect(typeOf(place)).toBe('overlay');
      expect(startedWith(`XDG_CACHE_HOME=${place.directory}/cache`)).toEqual([]);
      writeFileSync(`${place.mountpoint}/new`, 'new');
      await run('rm', ['-r', `${place.mountpoint}/usr/src`]);
      expect(await place.listed()).toMatchObject({ source: image, upper: place.path('upper') });
      const { stdout } = await place.stratafs(['diff', 'mnt']);
      expect(stdout).toBe('A /new\nC /usr\nD /usr/src\n');
      const { stdout: sizes } = await place.stratafs(['ps', '-s', '--json']);
      const mounts = JSON.parse(sizes) as { mountPoint: string; size: number }[];
      expect(mounts.find(({ mountPoint }) => mountPoint === place.mountpoint)).toMatchObject({ size: 3 });
      await place.unmount();
      expect(readFileSync(place.path('upper/new'), 'utf8')).toBe('new');
    }));

  it('goes on with what FUSE has written, and the reverse; commit takes both', () =>
    withUpper(async (place) => {
      await place.mount(image, ...UPPER);
      writeFileSync(`${place.mountpoint}/by-fuse`, '1');
      await place.unmount();
      await place.mount(image, ...EROFS, ...UPPER);
      expect(readFileSync(`${place.mountpoint}/by-fuse`, 'utf8')).toBe('1');
      writeFileSync(`${place.mountpoint}/by-kernel`, '2');
      const { stderr, status } = await place.stratafs(['commit', 'mnt', '-o', 'new.tar']);
      expect({ stderr, status }).toMatchObject({ status: 0 });
      await place.unmount();
      await place.mount(image, ...UPPER);
      expect(readFileSync(`${place.mountpoint}/by-kernel`, 'utf8')).toBe('2');
      await place.unmount();
      await place.mount('new.tar', ...EROFS);
      expect(readdirSync(place.mountpoint)).toEqual(expect.arrayContaining(['by-fuse', 'by-kernel']));
      await place.unmount();
    }));

  it('keeps the names of a hard-linked file together, also for the other driver', () =>
    withUpper(async (place) => {
      const source = place.path('links.tar');
      await run(
        'sh',
        ['-c', 'mkdir d && echo old > d/a && ln d/a d/b && ln d/a d/c && tar cf links.tar -C d .'],
        {
          cwd: place.directory,
        },
      );
      const contents = (): string[] =>
        ['a', 'b', 'c'].map((name) => readFileSync(`${place.mountpoint}/${name}`, 'utf8'));
      await place.mount(source, ...EROFS, ...UPPER);
      writeFileSync(`${place.mountpoint}/a`, 'kernel\n');
      expect(contents()).toEqual(['kernel\n', 'kernel\n', 'kernel\n']);
      await place.unmount();
      await place.mount(source, ...EROFS, ...UPPER);
      writeFileSync(`${place.mountpoint}/b`, 'again\n');
      expect(contents()).toEqual(['again\n', 'again\n', 'again\n']);
      await place.unmount();
      await place.mount(source, ...UPPER);
      expect(contents()).toEqual(['again\n', 'again\n', 'again\n']);
      writeFileSync(`${place.mountpoint}/c`, 'fuse\n');
      await place.unmount();
      await place.mount(source, ...EROFS, ...UPPER);
      expect(contents()).toEqual(['fuse\n', 'fuse\n', 'fuse\n']);
      await place.unmount();
    }));

  it('counts the names of a hard-linked file, whichever driver has removed one', () =>
    withUpper(async (place) => {
      const source = place.path('links.tar');
      const script =
        'mkdir d && echo old > d/a && ln d/a d/b && ln d/a d/c && ln d/a d/e && tar cf links.tar -C d .';
      await run('sh', ['-c', script], { cwd: place.directory });
      const count = (): number => statSync(`${place.mountpoint}/a`).nlink;
      const counts: number[] = [];
      const mountAndCount = async (act: () => void, ...options: string[]): Promise<void> => {
        await place.mount(source, ...options, ...UPPER);
        counts.push(count());
        act();
        counts.push(count());
        await place.unmount();
      };
      await mountAndCount(() => writeFileSync(`${place.mountpoint}/a`, 'kernel'), ...EROFS);
      expect(readdirSync(place.path('upper.work/index'))).toHaveLength(1);
      await mountAndCount(() => rmSync(`${place.mountpoint}/b`));
      expect(readdirSync(place.path('upper.work/index'))).toEqual([]);
      await mountAndCount(() => rmSync(`${place.mountpoint}/c`), ...EROFS);
      await mountAndCount(() => writeFileSync(`${place.mountpoint}/e`, 'fuse'));
      expect(counts).toEqual([4, 4, 4, 3, 3, 2, 2, 2]);
    }));

  it('takes an upper that belongs to an archive that was saved again', () =>
    withUpper(async (place) => {
      await run('cp', [image, place.path('first.tar')]);
      await run('cp', [image, place.path('second.tar')]);
      await place.mount('first.tar', ...EROFS, ...UPPER);
      writeFileSync(`${place.mountpoint}/etc/hosts`, 'first');
      await place.unmount();
      await place.mount('second.tar', ...EROFS, ...UPPER);
      expect(readFileSync(`${place.mountpoint}/etc/hosts`, 'utf8')).toBe('first');
      await place.unmount();
    }));

  it('has its upper for itself, in whatever mount namespace it is', () =>
    withUpper(async (place) => {
      mkdirSync(place.path('other'));
      const busy = /upper: in use by the mount at .*\/mnt; unmount that first\n$/;
      await place.mount(image, ...EROFS, ...UPPER);
      for (const driver of [[], EROFS]) {
        const { status, stderr } = await place.stratafs(['mount', ...driver, ...UPPER, image, 'other']);
        expect(stderr).toMatch(busy);
        expect(status).toBe(1);
      }
      await place.unmount();
      // Mounted in another namespace, which a shell keeps; then tried in this one.
      const script = `"$S" mount -o driver=erofs --upper upper "$I" mnt || exit
        nsenter --mount=/proc/$PPID/ns/mnt --wd="$PWD" "$S" mount --upper upper "$I" other
        status=$?
        exit $status`;
      const { status, stderr } = await run('unshare', [...OWN_NAMESPACE, 'sh', '-c', script], {
        cwd: place.directory,
        env: { ...place.environment, S: PROGRAM, I: image },
      });
      expect(stderr).toMatch(busy);
      expect(status).toBe(1);
    }));

  it('--tmp ends with the mount, and its directory with it', () =>
    withWorkplace(async (place) => {
      mkdirSync(place.path('tmp'));
      place.environment['TMPDIR'] = place.path('tmp');
      await place.mount(image, ...EROFS, '--tmp');
      writeFileSync(`${place.mountpoint}/new`, '');
      const { pid = 0 } = (await place.listed()) ?? {};
      expect(readdirSync(place.path('tmp'))).toHaveLength(1);
      await run('umount', [place.mountpoint]);
      expect(await hasEnded(pid)).toBe(true);
      expect(readdirSync(place.path('tmp'))).toEqual([]);
      await place.mount(image, ...EROFS, '--tmp');
      await place.unmount();
      expect(readdirSync(place.path('tmp'))).toEqual([]);
    }));

  it('refuses by name what overlayfs cannot do', () =>
    withUpper(async (place) => {
      const cases = [
        ['-o', 'noacl', /driver=erofs: noacl: /],
        ['-o', 'ro', /driver=erofs: the upper directory is read-only \(ro\)/],
        ['-o', 'volatile', /driver=erofs: volatile: /],
      ] as const;
      for (const [dash, option, reason] of cases) {
        const { status, stderr } = await place.stratafs([
          'mount',
          ...[...EROFS, ...UPPER, dash, option, image, 'mnt'],
        ]);
        expect(stderr).toMatch(reason);
        expect(status).toBe(1);
      }
      expect(place.mounted()).toEqual([]);
      expect(existsSync(place.path('upper/etc'))).toBe(false);
    }));
});
