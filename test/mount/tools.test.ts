// An image is unpacked by umoci and mounted by stratafs; common tools must find no difference between the two trees. Needs root,
// since unpacking creates devices and sets owners.
import { execFileSync } from 'node:child_process';
import { lutimesSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readOciArchive } from '../oracle/oci-layout.ts';
import { decided, withoutHoles } from '../oracle/recorded.ts';
import { snapshotDirectory } from '../oracle/snapshot.ts';
import { unpackByUmoci } from '../oracle/stack.ts';
import { describeWith } from '../requirements.ts';
import { fixture, run, type Workplace, withMounted } from './stratafs.ts';

const programs = ['python3', 'umoci', 'tar', 'bsdtar', 'gzip', 'zstd'].map((program) => ({ program }));

/** Mounts the image of an OCI archive on `mnt`, and unpacks it with umoci to `root`. */
function withBoth(name: string, act: (place: Workplace, root: string) => Promise<void>): Promise<void> {
  return withMounted(fixture(name), async (place) => {
    const root = place.path('root');
    if (!unpackByUmoci(readOciArchive(fixture(name), place.path('layout')), root))
      expect.fail('umoci refused');
    await act(place, root);
  });
}

/** Directories of edge-cases without an entry in any tar: umoci leaves them the time of unpacking. */
function giveOurTimes(root: string): void {
  for (const [path, time] of [
    ['implicit/new/deeper', 0],
    ['implicit/new', 0],
    ['implicit', 1_704_067_200],
  ] as const) {
    lutimesSync(join(root, path), time, time);
  }
}

/** Sorts the records of each extended header in place: umoci sets xattrs in no order, and ext4 lists them so. */
function sortPaxRecords(tar: Buffer): void {
  for (let at = 0; tar[at] !== 0;) {
    const size = parseInt(tar.toString('latin1', at + 124, at + 135), 8);
    const body = tar.subarray(at + 512, at + 512 + size);
    if (tar[at + 156] === 0x78) {
      const records: Buffer[] = [];
      for (let start = 0; start < size;) {
        const length = parseInt(body.toString('latin1', start, start + 8), 10);
        records.push(Buffer.from(body.subarray(start, start + length)));
        start += length;
      }
      body.set(Buffer.concat(records.sort((a, b) => Buffer.compare(a, b))));
    }
    // Hard links and directories say 0, so every size is of bytes that follow.
    at += 512 + Math.ceil(size / 512) * 512;
  }
}

