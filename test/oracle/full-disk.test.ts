// An upper on a file system that is full, in bytes and in inodes: the user gets the error, existing files stay, nothing is left
// behind, and once there is room again all goes on.
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { run, withWorkplace } from '../mount/stratafs.ts';
import { describeWith } from '../requirements.ts';

const script = fileURLToPath(new URL('full-disk.py', import.meta.url));

const LOWER = `
  mkdir -p low/d/e; head -c 12000000 /dev/urandom > low/big; head -c 50000 /dev/urandom > low/small
  echo hi > low/d/f; ln low/d/f low/d/g; touch -d @1000000000 low/*`;

describeWith(['root', 'fuse', { program: 'python3' }], 'an upper without room', () => {
  for (const features of ['metacopy=on', 'metacopy=off']) {
    it(`reports ENOSPC and loses nothing (${features})`, async () => {
      await withWorkplace(async (place) => {
        const shell = async (text: string): Promise<void> => {
          const { status, stderr } = await run('sh', ['-ec', text], { cwd: place.directory });
          expect(stderr).toBe('');
          expect(status).toBe(0);
        };
        await shell(LOWER);
        mkdirSync(place.path('disk'));
        await shell('mount -t tmpfs -o size=8m,nr_inodes=60 none disk; mkdir disk/upper disk/work');
        const directories = 'lowerdir=low,upperdir=disk/upper,workdir=disk/work';
        const mounted = await place.stratafs(['mount', '-o', `${directories},${features}`, place.mountpoint]);
        expect(mounted).toMatchObject({ status: 0, stderr: '' });
        await shell(`python3 ${script} mnt disk/work/work ${features}`);
        await place.unmount();
        await shell('umount disk');
      });
    });
  }
});
