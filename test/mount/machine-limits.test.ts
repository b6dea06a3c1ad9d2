// A full disk and a removed working directory: the error is one line that names the file.
import { mkdirSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { describeWith } from '../requirements.ts';
import { OWN_NAMESPACE } from './own-namespace.ts';
import {
  type Outcome,
  PROGRAM,
  type Workplace,
  fixture,
  run,
  withMounted,
  withWorkplace,
} from './stratafs.ts';

const image = fixture('expressweb.tar');

/** A shell script in a mount namespace of its own: $S is stratafs, $I an image. */
function inShell(place: Workplace, script: string): Promise<Outcome> {
  const env = { ...place.environment, S: PROGRAM, I: image, LC_ALL: 'C' };
  return run('unshare', [...OWN_NAMESPACE, 'sh', '-c', script], { cwd: place.directory, env });
}

describeWith(['fuse', 'root', { program: 'unshare' }], 'the machine', () => {
  it('has no space left: the error names the file that is written, not the one that is read', () =>
    withMounted(
      image,
      async (place) => {
        writeFileSync(`${place.mountpoint}/large`, Buffer.alloc(300_000, 'x'));
        mkdirSync(place.path('full'));
        const { stdout, stderr } = await inShell(
          place,
          `mount -t tmpfs -o size=100k none full
           for target in docker-archive:full/a.tar oci-archive:full/b.tar oci:full/c; do "$S" commit --compression plain mnt -o $target; echo $?; done
           "$S" flatten --compression plain mnt -o oci-archive:full/d.tar; echo $?; "$S" export mnt -o full/e.tar; echo $?; ls full`,
        );
        expect(stderr.split('\n')).toEqual([
          ...['a.tar', 'b.tar', 'c', 'd.tar', 'e.tar'].map(
            (name) => `stratafs: full/${name}: no space left on the device (ENOSPC)`,
          ),
          '',
        ]);
        expect(stdout).toBe('1\n1\n1\n1\n1\n');
      },
      '--tmp',
    ));

  it('has no working directory: absolute paths are taken, relative ones say why not', () =>
    withWorkplace(async (place) => {
      const script = `place=$PWD; mkdir gone && cd gone && rmdir ../gone
        { "$S" mount "$I" "$place/mnt"; echo $?; "$S" unmount mnt; echo $?; "$S" unmount "$place/mnt"; echo $?; } 2>&1 | grep -v getcwd`;
      expect((await inShell(place, script)).stdout).toBe(
        '0\nstratafs: the working directory was removed: change to another one, or give absolute paths\n1\n0\n',
      );
    }));
});
