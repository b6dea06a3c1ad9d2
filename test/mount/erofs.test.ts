// Mounts that the kernel serves by itself (driver=erofs): what they show, how they are found, and how they end.
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { expect, it } from 'vitest';
import { mount } from '../../src/mount/mount.ts';
import { parseMountTable } from '../../src/sys/mount-table.ts';
import { recordedTree, withoutHoles } from '../oracle/recorded.ts';
import { snapshotDirectory } from '../oracle/snapshot.ts';
import { describeWith } from '../requirements.ts';
import { EROFS, RECORDS, needs, recordOf, records } from './erofs.ts';
import { FORMS, MORE_FORMS, NOTES_FORMS, oracleOf } from './forms.ts';
import { hasEnded, startedWith } from './processes.ts';
import { type Workplace, fixture, run, withMounted, withWorkplace } from './stratafs.ts';

const image = fixture('expressweb.tar');

function entryOf({ mountpoint }: Workplace): ReturnType<typeof parseMountTable>[number] {
  const table = parseMountTable(readFileSync('/proc/self/mountinfo', 'utf8'));
  const entry = table.findLast((each) => each.mountPoint === mountpoint);
  if (entry === undefined) throw new Error(`${mountpoint}: nothing is mounted`);
  return entry;
}

/** Processes that were started in the workplace and still run. */
const processesOf = ({ directory }: Workplace): number[] => startedWith(`XDG_CACHE_HOME=${directory}/cache`);

