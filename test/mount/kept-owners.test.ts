// Owners and modes that are kept in xattrs: with fuse-overlayfs, both ways, and as rootless daemons use them.
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { describeWith } from '../requirements.ts';
import { OWN_NAMESPACE } from './own-namespace.ts';
import { COMMAND, type Outcome, type Workplace, fixture, run, withWorkplace } from './stratafs.ts';

const exchange = fileURLToPath(new URL('kept-owners.sh', import.meta.url));
const overlayMain = fileURLToPath(new URL('../../dist/cli/overlay-main.cjs', import.meta.url));
const NODE = process.execPath;

const bash = (place: Workplace, ...args: string[]): Promise<Outcome> =>
  run('unshare', [...OWN_NAMESPACE, 'bash', ...args], {
    cwd: place.directory,
    env: {
      ...place.environment,
      OURS: `'${NODE}' '${overlayMain}'`,
      S: `'${NODE}' '${COMMAND}'`,
      I: fixture('expressweb.tar'),
      LC_ALL: 'C',
    },
  });

/** Runs `body`, in which `limited` goes before what may neither chown(2) nor mknod(2), `S` is stratafs. */
async function script(body: string): Promise<Outcome> {
  const outcomes: Outcome[] = [];
  await withWorkplace(async (place) => {
    const text = `set -euo pipefail
      limited() { setpriv --bounding-set -chown,-mknod,-fsetid --inh-caps -chown,-mknod,-fsetid "$@"; }
      S() { limited bash -c "$S"' "$@"' sh "$@"; }
      O() { limited bash -c "$OURS"' "$@"' sh "$@"; }
      mkdir layer U W
      ${body}`;
    outcomes.push(await bash(place, '-c', text));
  });
  return outcomes[0] as Outcome;
}

const tools = ['setfattr', 'setpriv', 'unshare'].map((program) => ({ program }));

describeWith(
  ['root', 'fuse', { program: 'fuse-overlayfs' }, ...tools],
  'owners kept in xattrs by xattr_permissions=',
  () => {
    it('show the same through us and fuse-overlayfs, whoever wrote them, in an upper or a layer', () =>
      withWorkplace(async (place) => {
        expect(await bash(place, exchange)).toEqual({
          status: 0,
          stderr: '',
          stdout: `. drwxr-xr-x 0:0
./directory drwxrwxrwt 1002:1003
./directory/in -rw----r-- 3000000000:7 3
./lower drwxr-xr-x 1004:1005
./lower/file -rw------- 7:8 10
./new -rwxr-x--- 1000:1001 4
0:0
`,
        });
      }));
  },
);

describeWith(['root', 'fuse', ...tools], 'a daemon that may not chown(2)', () => {
  it('keeps every owner all the same, over a remount, and commits them', async () => {
    const outcome = await script(`
M() { S mount "$I" mnt --no-index-cache -o upperdir=U,workdir=W,xattr_permissions=2; }
M; cd mnt/usr/src/app
echo x >>package.json; chown 1000:1001 package.json; mkdir -m 2770 d; chown 7:8 d; touch d/new; ln -s f l; chown -h 9:9 l
cd - >cd; S commit mnt -o oci-archive:new.tar >id; S unmount mnt
M; cd mnt/usr/src/app; stat -c '%n %u:%g %a' package.json d d/new l
getfattr -d -m - package.json d; cd - >cd; S unmount mnt; stat -c %u:%g U/usr/src/app/package.json
S export new.tar | tar -tv --numeric-owner | awk '{ print $1, $2, $6 }' | grep -e 'app/[dl]' -e app/package.json`);
    expect(outcome).toEqual({
      status: 0,
      stderr: '',
      stdout: `package.json 1000:1001 644
d 7:8 2770
d/new 0:8 644
l 0:0 777
0:0
drwxrws--- 7/8 usr/src/app/d/
-rw-r--r-- 0/8 usr/src/app/d/new
lrwxrwxrwx 0/0 usr/src/app/l
-rw-r--r-- 1000/1001 usr/src/app/package.json
`,
    });
  });

  it('shows what podman and containers/storage unpacked with force_mask, devices too, and copies it up', async () => {
    const outcome = await script(`
mark() { setfattr -n user.containers.override_stat -v "$2" "$1"; }
mkdir layer/d; echo text >layer/d/f; : >layer/null; : >layer/pipe; chmod 700 layer layer/d layer/d/f layer/null layer/pipe
mark layer 0:0:0555:dir; mark U 0:0:0555:dir; mark layer/d 10:11:1777:dir; mark layer/d/f 12:13:4711:file; mark layer/null 0:6:0666:char-1-3
mark layer/pipe 14:15:0620:pipe
show() { stat -c '%n %A %u:%g %t,%T' mnt mnt/d mnt/d/f mnt/null mnt/pipe; }
O -o lowerdir=layer,upperdir=U,workdir=W mnt
show; umount mnt
O -o lowerdir=layer,upperdir=U,workdir=W,xattr_permissions=2 mnt
chmod 600 mnt/null; chown 1:1 mnt/pipe; echo x >>mnt/d/f
show; umount mnt
getfattr -n user.containers.override_stat --only-values U/null; echo`);
    const file = 'mnt/d/f -rws--x--x 12:13 0,0\n';
    const directory = 'mnt/d drwxrwxrwt 10:11 0,0\n';
    expect(outcome).toEqual({
      status: 0,
      stderr: '',
      stdout: `mnt dr-xr-xr-x 0:0 0,0
${directory}${file}mnt/null crw-rw-rw- 0:6 1,3
mnt/pipe prw--w---- 14:15 0,0
mnt dr-xr-xr-x 0:0 0,0
${directory}${file}mnt/null crw------- 0:6 1,3
mnt/pipe prw--w---- 0:0 0,0
0:6:600:char-1-3
`,
    });
  });

  it('refuses xattr_permissions=1 where it may not write such attributes', async () => {
    const outcome = await script(`
      setpriv --bounding-set -sys_admin --inh-caps -sys_admin bash -c "$OURS"' "$@"' sh -o lowerdir=layer,upperdir=U,workdir=W,xattr_permissions=1 mnt || echo "status $?"`);
    expect(outcome.stdout).toBe('status 1\n');
    expect(outcome.stderr).toMatch(/EPERM/);
  });
});
