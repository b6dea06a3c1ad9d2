// mount.stratafs and stratafs-overlay as other programs call them: mount(8), podman, a shell.
import { execFileSync } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { describeWith } from '../requirements.ts';
import { type Outcome, type Workplace, fixture, run, withWorkplace } from './stratafs.ts';

const command = (name: string): string =>
  fileURLToPath(new URL(`../../dist/cli/${name}.cjs`, import.meta.url));
const image = fixture('expressweb.tar');

/** Runs one of the package's other commands in the workplace. */
const call = (place: Workplace, name: string, ...args: string[]): Promise<Outcome> =>
  run(process.execPath, [command(name), ...args], { cwd: place.directory, env: place.environment });

/** Runs `body` in a workplace with the layers `a` and `b`, and `u` and `w`. */
const withLayers = (body: (place: Workplace) => Promise<void>): Promise<void> =>
  withWorkplace(async (place) => {
    for (const name of ['a', 'b', 'u', 'w']) mkdirSync(place.path(name));
    for (const name of ['a', 'b']) writeFileSync(place.path(`${name}/${name}`), name);
    await body(place);
  });

const silent: Outcome = { status: 0, stdout: '', stderr: '' };

describeWith(['fuse'], 'stratafs-overlay', () => {
  it('mounts as fuse-overlayfs does, and warns of unknown options', () =>
    withLayers(async (place) => {
      const list = 'lowerdir=b:a,upperdir=u,workdir=w,timeout=0,knob=1';
      expect(await call(place, 'overlay-main', '-o', list, 'mnt')).toEqual({
        ...silent,
        stderr: 'unknown argument ignored: knob=1\n',
      });
      expect(readdirSync(place.mountpoint).sort()).toEqual(['a', 'b']);
      writeFileSync(place.path('mnt/c'), '');
      await place.unmount();
      expect(readdirSync(place.path('u'))).toEqual(['c']);
    }));

  it('accepts an upper directory that was written over other layers, as fuse-overlayfs does', () =>
    withLayers(async (place) => {
      for (const layers of ['b:a', 'a']) {
        expect(
          await call(place, 'overlay-main', '-o', `lowerdir=${layers},upperdir=u,workdir=w`, 'mnt'),
        ).toEqual(silent);
        await place.unmount();
      }
    }));

  it('prints its version and its help', async () => {
    const { status, stdout } = await run(process.execPath, [command('overlay-main'), '--version']);
    expect({ status, stdout }).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^stratafs-overlay: version \d+\.\d+\.\d+\n$/) as string,
    });
    expect((await run(process.execPath, [command('overlay-main'), '-h'])).stdout).toMatch(
      /^Usage: stratafs-overlay /,
    );
  });

  it('fails with one line and exit status 1', () =>
    withLayers(async (place) => {
      expect(await call(place, 'overlay-main', '-o', 'lowerdir=a,plugins=x', 'mnt')).toEqual({
        status: 1,
        stdout: '',
        stderr: "stratafs: mount option 'plugins': plugins of fuse-overlayfs are not supported\n",
      });
      expect((await call(place, 'overlay-main', '-o', 'lowerdir=none', 'mnt')).stderr).toMatch(
        /^stratafs: none: .*\n$/,
      );
    }));
});

describeWith(['fuse', 'root'], 'owners', () => {
  const owners = (path: string): number[] => [statSync(path).uid, statSync(path).gid];

  it('are shown mapped, and stored mapped back', () =>
    withLayers(async (place) => {
      chownSync(place.path('a/a'), 3, 4);
      const list = 'lowerdir=a,upperdir=u,workdir=w,uidmapping=0:1000:10:10:0:1,gidmapping=0:2000:10:10:0:1';
      expect(await call(place, 'overlay-main', '-o', list, 'mnt')).toEqual(silent);
      expect(owners(place.path('mnt/a'))).toEqual([1003, 2004]);
      chownSync(place.path('mnt/a'), 1005, 2006);
      expect(owners(place.path('mnt/a'))).toEqual([1005, 2006]);
      expect(owners(place.path('u/a'))).toEqual([5, 6]);
      expect(() => chownSync(place.path('mnt/a'), 77, 2006)).toThrow(/EINVAL/);
      // The caller is root, which is stored as 10.
      writeFileSync(place.path('mnt/new'), '');
      expect(owners(place.path('mnt/new'))).toEqual([0, 0]);
      expect(owners(place.path('u/new'))).toEqual([10, 10]);
      await place.unmount();
    }));

  it('are shown as one, and stored as they are', () =>
    withLayers(async (place) => {
      chownSync(place.path('a/a'), 3, 4);
      const list = 'lowerdir=a,upperdir=u,workdir=w,squash_to_uid=7,squash_to_root';
      expect(await call(place, 'overlay-main', '-o', list, 'mnt')).toEqual(silent);
      expect(owners(place.path('mnt/a'))).toEqual([7, 0]);
      chownSync(place.path('mnt/a'), 8, 9);
      expect(owners(place.path('mnt/a'))).toEqual([7, 0]);
      expect(owners(place.path('u/a'))).toEqual([8, 9]);
      await place.unmount();
    }));
});

describeWith(['fuse'], 'mount.stratafs', () => {
  it('mounts an image, and with -v says so', () =>
    withWorkplace(async (place) => {
      expect(await call(place, 'mount-helper-main', image, 'mnt', '-o', 'rw', '-v')).toEqual({
        ...silent,
        stdout: `mount.stratafs: ${image} mounted on mnt.\n`,
      });
      expect(existsSync(place.path('mnt/usr/src/app'))).toBe(true);
      expect(() => writeFileSync(place.path('mnt/x'), '')).toThrow(/EROFS/);
      await place.unmount();
    }));

  it('mounts a stack under the name that fstab has, so that mount -a finds it', () =>
    withLayers(async (place) => {
      const list = 'rw,lowerdir=b:a,upperdir=u,workdir=w';
      expect(await call(place, 'mount-helper-main', 'stack', 'mnt', '-o', list)).toEqual(silent);
      const source = execFileSync('findmnt', ['-no', 'SOURCE', place.mountpoint]).toString();
      expect(source).toBe('stack\n');
      await place.unmount();
    }));

  it('by mount.fuse3, under type fuse.stratafs, too', () =>
    withLayers(async (place) => {
      const list = 'rw,lowerdir=b:a,upperdir=u,workdir=w';
      expect(await call(place, 'main', 'stack', 'mnt', '-o', list)).toEqual(silent);
      writeFileSync(place.path('mnt/c'), '');
      await place.unmount();
      expect(readdirSync(place.path('u'))).toEqual(['c']);
    }));

  it('mounts nothing with -f', () =>
    withWorkplace(async (place) => {
      expect(await call(place, 'mount-helper-main', image, 'mnt', '-f')).toEqual(silent);
      expect(place.mounted()).toEqual([]);
    }));

  it("exits as mount(8) does: 1 for usage, 32 if it can't mount", () =>
    withWorkplace(async (place) => {
      expect((await call(place, 'mount-helper-main', image, 'mnt', '-o', 'bogus')).status).toBe(1);
      expect((await call(place, 'mount-helper-main', 'none.tar', 'mnt')).status).toBe(32);
    }));
});
