// New images made by those who are not the machine's root, whose uppers have marks in user.overlay.*: they show what the
// mount shows.
import { expect, it } from 'vitest';
import { describeWith } from '../requirements.ts';
import { asNobody, install } from './other-users.ts';
import { OWN_NAMESPACE } from './own-namespace.ts';
import { run, withWorkplace } from './stratafs.ts';

/** Mounts an image of the caller's own on `mnt`, $S being stratafs, and changes it in all ways that need no rights. */
const change = `set -e
  mkdir -p src/d/sub src/gone u && echo one >src/d/f && ln src/d/f src/d/g && ln -s f src/d/s && mkfifo src/d/p
  echo deep >src/d/sub/deep && echo gone >src/gone/x && head -c 300000 /dev/urandom >src/big && chmod 444 src/d/f
  tar -cf i.tar -C src . && eval "$S mount --upper u i.tar mnt" && cd mnt
  chmod 644 d/f && echo two >>d/g && rm d/p && mv d e && touch -h -d @5 e/s && chmod 600 big && ln big big2
  rm -r gone && mkdir gone && echo new >gone/y && mkdir d && echo other >d/f && setfattr -n user.a -v b d/f && cd ..`;

/** All that is shown, but for the root's time and the sizes and link counts of directories. */
const list = `list() { (cd "$1"
    find . -type d -printf '%p %y %m %T@\\n' -o -printf '%p %y %m %n %s %T@ %l\\n' | grep -v '^\\. ' | sort
    getfattr -R -d . 2>/dev/null; find . -type f -exec sha256sum {} + | sort); }`;

/** What each new image shows is compared with what the mount has shown. */
const commit = `list mnt >live
  eval "$S commit mnt -o oci:committed:1 --compression gzip" >ids && eval "$S unmount mnt"
  eval "$S flatten oci:committed:1 -o docker-archive:flat.tar:x:1" >>ids
  eval "$S squash --from 1 oci:committed:1 -o oci-archive:squashed.tar" >>ids
  for image in oci:committed:1 flat.tar squashed.tar; do
    eval "$S mount $image mnt"; list mnt >shown; eval "$S unmount mnt"; diff live shown && echo "$image"
  done
  sort -u ids | grep -c '^sha256:'; wc -l <live; ls -A | grep -c draft || true`;

const script = `${change}\n${list}\n${commit}`;

function check({ stdout, stderr, status }: Awaited<ReturnType<typeof run>>): void {
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const [first, second, third, ids, lines, drafts] = stdout.split('\n');
  expect([first, second, third]).toEqual(['oci:committed:1', 'flat.tar', 'squashed.tar']);
  expect([ids, drafts]).toEqual(['3', '0']);
  expect(Number(lines)).toBeGreaterThan(15);
}

const programs = ['getfattr', 'setfattr', 'unshare'].map((program) => ({ program }));

describeWith(
  ['fuse', 'root', ...programs, { program: 'fusermount3' }, { program: 'setpriv' }],
  'commit, flatten and squash',
  () => {
    it('work for an ordinary user', () =>
      withWorkplace(async (place) => {
        check(await asNobody(place, script));
      }));

    it("work for a user namespace's root", () =>
      withWorkplace(async (place) => {
        const env = install(place);
        check(
          await run('unshare', [...OWN_NAMESPACE, 'unshare', '-Urm', 'sh', '-c', script], {
            cwd: place.directory,
            env,
          }),
        );
      }));
  },
);