describeWith([...needs, { program: 'umount' }], 'mount -o driver=erofs', () => {
  it.each([...FORMS, ...MORE_FORMS])("shows umoci's tree of %s: %s", (name, source) =>
    withMounted(
      fixture(source),
      ({ mountpoint }) => {
        expect(withoutHoles(snapshotDirectory(mountpoint))).toEqual(oracleOf(name));
      },
      ...EROFS,
      '-o',
      'noprovenance',
    ),
  );

  it.each(NOTES_FORMS)('shows notes with its last layer on top: %s', (source) =>
    withMounted(
      fixture(source),
      ({ mountpoint }) => {
        expect(readFileSync(`${mountpoint}/note`)).toEqual(readFileSync(fixture('notes/first/note')));
      },
      ...EROFS,
    ),
  );

  it('serves compressed layers from one process, which ends with the mount', () =>
    withMounted(
      fixture('forms/oci-gzip.tar'),
      async (place) => {
        const { pid = 0 } = (await place.listed()) ?? {};
        expect(processesOf(place)).toEqual([pid]);
        await run('umount', [place.mountpoint]);
        expect(await hasEnded(pid)).toBe(true);
        await place.mount(fixture('forms/oci-gzip.tar'), ...EROFS);
      },
      ...EROFS,
    ));

  it('needs no process for layers that lie unpacked in the cache directory', () =>
    withWorkplace(async (place) => {
      const [lower, archive] = [place.path('lower'), place.path('layer.tar.xz')];
      mkdirSync(lower);
      for (const size of [0, 1, 511, 512, 70_000])
        writeFileSync(join(lower, `of-${size}`), randomBytes(size));
      await run('tar', ['-C', lower, '-cJf', archive, '.']);
      for (let n = 0; n < 2; n++) {
        const argv = ['mount', ...EROFS, '-o', `lowerdir=${archive}`, 'mnt'];
        expect(await place.stratafs(argv)).toMatchObject({ status: 0 });
        expect(await place.listed()).toMatchObject({ state: 'mounted', driver: 'erofs' });
        expect(processesOf(place)).toEqual([]);
        expect(await run('diff', ['-r', lower, place.mountpoint])).toMatchObject({ status: 0 });
        await place.unmount();
      }
      const saved = readdirSync(place.path('cache/stratafs/trees'));
      expect(saved.filter((name) => name.endsWith('.erofs'))).toHaveLength(1);
    }));

  it('has statistics of what that process was asked', () =>
    withMounted(
      fixture('forms/oci-gzip.tar'),
      async (place) => {
        const app = readFileSync(`${place.mountpoint}/usr/src/app/package.json`);
        const { status, stdout } = await place.stratafs(['stats', '--json', 'mnt']);
        expect(status).toBe(0);
        const { requests, bytesRead } = JSON.parse(stdout) as {
          requests: Record<string, number>;
          bytesRead: number;
        };
        expect(requests['READ']).toBeGreaterThan(0);
        expect(bytesRead).toBeGreaterThanOrEqual(app.length);
        expect(records()).toContain(recordOf(entryOf(place).device).replace('json', 'sock'));
      },
      ...EROFS,
    ));

  it('lists no xattr that cannot be read', () =>
    withMounted(
      fixture('edge-cases.tar'),
      async ({ mountpoint }) => {
        const { status, stderr } = await run('getfattr', ['-R', '-P', '-h', '-d', '-m', '-', mountpoint]);
        expect({ status, stderr: stderr.replace(/^getfattr: Removing leading.*\n/, '') }).toEqual({
          status: 0,
          stderr: '',
        });
      },
      ...EROFS,
    ));

  it('is listed and can be unmounted if its command was killed before it had its record', () =>
    withWorkplace(async (place) => {
      await place.mount(image, ...EROFS);
      // As it is between mount(2) and the record.
      const written = join(RECORDS, recordOf(entryOf(place).device));
      const record = JSON.parse(readFileSync(written, 'utf8')) as object;
      const { pid } = spawnSync('true');
      const pending = join(RECORDS, `pending-${pid}-00.json`);
      writeFileSync(pending, JSON.stringify({ ...record, device: '' }));
      rmSync(written);
      expect(await place.listed()).toMatchObject({ source: image, state: 'mounted' });
      expect(await place.stratafs(['unmount', 'mnt'])).toMatchObject({ status: 0 });
      expect(await place.listed()).toBeUndefined();
      await place.mount(image, ...EROFS);
      expect(existsSync(pending)).toBe(false);
      await place.unmount();
    }));

  it('is made again from the saved image alone, without the merged tree', () =>
    withWorkplace(async (place) => {
      const look = async (): Promise<unknown> => {
        await place.mount(image, ...EROFS);
        const tree = snapshotDirectory(place.mountpoint);
        const { size, layers } = (await place.listed()) as unknown as Record<string, unknown>;
        await place.unmount();
        return { tree, size, layers };
      };
      const first = await look();
      const folder = place.path('cache/stratafs/trees');
      const trees = readdirSync(folder).filter((name) => name.endsWith('.tree'));
      expect(trees).toHaveLength(1);
      for (const name of trees) rmSync(join(folder, name));
      expect(await look()).toEqual(first);
      // A command that merges the layers saves the tree.
      expect(readdirSync(folder).filter((name) => name.endsWith('.tree'))).toEqual([]);
    }));

  it('has no record if the one of its device is of an earlier start of the machine', () =>
    withWorkplace(async (place) => {
      await place.mount(image, ...EROFS);
      const written = join(RECORDS, recordOf(entryOf(place).device));
      const text = readFileSync(written, 'utf8');
      try {
        writeFileSync(written, JSON.stringify({ ...(JSON.parse(text) as object), boot: 'earlier' }));
        expect(await place.listed()).toBeUndefined();
      } finally {
        writeFileSync(written, text);
      }
      expect(await place.listed()).toMatchObject({ state: 'mounted' });
      await place.unmount();
    }));

  it('removes what a killed command has left mounted in private', () =>
    withWorkplace(async (place) => {
      const namespace = /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? '';
      const { pid } = spawnSync('true');
      const left = `/run/stratafs/lower-${namespace}-${pid}-1-abcdef`;
      mkdirSync(left, { recursive: true });
      await run('mount', ['-t', 'tmpfs', 'none', left]);
      await place.mount(image, ...EROFS, '--tmp');
      expect(existsSync(left)).toBe(false);
      await place.unmount();
    }));

  it('is dead when the process is killed that serves its compressed layers', () =>
    withWorkplace(async (place) => {
      await place.mount(fixture('forms/oci-gzip.tar'), ...EROFS);
      const { pid = 0 } = (await place.listed()) ?? {};
      process.kill(pid, 'SIGKILL');
      expect(await hasEnded(pid)).toBe(true);
      expect(await place.listed()).toMatchObject({ state: 'dead' });
      // The next mount clears it.
      const { status, stderr } = await place.stratafs(['mount', ...EROFS, image, 'mnt']);
      expect(stderr).toMatch(/mnt: cleared the mount of .*, whose daemon is gone\n$/);
      expect(status).toBe(0);
      await place.unmount();
    }));

  it('leaves no process; the mount is listed, and without set-ID bits and devices', () =>
    withMounted(
      image,
      async (place) => {
        expect(processesOf(place)).toEqual([]);
        expect(entryOf(place)).toMatchObject({ type: 'erofs', options: 'ro,nosuid,nodev,relatime' });
        const listed = await place.listed();
        expect(listed).toMatchObject({ source: image, mountPoint: place.mountpoint, state: 'mounted' });
        expect(listed?.pid).toBeUndefined();
        expect(listed?.layers).toBe(4);
        const { stdout } = await place.stratafs(['ps', '--format', '{{.Image}} {{.Status}}']);
        expect(stdout.split('\n')).toContain('expressweb:latest Up');
        expect(JSON.parse((await place.stratafs(['stats', '--json', 'mnt'])).stdout)).toMatchObject({
          requests: {},
        });
      },
      ...EROFS,
    ));

  it('is a source for other commands, by its mount point', () =>
    withMounted(
      image,
      async (place) => {
        const which = await place.stratafs(['which', 'mnt', '/usr/src/app/package.json']);
        expect(which.stderr).toBe('');
        expect(which.stdout).toContain('/usr/src/app/package.json');
        const app = `${place.mountpoint}/usr/src/app/package.json`;
        const layer = await run('getfattr', ['--only-values', '-n', 'user.stratafs.layer', app]);
        expect(layer.stdout).toMatch(/^layer \d$/);
      },
      ...EROFS,
    ));

  it('shows one layer, or the stack up to one', () =>
    withWorkplace(async (place) => {
      for (const option of [
        ['--layer', '1'],
        ['--upto', '2'],
      ]) {
        await place.mount(image, ...option);
        const served = snapshotDirectory(place.mountpoint);
        await place.unmount();
        await place.mount(image, ...EROFS, '-o', 'noprovenance', ...option);
        expect(withoutHoles(snapshotDirectory(place.mountpoint))).toEqual(withoutHoles(served));
        await place.unmount();
      }
    }));

  it('has no record after unmount; one that umount(8) has left is not taken for another mount', () =>
    withWorkplace(async (place) => {
      await place.mount(image, ...EROFS);
      const first = recordOf(entryOf(place).device);
      expect(records()).toContain(first);
      await place.unmount();
      expect(records()).not.toContain(first);

      await place.mount(image, ...EROFS);
      const second = recordOf(entryOf(place).device);
      expect(await run('umount', [place.mountpoint])).toMatchObject({ status: 0 });
      expect(records()).toContain(second);
      expect(await place.listed()).toBeUndefined();
      expect((await place.stratafs(['unmount', 'mnt'])).stderr).toMatch(/nothing is mounted there/);
      // The next mount removes it, or takes its place.
      await place.mount(image, ...EROFS);
      expect(await place.listed()).toMatchObject({ state: 'mounted' });
      await place.unmount();
      expect(records()).not.toContain(second);
    }));

  it('reports who keeps it busy, and is detached with --lazy', () =>
    withMounted(
      image,
      async (place) => {
        const busy = await run('sh', ['-c', 'exec 3<usr/src/app/package.json; "$@"', 'sh', 'true'], {
          cwd: place.mountpoint,
        });
        expect(busy.status).toBe(0);
        const held = await run(
          'sh',
          ['-c', 'exec 3<mnt/usr/src/app/package.json; "$0" unmount mnt', fixture('../bin/stratafs')],
          { cwd: place.directory, env: place.environment },
        );
        expect(held.status).toBe(1);
        expect(held.stderr).toMatch(/mnt is busy: .*\(pid \d+\) has .*package\.json open/);
        expect(await place.listed()).toMatchObject({ state: 'mounted' });
        expect(await place.stratafs(['unmount', '--lazy', 'mnt'])).toMatchObject({ status: 0 });
        await place.mount(image, ...EROFS);
      },
      ...EROFS,
    ));

  it('is refused for a place where a stratafs mount is', () =>
    withMounted(
      image,
      async (place) => {
        const again = await place.stratafs(['mount', image, 'mnt']);
        expect(again).toMatchObject({ status: 1 });
        expect(again.stderr).toMatch(/mnt: already a stratafs mount of .*expressweb\.tar\n$/);
      },
      ...EROFS,
    ));

  it('in the foreground ends with umount(8)', () =>
    withWorkplace(async (place) => {
      const served = place.stratafs(['mount', '-f', '-v', ...EROFS, image, 'mnt']);
      await run('sh', ['-c', 'until mountpoint -q mnt; do :; done; umount mnt'], { cwd: place.directory });
      expect(await served).toEqual({
        status: 0,
        stdout: expect.stringContaining(`mounted on mnt.`) as string,
        stderr: '',
      });
    }));

  it('is marked where the archive was written to in place', () =>
    withWorkplace(async (place) => {
      copyFileSync(image, place.path('copy.tar'));
      await place.mount('copy.tar', ...EROFS);
      expect((await place.stratafs(['ls'])).stdout).not.toMatch(/copy\.tar \(changed\)/);
      appendFileSync(place.path('copy.tar'), ' ');
      expect((await place.stratafs(['ls'])).stdout).toMatch(/copy\.tar \(changed\)/);
      await place.unmount();
    }));

  it('takes loop devices where the image lies on a file system that the kernel takes no file from', () =>
    withWorkplace(async (place) => {
      mkdirSync(place.path('tmp'));
      await run('mount', ['-t', 'tmpfs', 'none', place.path('tmp')]);
      const environment = { ...place.environment, XDG_CACHE_HOME: place.path('tmp/cache') };
      const mounted = await place.stratafs(['mount', ...EROFS, '-o', 'noprovenance', image, 'mnt'], {
        env: environment,
      });
      expect(mounted).toEqual({ status: 0, stdout: '', stderr: '' });
      const { source } = entryOf(place);
      expect(source).toMatch(/^\/dev\/loop\d+$/);
      expect(withoutHoles(snapshotDirectory(place.mountpoint))).toEqual(recordedTree('expressweb'));
      await place.unmount();
      // Freed by the kernel.
      const { stdout } = await run('cat', [`/sys/block/${basename(source)}/loop/backing_file`]);
      expect(stdout).not.toContain(place.directory);
      await run('umount', [place.path('tmp')]);
    }));

  it('is available to programs, which may end before the mount', () =>
    withWorkplace(async (place) => {
      const mounted = await mount(image, place.mountpoint, {
        driver: 'erofs',
        cacheDirectory: place.path('cache'),
      });
      expect(mounted).toMatchObject({ driver: { name: 'erofs' }, isServed: false });
      expect(readFileSync(`${place.mountpoint}/usr/src/app/package.json`, 'utf8')).toContain('expressweb');
      await mounted.unmount();
      await mounted.closed;
      expect(place.mounted()).toEqual([]);
    }));
});

