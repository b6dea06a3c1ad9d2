// Mounts of users other than the machine's root: an ordinary user with fusermount3, and root of a user namespace.
import { expect, it } from 'vitest';
import { describeWith } from '../requirements.ts';
import { NOBODY, asNobody, install } from './other-users.ts';
import { OWN_NAMESPACE } from './own-namespace.ts';
import { run, withWorkplace } from './stratafs.ts';

describeWith(
  ['fuse', 'root', { program: 'fusermount3' }, { program: 'setpriv' }, { program: 'unshare' }],
  'an ordinary user',
  () => {
    it('can mount an image, read it, list the mount and unmount it', () =>
      withWorkplace(async (place) => {
        const outcome = await asNobody(
          place,
          `eval "$S mount $I mnt" && cat mnt/usr/src/app/package.json | head -2 && eval "$S ls" &&
           grep -o ' mnt\\|ro,nosuid,nodev\\|fuse.stratafs' /proc/self/mountinfo && eval "$S unmount mnt" && ls mnt`,
        );
        expect(outcome.stderr).toBe('');
        expect(outcome.stdout).toMatch(/"name": "expressweb"/);
        expect(outcome.stdout).toMatch(/expressweb\.tar +\S+\/mnt +\d+ +\d+s/);
        expect(outcome.stdout).toMatch(/ro,nosuid,nodev\nfuse\.stratafs\n$/);
        expect(outcome.status).toBe(0);
      }));

    it("may not ask for suid or dev; by mount(8)'s helper they have no effect", () =>
      withWorkplace(async (place) => {
        const outcome = await asNobody(
          place,
          `eval "$S mount -o suid $I mnt"; echo $?; eval "$S mount -o dev $I mnt"; echo $?; ls mnt
           eval "$S $I mnt -o rw,suid,dev" && grep " $PWD/mnt " /proc/self/mountinfo | grep -o 'ro,nosuid,nodev' && eval "$S unmount mnt"`,
        );
        expect(outcome).toEqual({
          status: 0,
          stdout: '1\n1\nro,nosuid,nodev\n',
          stderr:
            "stratafs: mount option 'suid': only root may use it\nstratafs: mount option 'dev': only root may use it\n",
        });
      }));

    it("can't unmount a mount of root, and gets the reason", () =>
      withWorkplace(async (place) => {
        const environment = install(place);
        await place.mount(place.path('fixtures/expressweb.tar'));
        for (const option of ['', '--lazy']) {
          const script = `eval "$S unmount ${option} ${place.mountpoint}"`;
          const [program, ...args] = NOBODY;
          const outcome = await run(program, [...args, 'sh', '-c', script], { env: environment });
          expect(outcome.stderr).toMatch(
            /^stratafs: \S+\/mnt: only who mounted it, and root, can unmount it\n$/,
          );
          expect(outcome.status).toBe(1);
        }
        expect(place.mounted()).toEqual([place.mountpoint]);
        await place.unmount();
      }));

    it('gets the names of the processes that keep a mount busy', () =>
      withWorkplace(async (place) => {
        const outcome = await asNobody(
          place,
          'eval "$S mount $I mnt" && (cd mnt && eval "$S unmount ../mnt"; echo $?) && eval "$S unmount mnt"',
        );
        expect(outcome.stderr).toMatch(/^stratafs: \S+\/mnt is busy: (sh|node) \(pid \d+\) works in it.*\n$/);
        expect(outcome).toMatchObject({ status: 0, stdout: '1\n' });
      }));

    it('can unmount after the daemon was killed', () =>
      withWorkplace(async (place) => {
        const outcome = await asNobody(
          place,
          `eval "$S mount -o restart=off $I mnt" && kill -9 $(eval "$S ls" | sed -n "s|.* $PWD/mnt *\\([0-9]*\\) .*|\\1|p") &&
           eval "$S ls" && eval "$S mount $I mnt" && ls mnt && eval "$S unmount mnt"`,
        );
        expect(outcome.stdout).toMatch(/mnt +dead\n/);
        expect(outcome.stdout).toMatch(/^usr$/m);
        expect(outcome.stderr).toMatch(
          /^stratafs: warning: \S+: cleared the mount of \S+, whose daemon is gone\n$/,
        );
        expect(outcome.status).toBe(0);
      }));

    it('can read on after the daemon was killed, and unmount', () =>
      withWorkplace(async (place) => {
        const outcome = await asNobody(
          place,
          `eval "$S mount $I mnt" && kill -9 $(eval "$S ls" | sed -n "s|.* $PWD/mnt *\\([0-9]*\\) .*|\\1|p") &&
           head -2 mnt/usr/src/app/package.json && eval "$S ls" && eval "$S unmount mnt"`,
        );
        expect(outcome.stderr).toBe('');
        expect(outcome.stdout).toMatch(/"name": "expressweb"/);
        expect(outcome.stdout).toMatch(/mnt \(restarted once, last: SIGKILL\)/);
        expect(outcome.status).toBe(0);
      }));

    it("can't mount over root's mount whose daemon was killed", () =>
      withWorkplace(async (place) => {
        const outcome = await asNobody(
          place,
          'eval "$S mount $I mnt"',
          `export XDG_CACHE_HOME=$PWD/roots && eval "$S mount -o restart=off $I mnt" &&
           kill -9 $(eval "$S ls --json" | sed -n 's/.*"pid": \\([0-9]*\\).*/\\1/p') &&
           while stat mnt >rest 2>&1; do :; done && export XDG_CACHE_HOME=$PWD/cache`,
        );
        expect(outcome.stderr).toMatch(
          /^stratafs: \S+\/mnt: a mount of \S+ is there, whose daemon is gone; only root, or the user who mounted it, can clear it: stratafs unmount \S+\/mnt\n$/,
        );
        expect(outcome.status).toBe(1);
      }));

    it('gets one line if fusermount3 refuses the mount, or is missing', () =>
      withWorkplace(async (place) => {
        const outcome = await asNobody(
          place,
          `eval "$S mount $I /etc"; echo $?; PATH=/none; eval "$S mount $I mnt"; echo $?`,
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
  it('mounts by mount(2), and owns all files in the mount', () =>
    withWorkplace(async (place) => {
      const script =
        'eval "$S mount $I mnt" && stat -c "%u %a" mnt/usr && eval "$S ls" && eval "$S unmount mnt" && ls mnt';
      const outcome = await run('unshare', [...OWN_NAMESPACE, 'unshare', '-rm', 'sh', '-c', script], {
        cwd: place.directory,
        env: install(place),
      });
      expect(outcome.stderr).toBe('');
      expect(outcome.stdout).toMatch(
        new RegExp(`^0 755\nSOURCE .*\n(.*\n)*.*expressweb\\.tar +${place.mountpoint} `),
      );
      expect(outcome.status).toBe(0);
    }));
});
