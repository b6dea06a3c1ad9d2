// Mounts of those who are not the machine's root: an ordinary user through fusermount3, and root of a user namespace.
//
// The ordinary user gets a /dev/fuse of its own in a mount namespace of its own, since this machine's may be root's.
import { chmodSync, mkdirSync } from 'node:fs';
import { expect, it } from 'vitest';
import { describeWith } from '../requirements.ts';
import { COMMAND, type Outcome, type Workplace, fixture, run, withWorkplace } from './stratafs.ts';

const image = fixture('expressweb.tar');

/** Runs a shell script in the workplace as nobody, with $S for stratafs and $I for an image. */
function asNobody(place: Workplace, script: string): Promise<Outcome> {
  chmodSync(place.directory, 0o777);
  chmodSync(place.mountpoint, 0o777);
  mkdirSync(place.path('dev'));
  const setUp = `
    mount -t tmpfs none dev && mknod -m 666 dev/fuse c 10 229 && mount --bind dev/fuse /dev/fuse || exit 99
    exec setpriv --reuid 65534 --regid 65534 --clear-groups sh -c "$1"`;
  return inNamespace(place, ['-m'], setUp, script);
}

function inNamespace(place: Workplace, flags: readonly string[], ...script: string[]): Promise<Outcome> {
  const command = `'${process.execPath}' '${COMMAND}'`;
  const [first = '', ...rest] = script;
  return run('unshare', [...flags, 'sh', '-c', first, 'sh', ...rest], {
    cwd: place.directory,
    env: { ...place.environment, S: command, I: image },
  });
}

describeWith(
  ['fuse', 'root', { program: 'fusermount3' }, { program: 'setpriv' }, { program: 'unshare' }],
  'an ordinary user',
  () => {
    it('mounts, looks, lists and unmounts', () =>
      withWorkplace(async (place) => {
        const outcome = await asNobody(
          place,
          `eval "$S mount $I mnt" && cat mnt/usr/src/app/package.json | head -2 && eval "$S ls" &&
           grep -o ' mnt\\|ro,nosuid,nodev\\|fuse.stratafs' /proc/self/mountinfo && eval "$S unmount mnt" && ls mnt`,
        );
        expect(outcome.stderr).toBe('');
        expect(outcome.stdout).toMatch(/"name": "expressweb"/);
        expect(outcome.stdout).toMatch(/expressweb\.tar +\S+\/mnt +\d+ +\ds/);
        expect(outcome.stdout).toMatch(/ro,nosuid,nodev\nfuse\.stratafs\n$/);
        expect(outcome.status).toBe(0);
      }));

    it('is told who keeps a mount busy', () =>
      withWorkplace(async (place) => {
        const outcome = await asNobody(
          place,
          'eval "$S mount $I mnt" && (cd mnt && eval "$S unmount ../mnt"; echo $?) && eval "$S unmount mnt"',
        );
        expect(outcome.stderr).toMatch(/^stratafs: \S+\/mnt is busy: (sh|node) \(pid \d+\) works in it.*\n$/);
        expect(outcome).toMatchObject({ status: 0, stdout: '1\n' });
      }));

    it('clears the mount of a daemon that was killed', () =>
      withWorkplace(async (place) => {
        const outcome = await asNobody(
          place,
          `eval "$S mount $I mnt" && kill -9 $(eval "$S ls --json" | sed -n 's/.*"pid": \\([0-9]*\\),*/\\1/p') &&
           eval "$S ls" && eval "$S mount $I mnt" && ls mnt && eval "$S unmount mnt"`,
        );
        expect(outcome.stdout).toMatch(/mnt +dead\n/);
        expect(outcome.stdout).toMatch(/^usr$/m);
        expect(outcome.stderr).toMatch(
          /^stratafs: warning: \S+: clearing the mount of \S+, whose daemon is gone\n$/,
        );
        expect(outcome.status).toBe(0);
      }));

    it("is told by one line what fusermount3 doesn't allow, and that it is missing", () =>
      withWorkplace(async (place) => {
        const outcome = await asNobody(
          place,
          `eval "$S mount $I /etc"; echo $?; chmod 555 . 2>/dev/null; PATH=/none; eval "$S mount $I mnt"; echo $?`,
        );
        const lines = outcome.stderr.trimEnd().split('\n');
        expect(lines).toEqual([
          'stratafs: warning: /etc: not empty; what is in it stays hidden while the mount lasts',
          expect.stringMatching(
            /^stratafs: \/etc: fusermount3: user has no write access to mountpoint \/etc$/,
          ),
          'stratafs: fusermount3 is not there, and only root can mount without it: install the package fuse3',
        ]);
        expect(outcome.stdout).toBe('1\n1\n');
      }));
  },
);

describeWith(['fuse', 'root', { program: 'unshare' }], 'root of a user namespace', () => {
  it('mounts by mount(2), and what it sees belongs to it', () =>
    withWorkplace(async (place) => {
      const outcome = await inNamespace(
        place,
        ['-rm'],
        'eval "$S mount $I mnt" && stat -c "%u %a" mnt/usr && eval "$S ls" && eval "$S unmount mnt" && ls mnt',
      );
      expect(outcome.stderr).toBe('');
      expect(outcome.stdout).toMatch(
        new RegExp(`^0 755\nSOURCE .*\n(.*\n)*.*expressweb\\.tar +${place.mountpoint} `),
      );
      expect(outcome.status).toBe(0);
    }));
});