describeWith(needs, 'mount -o driver=erofs refuses', () => {
  async function refuses(place: Workplace, args: readonly string[], reason: RegExp): Promise<void> {
    const { status, stderr } = await place.stratafs(['mount', ...EROFS, ...args]);
    expect(stderr).toMatch(reason);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(status).toBe(1);
    expect(place.mounted()).toEqual([]);
  }

  it('what the kernel cannot do, by name', () =>
    withWorkplace(async (place) => {
      mkdirSync(place.path('layer'));
      await refuses(place, ['-o', 'lowerdir=layer', 'mnt'], /driver=erofs: a layer is a directory: /);
      await refuses(place, ['-o', 'squash_to_root', image, 'mnt'], /driver=erofs: owners are mapped/);
      await refuses(place, ['-o', 'no_allow_other', image, 'mnt'], /driver=erofs: no_allow_other: /);
      await refuses(place, ['-o', 'fsname=x', image, 'mnt'], /driver=erofs: fsname: /);
    }));

  it('set-ID bits of an archive that others can write to, and warns of it without them', () =>
    withWorkplace(async (place) => {
      copyFileSync(image, place.path('copy.tar'));
      chmodSync(place.path('copy.tar'), 0o666);
      await refuses(place, ['-o', 'suid', 'copy.tar', 'mnt'], /with suid: others may write to .*copy\.tar/);
      const warned = await place.stratafs(['mount', ...EROFS, 'copy.tar', 'mnt']);
      expect(warned.status).toBe(0);
      expect(warned.stderr).toMatch(/^stratafs: warning: others may write to .*copy\.tar .*no daemon checks/);
      await place.unmount();
    }));
});

