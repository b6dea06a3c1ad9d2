// Writable mounts of users other than the machine's root. Their marks are user.overlay.*; whiteouts are 0:0 devices, which every
// user may create since Linux 5.8.
import { expect, it } from 'vitest';
import { describeWith } from '../requirements.ts';
import { asNobody, install } from './other-users.ts';
import { OWN_NAMESPACE } from './own-namespace.ts';
import { run, withWorkplace } from './stratafs.ts';

/** Creates an image, mounts it on `mnt`, changes it and unmounts it. $S is stratafs. */
const makeImage = `
  mkdir -p src/d u && echo one >src/d/f && ln src/d/f src/d/g && ln -s f src/d/s && mkfifo src/d/p
  head -c 300000 /dev/urandom >src/big && chmod 444 src/d/f && tar -cf i.tar -C src .`;
const change = `
  eval "$S mount --upper u i.tar mnt" && before=$(stat -c %i mnt/d/f mnt/d/s mnt/big) && cd mnt
  chmod 644 d/f && echo two >>d/g && rm d/p && mv d e && touch -h -d @5 e/s && chmod 600 big && ln big big2
  mkdir n && echo new >n/f && rm -r n && mkdir n && rmdir n && rm e/g && mkdir e/g && cd ..
  after=$(stat -c %i mnt/e/f mnt/e/s mnt/big) && eval "$S unmount mnt" && eval "$S mount --upper u i.tar mnt"
  again=$(stat -c %i mnt/e/f mnt/e/s mnt/big)`;
const look = `(cd mnt && find . -printf '%P %y %m %n %s %l\n' | sort && cat e/f && sha256sum <big)`;
const expected = `[ "$before" = "$after" ] && [ "$after" = "$again" ] && echo same numbers
  sha256sum <src/big`;

const tree = [
  ' d 755 ',
  'big f 600 2 300000',
  'big2 f 600 2 300000',
  'e d 755 ',
  'e/f f 644 1 8',
  'e/g d 755 ',
  'e/s l 777 1 1 f',
];

function checkLook(stdout: string): void {
  const lines = stdout.trimEnd().split('\n');
  for (const [i, beginning] of tree.entries()) {
    // Directories have the sizes and link counts that the upper's file system gives them.
    expect(lines[i]?.trimEnd().startsWith(beginning), `${lines[i] ?? ''} against ${beginning}`).toBe(true);
  }
  expect(lines.slice(tree.length, tree.length + 2)).toEqual(['one', 'two']);
  const [own, sum, image] = lines.slice(tree.length + 2);
  expect(sum).toBe('same numbers');
  expect(own).toBe(image);
}

describeWith(
  ['fuse', 'root', { program: 'fusermount3' }, { program: 'setpriv' }, { program: 'unshare' }],
  'an ordinary user',
  () => {
    it('can write to an image, also to read-only files, and finds the changes after a remount', () =>
      withWorkplace(async (place) => {
        const script = `set -e; ${makeImage}\n${change}\n${look}\n${expected}\neval "$S unmount mnt"`;
        const { stdout, stderr, status } = await asNobody(place, script);
        expect(stderr).toBe('');
        checkLook(stdout);
        expect(status).toBe(0);
      }));

    it("can't change files of other users, and gets the reason", () =>
      withWorkplace(async (place) => {
        const script = `mkdir u; eval "$S mount --upper u $I mnt" && chmod 600 mnt/etc/hostname; echo $?
          touch mnt/etc/new; eval "$S unmount mnt"`;
        const { stdout, stderr } = await asNobody(place, script);
        expect(stdout).toBe('1\n');
        expect(stderr).toMatch(/Operation not permitted[^]*mnt\/etc\/new'?: Permission denied/);
      }));
  },
);

describeWith(['fuse', 'root', { program: 'unshare' }], "a user namespace's root", () => {
  const asRoot = (script: string, checkResult: (stdout: string) => void) =>
    withWorkplace(async (place) => {
      const { stdout, stderr, status } = await run(
        'unshare',
        [...OWN_NAMESPACE, 'unshare', '-Urm', 'sh', '-c', script],
        {
          cwd: place.directory,
          env: install(place),
        },
      );
      expect(stderr).toBe('');
      expect(status).toBe(0);
      checkResult(stdout);
    });

  it('can write to an image, and finds the changes after a remount', async () => {
    await asRoot(`set -e; ${makeImage}\n${change}\n${look}\n${expected}\neval "$S unmount mnt"`, checkLook);
  });

  // Mounts with userxattr take neither redirects nor metacopy.
  it('writes an upper that kernel overlayfs with userxattr shows the same', async () => {
    const plain = '-o metacopy=off,redirect_dir=off';
    const list = `(cd mnt && find . -type f -printf '%P %y %m %n %s\\n' -o -printf '%P %y %m\\n' | sort && cat d/g)`;
    await asRoot(
      `set -e; ${makeImage}
      eval "$S mount ${plain} --upper u i.tar mnt"; cd mnt; chmod 644 d/f; echo two >>d/g; rm d/p; ln d/f d/l
      chmod 600 big; mkdir n; echo new >n/x; rm -r n; mkdir n; echo new >n/x; mv d/s n/; cd ..
      ${list} >ours; eval "$S unmount mnt"
      mount -t overlay none mnt -o userxattr,lowerdir=src,upperdir=u,workdir=u.work
      ${list} >kernel; umount mnt; cmp ours kernel && echo alike; cat ours`,
      (stdout) => expect(stdout).toMatch(/^alike\n d 755\n[^]*\nn\/x f 644 1 4\n/),
    );
  });
});
