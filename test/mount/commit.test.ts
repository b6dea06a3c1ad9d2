// stratafs commit: the new image shows the same tree as the mount.
import { execFileSync, spawn } from 'node:child_process';
import { on, once } from 'node:events';
import {
  appendFileSync,
  linkSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { expect, it } from 'vitest';
import { S_IFCHR, S_IFMT } from '../../src/vfs/attr.ts';
import { describeWith } from '../requirements.ts';
import { APP, IMAGE, call, change, mounted, shown, tools, withUpper } from './commits.ts';
import { COMMAND, run, withWorkplace } from './stratafs.ts';

describeWith(['fuse', 'root', ...tools], 'stratafs commit', () => {
  it.each([
    ['docker-archive:new.tar:app:2', 'plain'],
    ['oci:layout:2', 'gzip'],
    ['oci-archive:new.tar', 'zstd'],
  ])('%s, %s: shows what the mount shows', (target, compression) =>
    withUpper(IMAGE, async (place) => {
      change(place);
      const expected = shown(place.mountpoint);
      await call(place, 'commit', 'mnt', '-o', target, '--compression', compression);
      expect(await mounted(place, target)).toEqual(expected);
      await place.unmount();
    }),
  );

  it('renamed directories are complete in the image, and removed ones stay removed', () =>
    withUpper(APP, async (place) => {
      renameSync(place.path('mnt/usr/src'), place.path('mnt/moved'));
      mkdirSync(place.path('mnt/usr/src'));
      writeFileSync(place.path('mnt/usr/src/only'), '');
      rmSync(place.path('mnt/etc'), { recursive: true });
      writeFileSync(place.path('mnt/etc'), 'a file');
      appendFileSync(place.path('mnt/moved/app/package.json'), ' ');
      linkSync(place.path('mnt/moved/app/package.json'), place.path('mnt/linked'));
      execFileSync('chmod', ['600', place.path('mnt/moved/app/README.md')]);
      const expected = shown(place.mountpoint);
      await call(place, 'commit', 'mnt', '-o', 'oci:layout:2');
      expect(await mounted(place, 'oci:layout:2')).toEqual(expected);
      await place.unmount();
    }));

  it('the same upper and SOURCE_DATE_EPOCH give the same bytes', () =>
    withUpper(IMAGE, async (place) => {
      change(place);
      const env = { ...place.environment, SOURCE_DATE_EPOCH: '1700000000' };
      const archives: Buffer[] = [];
      for (const name of ['a', 'b']) {
        const args = ['commit', 'mnt', '-o', `docker-archive:${name}.tar:x:1`, '--compression', 'gzip'];
        expect((await place.stratafs(args, { env })).status).toBe(0);
        archives.push(readFileSync(place.path(`${name}.tar`)));
        await place.unmount();
        await place.mount(IMAGE, '--upper', 'u');
      }
      expect(archives[0]?.equals(archives[1] as Buffer)).toBe(true);
      await place.unmount();
    }));

  it('a mount without changes adds no layer, and with -c only a new config', () =>
    withUpper(APP, async (place) => {
      await call(place, 'commit', 'mnt', '-o', 'oci:l:1', '-c', 'ENV A=b', '-c', 'CMD run it', '-m', 'why');
      const layersOf = async (image: string): Promise<unknown[]> =>
        JSON.parse(await call(place, 'layers', '--json', image)) as unknown[];
      expect(await layersOf('oci:l:1')).toHaveLength((await layersOf(APP)).length);
      const steps = JSON.parse(await call(place, 'history', '--json', 'oci:l:1')) as {
        comment: string;
        createdBy: string;
      }[];
      expect(JSON.stringify(steps)).toContain('ENV A=b');
      expect(JSON.stringify(steps)).toContain('why');
      await place.unmount();
    }));

  it('a name that begins with .wh. is refused, and leaves no target', () =>
    withUpper(APP, async (place) => {
      writeFileSync(place.path('mnt/etc/.wh.passwd'), '');
      const { status, stderr } = await place.stratafs(['commit', 'mnt', '-o', 'oci:layout:2']);
      expect({ status, stderr }).toEqual({
        status: 1,
        stderr:
          'stratafs: /etc/.wh.passwd: begins with .wh., the prefix of whiteouts, so a layer cannot hold it: rename or remove it first\n',
      });
      expect(readdirSync(place.directory).filter((name) => name.startsWith('layout'))).toEqual([]);
      await place.unmount();
    }));

  it('a target that exists is refused; a layout gets one more image, under another name', () =>
    withUpper(APP, async (place) => {
      writeFileSync(place.path('mnt/new'), '1');
      writeFileSync(place.path('there.tar'), '');
      mkdirSync(place.path('directory'));
      writeFileSync(place.path('directory/file'), '');
      await call(place, 'commit', 'mnt', '-o', 'oci:layout:1');
      const blobs = readdirSync(place.path('layout/blobs/sha256'));
      for (const [target, message] of [
        ['oci-archive:there.tar', 'there.tar: exists already; remove it first, or choose another name'],
        ['oci:directory', 'directory: found a directory without index.json, expected an OCI layout'],
        ['oci:layout:1', 'layout: has an image 1 already; choose another name'],
        ['oci:there.tar', 'there.tar: found a file, expected an OCI layout or nothing'],
      ] as const) {
        const { status, stderr } = await place.stratafs(['commit', 'mnt', '-o', target]);
        expect({ status, stderr }).toEqual({ status: 1, stderr: `stratafs: ${message}\n` });
      }
      writeFileSync(place.path('mnt/new'), '2');
      await call(place, 'commit', 'mnt', '-o', 'oci:layout:2');
      expect(readdirSync(place.path('layout/blobs/sha256'))).toHaveLength(blobs.length + 3);
      const images = JSON.parse(await call(place, 'images', '--json', 'oci:layout')) as object;
      expect(JSON.stringify(images)).toMatch(/"2".*"1"/);
      await place.unmount();
    }));

  it('a write during the commit makes it fail, and leaves no target', () =>
    withUpper(APP, async (place) => {
      writeFileSync(place.path('mnt/large'), Buffer.alloc(64 << 20, 'x'));
      const writes = 'echo >> "$1"; echo started; while :; do echo >> "$1"; done';
      const writer = spawn('sh', ['-c', writes, 'sh', place.path('mnt/log')]);
      await once(writer.stdout, 'data');
      const { status, stderr } = await place.stratafs(['commit', 'mnt', '-o', 'oci:layout:2']);
      writer.kill();
      await once(writer, 'close');
      expect(status).toBe(1);
      expect(stderr).toMatch(/^stratafs: .* changed while it was read; commit again when nothing writes/);
      expect(readdirSync(place.directory).filter((name) => name.startsWith('layout'))).toEqual([]);
      await place.unmount();
    }));

  it.each(['oci:layout:2', 'docker-archive:layout'])('%s: a signal ends it, and leaves nothing', (target) =>
    withUpper(APP, async (place) => {
      writeFileSync(place.path('mnt/large'), Buffer.alloc(256 << 20, 'x'));
      const watched = watch(place.directory);
      const child = spawn(
        process.execPath,
        [COMMAND, 'commit', 'mnt', '-o', target, '--compression', 'gzip'],
        {
          cwd: place.directory,
          env: place.environment,
        },
      );
      const closed = once(child, 'close');
      for await (const [, name] of on(watched, 'change') as AsyncIterable<[string, string]>) {
        if (name.endsWith('.draft')) break;
      }
      watched.close();
      child.kill('SIGINT');
      expect(await closed).toEqual([null, 'SIGINT']);
      expect(readdirSync(place.directory).filter((name) => name.startsWith('layout'))).toEqual([]);
      await place.unmount();
    }),
  );

  it('attributes that overlayfs would obey are left out, others kept; marks in user.* are understood', () =>
    withWorkplace(async (place) => {
      mkdirSync(place.path('u'));
      await place.mount(APP, '--upper', 'u', '-o', 'userxattr');
      rmSync(place.path('mnt/usr/src'), { recursive: true });
      mkdirSync(place.path('mnt/usr/src'));
      writeFileSync(place.path('mnt/usr/src/x'), 'x');
      const expected = shown(place.mountpoint);
      for (const name of ['user.overlay.opaque', 'trusted.overlay.opaque', 'user.kept']) {
        execFileSync('setfattr', ['-n', name, '-v', 'y', place.path('mnt/usr/src/x')]);
      }
      await call(place, 'commit', 'mnt', '-o', 'oci:layout:2');
      const file = expected.get('usr/src/x');
      if (file !== undefined) file.xattrs['user.kept'] = 'y';
      expect(await mounted(place, 'oci:layout:2')).toEqual(expected);
      await place.unmount();
    }));

  it('warns of files that a layer can not hold: sockets, and xattrs without a value', () =>
    withUpper(APP, async (place) => {
      execFileSync('python3', ['-c', 'import socket; socket.socket(socket.AF_UNIX).bind("mnt/s")'], {
        cwd: place.directory,
      });
      writeFileSync(place.path('mnt/file'), '');
      execFileSync('setfattr', ['-n', 'user.empty', place.path('mnt/file')]);
      const { status, stderr } = await place.stratafs(['commit', 'mnt', '-o', 'oci:layout:2']);
      expect({ status, stderr }).toEqual({
        status: 0,
        stderr:
          'stratafs: /file: its attribute user.empty is empty, which in a tar means that there is none\n' +
          "stratafs: /s: is a socket, which a tar can't hold: left out\n",
      });
      await place.unmount();
    }));

  it('a 0:0 device that shows in the mount is a device in the image, and hides nothing', () =>
    withUpper(APP, async (place) => {
      const [device, exchanged] = ['mnt/etc/device', 'mnt/etc/exchanged'].map((name) => place.path(name));
      execFileSync('mknod', [device as string, 'c', '0', '0']);
      writeFileSync(exchanged as string, '');
      // RENAME_WHITEOUT
      const rename = `import ctypes, sys; a, b = (p.encode() for p in sys.argv[1:]);
sys.exit(ctypes.CDLL(None, use_errno=True).renameat2(-100, a, -100, b, 4))`;
      execFileSync('python3', ['-c', rename, exchanged as string, place.path('mnt/etc/moved')]);
      const expected = shown(place.mountpoint);
      expect(expected.get('etc/device')).toMatchObject({ rdev: 0, xattrs: {} });
      expect((expected.get('etc/exchanged')?.mode ?? 0) & S_IFMT).toBe(S_IFCHR);
      await call(place, 'commit', 'mnt', '-o', 'oci:layout:2');
      expect(await mounted(place, 'oci:layout:2')).toEqual(expected);
      const export_ = await run(
        'sh',
        ['-c', 'exec "$0" "$1" export oci:layout:2 | tar -tv', process.execPath, COMMAND],
        {
          cwd: place.directory,
          env: place.environment,
        },
      );
      expect(export_.stdout).toMatch(/^c.* 0,0 .* etc\/device$/m);
      await place.unmount();
    }));

  it('a read-only mount has nothing to commit', () =>
    withWorkplace(async (place) => {
      await place.mount(APP);
      const { status, stderr } = await place.stratafs(['commit', 'mnt', '-o', 'oci:layout']);
      expect({ status, stderr }).toEqual({
        status: 1,
        stderr: `stratafs: ${place.mountpoint}: is mounted without an upper directory, so nothing was written to it\n`,
      });
      await place.unmount();
    }));
});