describeWith([...needs, 'fuse'], 'mount -o driver=auto', () => {
  const verbose = ['-v', '-o', 'driver=auto'];

  it('takes EROFS for plain layers, and says so with -v', () =>
    withWorkplace(async (place) => {
      const { stdout } = await place.stratafs(['mount', ...verbose, image, 'mnt']);
      expect(stdout).toBe(`stratafs: ${image} mounted on mnt. Driver: erofs.\n`);
      expect(entryOf(place).type).toBe('erofs');
      await place.unmount();
    }));

  it('takes FUSE for what the kernel cannot do, and for an archive that others can write to', () =>
    withWorkplace(async (place) => {
      copyFileSync(image, place.path('copy.tar'));
      chmodSync(place.path('copy.tar'), 0o666);
      const cases = [
        [['copy.tar'], 'others may write to .*copy\\.tar'],
        [['-o', 'squash_to_root', image], 'owners are mapped'],
      ] as const;
      for (const [args, reason] of cases) {
        const { stdout, stderr } = await place.stratafs(['mount', ...verbose, ...args, 'mnt']);
        expect(stderr).toBe('');
        expect(stdout).toMatch(new RegExp(`mounted on mnt\\. Driver: dev-fuse, because ${reason}`));
        expect(entryOf(place).type).toBe('fuse.stratafs');
        await place.unmount();
      }
    }));
});
