// The driver fuse-native: its differences from dev-fuse, and the options that it refuses (docs/architecture.md).
import { readdirSync } from 'node:fs';
import { expect, it } from 'vitest';
import { recordedTree, withoutHoles } from '../oracle/recorded.ts';
import { type Snapshot, snapshotDirectory } from '../oracle/snapshot.ts';
import { describeWith } from '../requirements.ts';
import { fuseNative } from './drivers.ts';
import { asNobody } from './other-users.ts';
import { hasEnded, workIn } from './processes.ts';
import { type Workplace, fixture, run, withMounted, withWorkplace } from './stratafs.ts';

const image = fixture('expressweb.tar');

const programs = ['python3', 'setpriv', 'unshare', 'fusermount', 'setfattr', 'chattr'].map((program) => ({
  program,
}));

/** Directories with a name that is not UTF-8, and everything in them. */
const unlisted = /^names-(gnu|pax)\//;
/** Directories without an entry in any tar: umoci leaves them the time of unpacking. */
const untimed = /^implicit(\/new(\/deeper)?)?$/;
const CUT = 1_000_000n;

/** The tree as the package shows it: times are truncated to milliseconds. */
function carried(tree: Snapshot): Snapshot {
  return new Map(
    [...withoutHoles(tree)]
      .filter(([path]) => !unlisted.test(path) && !untimed.test(path))
      .map(([path, shown]) => [path, { ...shown, mtime: String((BigInt(shown.mtime) / CUT) * CUT), ino: 0 }]),
  );
}

const exchange = `import ctypes, os; c = ctypes.CDLL(None, use_errno=True)
c.renameat2(-100, b"usr", -100, b"var", 2); print(os.strerror(ctypes.get_errno()))`;

/** Runs a shell script in the mount, and returns its output. */
async function inMount({ mountpoint }: Workplace, script: string): Promise<string> {
  const { stdout, stderr } = await run('sh', ['-c', script], {
    cwd: mountpoint,
    env: { ...process.env, LC_ALL: 'C' },
  });
  return stdout + stderr;
}

