// One upper, two mounts: at the same time, and one right after the other.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { describeWith } from '../requirements.ts';
import { fixture, withWorkplace } from './stratafs.ts';

describeWith(['root', 'fuse'], 'the lock of an upper', () => {
  it('is unlocked in time for a mount right after umount(8)', async () => {
    await withWorkplace(async (place) => {
      mkdirSync(place.path('upper'));
      for (let round = 0; round < 4; round++) {
        await place.mount(fixture('expressweb.tar'), '--upper', place.path('upper'));
        // Closing the upper must sync these bytes.
        writeFileSync(`${place.mountpoint}/file${round}`, Buffer.alloc(8 << 20, round));
        expect(spawnSync('umount', [place.mountpoint]).status).toBe(0);
      }
      await place.mount(fixture('expressweb.tar'), '--upper', place.path('upper'));
      expect(readFileSync(`${place.mountpoint}/file0`).length).toBe(8 << 20);
    });
  });

  it('is locked while it is mounted', async () => {
    await withWorkplace(async (place) => {
      mkdirSync(place.path('upper'));
      await place.mount(fixture('expressweb.tar'), '--upper', place.path('upper'));
      mkdirSync(place.path('other'));
      const args = ['mount', '--upper', place.path('upper'), fixture('expressweb.tar'), place.path('other')];
      const { status, stderr } = await place.stratafs(args);
      expect(status).toBe(1);
      expect(stderr).toMatch(/in use by another mount/);
    });
  });
});
