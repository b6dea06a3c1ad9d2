// Images that were committed from a mount, read by other tools: they show the same as the mount.
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { S_IFDIR, S_IFLNK, S_IFMT } from '../../src/vfs/attr.ts';
import { type Snapshot, readSnapshot } from '../oracle/snapshot.ts';
import { describeWith } from '../requirements.ts';
import { APP, CHANGES, IMAGE, call, change, shown, tools, withUpper, withoutRootTime } from './commits.ts';
import { OWN_NAMESPACE } from './own-namespace.ts';
import { type Workplace, run } from './stratafs.ts';

describeWith(['fuse', 'root', ...tools, { program: 'umoci' }], 'umoci', () => {
  it('unpacks the same tree as the mount shows', () =>
    withUpper(APP, async (place) => {
      change(place);
      const expected = shown(place.mountpoint);
      await call(place, 'commit', 'mnt', '-o', 'oci:layout:2');
      const unpacked = await run('umoci', [
        'unpack',
        '--image',
        `${place.path('layout')}:2`,
        place.path('bundle'),
      ]);
      expect(unpacked).toMatchObject({ status: 0 });
      const found = shown(place.path('bundle/rootfs'));
      // umoci fills the holes of sparse files with zeros.
      for (const each of [expected, found]) for (const file of each.values()) file.data = [];
      expect(found).toEqual(expected);
      await place.unmount();
    }));
});

/** The tree that podman shows after loading `archive`. */
async function inPodman(place: Workplace, archive: string, name: string, driver: string): Promise<Snapshot> {
  mkdirSync(place.path('podman'));
  const script = fileURLToPath(new URL('podman-show.sh', import.meta.url));
  const snapshot = fileURLToPath(new URL('../oracle/snapshot.py', import.meta.url));
  const { status, stdout, stderr } = await run('unshare', [
    ...[...OWN_NAMESPACE, 'sh', script, place.path('podman'), place.path(archive), name, snapshot, driver],
  ]);
  expect({ status }, stderr).toEqual({ status: 0 });
  return withoutRootTime(readSnapshot(stdout));
}

describeWith(['fuse', 'root', ...tools, { program: 'podman' }], 'podman', () => {
  it('loads it and shows the same tree as the mount', () =>
    withUpper(APP, async (place) => {
      change(place);
      const expected = shown(place.mountpoint);
      await call(place, 'commit', 'mnt', '-o', 'docker-archive:new.tar:localhost/app:2');
      const found = await inPodman(place, 'new.tar', 'localhost/app:2', 'overlay');
      for (const each of [expected, found]) {
        for (const file of each.values()) {
          file.data = [];
          // podman sets no time before 1970.
          if (file.mtime.startsWith('-')) file.mtime = '0';
        }
        // podman chooses the attributes of the root itself.
        const root = each.get('');
        if (root !== undefined) root.mode = 0;
      }
      expect(found).toEqual(expected);
      await place.unmount();
    }));

  // podman's overlay driver can't load an image with hard links from a layer to a lower one, because it unpacks each layer
  // separately. The differences of the vfs driver are the same as for edge-cases itself (fixtures/oracle/edge-cases.differences.json).
  it('loads an image with hard links across layers into vfs storage', () =>
    withUpper(IMAGE, async (place) => {
      execFileSync('sh', [CHANGES], { cwd: place.mountpoint, stdio: 'pipe' });
      const expected = shown(place.mountpoint);
      await call(place, 'commit', 'mnt', '-o', 'docker-archive:new.tar:localhost/app:2');
      const found = await inPodman(place, 'new.tar', 'localhost/app:2', 'vfs');
      for (const each of [expected, found]) {
        for (const [path, file] of each) {
          const type = file.mode & S_IFMT;
          file.data = [];
          if (file.mtime.startsWith('-')) file.mtime = '0';
          if (type === S_IFDIR) file.mtime = '';
          // Its copies of layers have symlinks of their own, no ACLs and no trusted attributes.
          if (type === S_IFLNK) Object.assign(file, { nlink: 1, sameAs: path });
          const copied = Object.entries(file.xattrs).filter(([name]) => /^(?:user|security)\./.test(name));
          file.xattrs = path === 'attributes' ? {} : Object.fromEntries(copied);
        }
        const root = each.get('');
        if (root !== undefined) root.mode = 0;
      }
      expect(found).toEqual(expected);
      await place.unmount();
    }));
});

describeWith(['fuse', 'root', ...tools, { program: 'skopeo' }], 'skopeo', () => {
  it('finds the layers and the config', () =>
    withUpper(APP, async (place) => {
      writeFileSync(place.path('mnt/new'), '1');
      await call(place, 'commit', 'mnt', '-o', 'docker-archive:new.tar:app:2', '-c', 'LABEL a=b');
      const { stdout } = await run('skopeo', ['inspect', `docker-archive:${place.path('new.tar')}:app:2`]);
      const before = await run('skopeo', ['inspect', `docker-archive:${APP}`]);
      const inspected = JSON.parse(stdout) as { Layers: string[]; Labels: object };
      expect(inspected.Layers.slice(0, -1)).toEqual(
        (JSON.parse(before.stdout) as { Layers: string[] }).Layers,
      );
      expect(inspected.Labels).toMatchObject({ a: 'b' });
      await place.unmount();
    }));
});