/** GNU tar's archive of a directory with all metadata except access and change times, which an image does not have. */
function pack(directory: string): Buffer {
  const format = ['--format=pax', '--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime'];
  const all = ['--xattrs', '--xattrs-include=*', '--acls', '--selinux', '--numeric-owner', '--sort=name'];
  const tar = execFileSync('tar', ['-c', '-f', '-', '-C', directory, ...format, ...all, '.'], {
    maxBuffer: 1 << 28,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  sortPaxRecords(tar);
  return tar;
}

describeWith(['fuse', 'root', ...programs], 'a mount beside what umoci unpacks of the image', () => {
  it('shows the same tree: edge-cases', () =>
    withBoth('edge-cases.tar', ({ mountpoint }, root) => {
      giveOurTimes(root);
      expect(withoutHoles(snapshotDirectory(mountpoint))).toEqual(withoutHoles(snapshotDirectory(root)));
      return Promise.resolve();
    }));

  it('is packed to the same bytes by GNU tar, with xattrs, ACLs and labels: edge-cases', () =>
    withBoth('edge-cases.tar', ({ mountpoint }, root) => {
      giveOurTimes(root);
      expect(pack(mountpoint).equals(pack(root))).toBe(true);
      return Promise.resolve();
    }));

  it('is listed alike by bsdtar as mtree: edge-cases', () =>
    withBoth('edge-cases.tar', async ({ mountpoint }, root) => {
      giveOurTimes(root);
      const keywords = 'mtree:!all,type,mode,uid,gid,size,time,link,device,nlink,sha256';
      const list = async (directory: string): Promise<string[]> => {
        const args = ['-c', '-f', '-', '--format=mtree', `--options=${keywords}`, '-C', directory, '.'];
        const { status, stdout, stderr } = await run('bsdtar', args);
        expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
        return stdout.split('\n').sort();
      };
      expect(await list(mountpoint)).toEqual(await list(root));
    }));

  it('differs in nothing for diff -r --no-dereference, find -ls and du: extending-expressweb', () =>
    withBoth('forms/oci-gzip.tar', async ({ mountpoint }, root) => {
      expect(await run('diff', ['-r', '--no-dereference', mountpoint, root])).toEqual({
        status: 0,
        stdout: '',
        stderr: '',
      });
      const list = async (directory: string): Promise<string[]> => {
        const format = '%P %y %m %U %G %s %T@ %n %l\\n';
        const { stdout } = await run('find', [
          directory,
          '-mindepth',
          '1',
          '-not',
          '-type',
          'd',
          '-printf',
          format,
        ]);
        return stdout.split('\n').sort();
      };
      expect(await list(mountpoint)).toEqual(await list(root));
      const apparent = async (directory: string): Promise<string> => {
        const { stdout } = await run('sh', [
          '-c',
          'find "$1" -type f -print0 | du -cb --files0-from=- | tail -1',
          'sh',
          directory,
        ]);
        return stdout;
      };
      expect(await apparent(mountpoint)).toBe(await apparent(root));
    }));
});

describeWith(
  ['fuse', 'root', ...['python3', 'podman'].map((program) => ({ program }))],
  'podman image mount',
  () => {
    it.each([['expressweb'], ['extending-expressweb']])('shows the same tree of %s', (image) =>
      withMounted(fixture(`forms/podman.tar:localhost/${image}:latest`), async (place) => {
        mkdirSync(place.path('podman'));
        const storage = ['--root', place.path('podman/storage'), '--runroot', place.path('podman/run')];
        const podman = async (...args: string[]): Promise<string> => {
          const { status, stdout, stderr } = await run('podman', [
            ...storage,
            '--storage-driver',
            'vfs',
            ...args,
          ]);
          if (status !== 0) throw new Error(stderr);
          return stdout.trim();
        };
        await podman('load', '--quiet', '--input', fixture('forms/podman.tar'));
        const root = await podman('image', 'mount', `localhost/${image}:latest`);
        try {
          // No layer has an entry for the root: podman gives it the mode 0555 and the time of unpacking.
          const oracle = decided(withoutHoles(snapshotDirectory(root)), {
            '': { mode: 0o40755, mtime: '0' },
          });
          expect(withoutHoles(snapshotDirectory(place.mountpoint))).toEqual(oracle);
        } finally {
          await podman('image', 'unmount', '--all');
        }
      }),
    );
  },
);

describeWith(
  ['fuse', 'root', { program: 'python3' }],
  'kernel overlayfs with a mount as its lower layer',
  () => {
    it('shows the same tree, stores changes in its upper, and does not change the mount', () =>
      withMounted(fixture('edge-cases.tar'), async (place) => {
        for (const name of ['upper', 'work', 'merged']) mkdirSync(place.path(name));
        const before = snapshotDirectory(place.mountpoint);
        const layers = ['lowerdir=mnt', 'upperdir=upper', 'workdir=work'].join(',');
        const mounted = await run('mount', ['-t', 'overlay', 'overlay', '-o', layers, 'merged'], {
          cwd: place.directory,
        });
        expect(mounted).toEqual({ status: 0, stdout: '', stderr: '' });
        try {
          // The root has the time of the upper directory.
          const mtime = snapshotDirectory(place.path('upper')).get('')?.mtime ?? '';
          expect(snapshotDirectory(place.path('merged'))).toEqual(decided(before, { '': { mtime } }));
          const script =
            'echo more >>keep/untouched && rm -rf names-gnu && mv xattr/capability moved && mkdir reborn-too';
          expect(await run('sh', ['-ec', script], { cwd: place.path('merged') })).toMatchObject({
            status: 0,
            stderr: '',
          });
          const after = snapshotDirectory(place.path('merged'));
          expect(after.get('keep/untouched')?.size).toBe((before.get('keep/untouched')?.size ?? 0) + 5);
          expect(after.get('moved')).toEqual({ ...before.get('xattr/capability'), sameAs: 'moved' });
          expect([...after.keys()].filter((path) => path.startsWith('names-gnu'))).toEqual([]);
        } finally {
          await run('umount', ['merged'], { cwd: place.directory });
        }
        expect(snapshotDirectory(place.mountpoint)).toEqual(before);
      }));
  },
);