describeWith([...fuseNative.needs, 'root', ...programs], 'a mount by fuse-native', () => {
  it('shows the tree that umoci unpacked of edge-cases, as far as the package supports it', () =>
    withMounted(
      fixture('edge-cases.tar'),
      async (place) => {
        const oracle = new Map([...recordedTree('edge-cases')].filter(([path]) => !untimed.test(path)));
        const early = [...oracle].filter(([, { mtime }]) => BigInt(mtime) < 0n).map(([path]) => path);
        expect(carried(snapshotDirectory(place.mountpoint))).toEqual(
          carried(new Map([...oracle].filter(([path]) => !early.includes(path)))),
        );
        expect(early).not.toEqual([]);
        for (const path of early) {
          expect(await inMount(place, `stat '${path}'`)).toMatch(/Value too large for defined data type/);
        }
        for (const directory of ['names-gnu', 'names-pax']) {
          expect(await inMount(place, `ls ${directory}`)).toMatch(/Invalid or incomplete multibyte/);
        }
      },
      ...fuseNative.options,
    ));

  it('keeps what is written, through hard links, renames and a remount', () =>
    withWorkplace(async (place) => {
      const mount = () => place.mount(image, '--upper', 'u', ...fuseNative.options);
      await run('mkdir', [place.path('u')]);
      await mount();
      const shown = await inMount(
        place,
        `umask 027; echo one >a; ln a b; echo two >>b; cat a; mkdir d; mv a d/c; mkfifo p; mknod n c 1 3; ln -s to s
         chmod 4755 b; chown 3:4 p; rm -r usr/src/app; printf 'x\\0y' >v; python3 -c 'import os
os.setxattr("v", "user.x", b"\\0\\xff"); print(os.getxattr("v", "user.x"), os.listxattr("v"))'
         exec 5<>d/c; rm b d/c; echo three >&5; head -c 8 /proc/self/fd/5; exec 5>&-; rmdir d
         stat -c '%n %A %h %u:%g %s %t,%T' p n s v; ls usr/src`,
      );
      const lines = [
        ...['one', 'two', "b'\\x00\\xff' ['user.x']", 'three', 'o'],
        'p prw-r----- 1 3:4 0 0,0',
        'n crw-r----- 1 0:0 0 1,3',
        's lrwxrwxrwx 1 0:0 2 0,0',
        'v -rw-r----- 1 0:0 3 0,0',
        '',
      ];
      expect(shown.split('\n')).toEqual(lines);
      const tree = snapshotDirectory(place.mountpoint);
      await place.unmount();
      await mount();
      expect(snapshotDirectory(place.mountpoint)).toEqual(tree);
      await place.unmount();
      // Times are cut to milliseconds by the package alone: the upper has them whole.
      await place.mount(image, '--upper', 'u');
      expect(carried(snapshotDirectory(place.mountpoint))).toEqual(carried(tree));
      await place.unmount();
      expect(readdirSync(place.path('u'))).not.toContain(expect.stringContaining('.fuse_hidden'));
    }));

  it('refuses options that the package does not support', () =>
    withMounted(
      image,
      async (place) => {
        const outside = String.raw`"$(printf '\303(')"`;
        const refused: [script: string, reason: RegExp][] = [
          ['touch home', /Operation not supported/],
          [`mkdir ${outside}`, /Invalid or incomplete multibyte/],
          [`ln -s ${outside} s`, /Invalid or incomplete multibyte/],
          [`setfattr -n user.${outside} -v 1 home`, /Invalid or incomplete multibyte/],
          [`python3 -c 'import os; os.open(".", os.O_TMPFILE | os.O_RDWR)'`, /Operation not supported/],
          [`python3 -c '${exchange}'`, /Invalid argument/],
          [': >f; fallocate -l 9999 f', /Operation not supported/],
          ['chattr +i f', /Operation not supported/],
        ];
        for (const [script, reason] of refused) expect(await inMount(place, script)).toMatch(reason);
      },
      '--tmp',
      ...fuseNative.options,
    ));

  it('refuses allow_other if it is writable, since the package does not name the caller of a write', () =>
    withWorkplace(async (place) => {
      const { status, stderr } = await place.stratafs([
        'mount',
        '--tmp',
        '-o',
        'driver=fuse-native,allow_other',
        image,
        'mnt',
      ]);
      expect(status).toBe(1);
      expect(stderr).toBe(
        "stratafs: driver=fuse-native does not know the caller of a write: a writable mount is its owner's alone (no_allow_other)\n",
      );
      expect(place.mounted()).toEqual([]);
      await place.mount(image, '--tmp', ...fuseNative.options);
      const { stderr: refused } = await run('setpriv', [
        '--reuid=65534',
        '--clear-groups',
        'ls',
        place.mountpoint,
      ]);
      expect(refused).toMatch(/Permission denied/);
      await place.unmount();
    }));

  it('ends together with its daemon when the connection is aborted', () =>
    withWorkplace(async (place) => {
      await place.mount(image, '--tmp', ...fuseNative.options);
      const pid = (await place.listed())?.pid ?? 0;
      const shell = await workIn(place.path('mnt/usr'));
      // This aborts the connection, and then reports that the mount is busy.
      expect(await run('umount', ['-f', place.mountpoint])).toMatchObject({ status: 32 });
      expect(await hasEnded(pid)).toBe(true);
      expect(await place.listed()).toMatchObject({ state: 'dead' });
      await shell.release();
    }));

  it('is served to an ordinary user by fusermount', () =>
    withWorkplace(async (place) => {
      const { stdout, stderr, status } = await asNobody(
        place,
        `mkdir -p src/d && echo one >src/d/f && tar -cf i.tar -C src .
         eval "$S mount --tmp -o driver=fuse-native i.tar mnt"
         echo two >>mnt/d/f; cat mnt/d/f; echo new >mnt/n; stat -c '%u %g' mnt/n; ls mnt
         eval "$S unmount mnt"; ls mnt | wc -l`,
      );
      expect({ stdout, stderr, status }).toEqual({
        stdout: 'one\ntwo\n65534 65534\nd\nn\n0\n',
        stderr: '',
        status: 0,
      });
    }));
});

describeWith(['fuse'], 'driver=', () => {
  it('fuse-native without the package says how to install it', () =>
    withWorkplace(async (place) => {
      const { status, stderr } = await place.stratafs(['mount', ...fuseNative.options, image, 'mnt'], {
        env: { ...place.environment, NODE_PATH: '' },
      });
      expect(stderr).toBe(
        'stratafs: driver=fuse-native: the package fuse-native is not installed: ' +
          'npm install fuse-native, and libfuse 2 (apt install libfuse2)\n',
      );
      expect(status).toBe(1);
      expect(place.mounted()).toEqual([]);
    }));

  it('dev-fuse is the default, and others are refused', () =>
    withWorkplace(async (place) => {
      await place.mount(image, '-o', 'driver=dev-fuse');
      await place.unmount();
      expect(await place.stratafs(['mount', '-o', 'driver=nfs', image, 'mnt'])).toMatchObject({
        status: 2,
        stderr: "stratafs: mount option 'driver': found 'nfs', expected dev-fuse, fuse-native, erofs, auto\n",
      });
    }));
});
