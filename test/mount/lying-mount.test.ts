// A FUSE mount that another user made, and that says of itself what only root may read: the kernel says whose it is.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { describeWith } from '../requirements.ts';
import { NOBODY, install } from './other-users.ts';
import { OWN_NAMESPACE } from './own-namespace.ts';
import { type Outcome, type Workplace, fixture, run, withWorkplace } from './stratafs.ts';

const SERVER = readFileSync(new URL('./lying-mount.py', import.meta.url), 'utf8');
const IMAGE_ID = 'sha256:c3c74c4ba3f59a25b71ce95de451a76b3b02ea0e5f00d43b2eda3e2d1a1ae2d7';

/** Runs a shell script as root beside a mount `mnt` that nobody made, and that answers `facts`. $S is stratafs. */
async function besideLiar(place: Workplace, facts: object, script: string): Promise<Outcome> {
  const environment = install(place);
  writeFileSync(place.path('liar.py'), SERVER);
  writeFileSync(place.path('fuse.conf'), 'user_allow_other\n');
  mkdirSync(place.path('up'), { mode: 0o700 });
  writeFileSync(place.path('up/secret'), 's3cret\n');
  copyFileSync(fixture('expressweb.tar'), place.path('private.tar'));
  const setUp = `
    chown 65534 mnt; chmod 600 private.tar
    mknod -m 666 fuse c 10 229 && mount --bind fuse /dev/fuse && mount --bind fuse.conf /etc/fuse.conf || exit 99
    ${NOBODY.join(' ')} /usr/bin/python3 liar.py "$PWD/mnt" "$1" || exit 98
    s() { eval "$S" '"$@"'; }
    eval "$2"; status=$?; umount -l mnt; exit $status`;
  return run('unshare', [...OWN_NAMESPACE, 'sh', '-c', setUp, 'sh', JSON.stringify(facts), script], {
    cwd: place.directory,
    env: environment,
  });
}

const lies = (place: Workplace): object => ({
  ...{ pid: 1, started: 1, layers: 9, imageId: IMAGE_ID, source: place.path('private.tar') },
  ...{ upper: place.path('up'), upperMarks: 'user' },
});

describeWith(
  ['fuse', 'root', { program: 'fusermount3' }, { program: 'setpriv' }, { program: 'unshare' }],
  "another user's mount that names what only root may read",
  () => {
    it('is refused as a source for root, and nothing in it is read or written', () =>
      withWorkplace(async (place) => {
        const { stdout, stderr, status } = await besideLiar(
          place,
          lies(place),
          `s diff mnt; s commit mnt -o docker-archive:new.tar; s export mnt -o out.tar; s cat mnt /secret
           s layers mnt; s ps -s --format '{{.MountPoint}} {{.Size}}'; ls new.tar out.tar 2>/dev/null; :`,
        );
        expect(status, stderr).toBe(0);
        expect(stdout.split('\n').filter((line) => line.startsWith(place.directory))).toEqual([
          `${place.mountpoint} N/A`,
        ]);
        expect(stdout).not.toMatch(/secret|new\.tar|out\.tar/);
        const refusals = stderr
          .split('\n')
          .filter((line) => line.startsWith(`stratafs: ${place.mountpoint}: `));
        expect(refusals).toHaveLength(5);
        expect(new Set(refusals).size).toBe(1);
        expect(refusals[0]).toMatch(
          /was mounted by another user \(uid 65534\).*give the image itself as SOURCE/,
        );
      }));

    it.each([
      { pid: 'x', started: 1, layers: 1, source: 'y' },
      { pid: 1, started: 1e300, layers: 1, source: 'y' },
      { pid: 1, started: 1, layers: 1, source: { toString: 1 } },
      { pid: 1, started: 1, layers: 1, source: 'y', names: 'z' },
      [null],
    ])('is listed as one that does not answer if it says %j', (facts) =>
      withWorkplace(async (place) => {
        const { stdout, stderr, status } = await besideLiar(
          place,
          facts,
          `s ls --format '{{.MountPoint}} {{.State}}'; s ps >/dev/null; s unmount mnt`,
        );
        expect(stdout).toContain(`${place.mountpoint} refused\n`);
        expect({ status, stderr: stderr.replace(/^umount: .*\n/m, '') }).toEqual({ status: 0, stderr: '' });
      }),
    );

    it('names no process that root waits for or ends', () =>
      withWorkplace(async (place) => {
        const { stdout, stderr } = await besideLiar(
          place,
          { pid: process.pid, started: 1, layers: 1, source: 'x' },
          's unmount mnt; echo $?',
        );
        expect({ stdout, stderr: stderr.replace(/^umount: .*\n/m, '') }).toEqual({
          stdout: '0\n',
          stderr: '',
        });
      }));
  },
);
