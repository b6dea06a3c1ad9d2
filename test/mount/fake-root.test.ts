// An ordinary user who edits an image of root's files: what only the image's root could do works, and the owners in the
// committed image are read back by GNU tar and umoci.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describeWith } from '../requirements.ts';
import { pax, rawMember, rawTar } from '../tar/raw-tar.ts';
import { asNobody } from './other-users.ts';
import { run, withWorkplace } from './stratafs.ts';

const directory = (name: string, mode: number, uid = 0): Buffer =>
  rawMember({ name: `${name}/`, type: '5', mode, uid, gid: uid });
const file = (name: string, mode: number, uid = 0, gid = uid): Buffer =>
  rawMember({ name, mode, uid, gid, body: `${name}\n` });

const image = (): Buffer =>
  rawTar(
    directory('etc', 0o755),
    file('etc/hosts', 0o644),
    file('etc/shadow', 0o640, 0, 42),
    file('etc/nobodys', 0o644, 65534),
    directory('tmp', 0o1777),
    file('tmp/old', 0o600, 5),
    directory('closed', 0o700, 7),
    file('closed/none', 0o000, 7),
    directory('www', 0o755, 33),
    file('www/page', 0o644, 33),
    file('suid', 0o4755),
    pax({ mtime: '5.5' }),
    rawMember({ name: 'link', type: '2', linkname: 'etc/hosts' }),
  );

const mount = 'set -e; mkdir u && eval "$S mount --fake-root --upper u i.tar mnt"';
/** What the mount shows of owners and modes. */
const list = `list() { (cd "$1" && find . -mindepth 1 -printf '%P %U:%G %m\\n' | LC_ALL=C sort); }`;

const edit = `
  echo x >>mnt/etc/hosts; cat mnt/etc/shadow mnt/closed/none >/dev/null; echo x >>mnt/closed/none
  echo x >>mnt/www/page; echo x >>mnt/etc/nobodys; echo x >>mnt/suid
  echo new >mnt/etc/new; mkdir mnt/made; ln -s to mnt/made/link; mkfifo mnt/made/fifo; ln mnt/etc/new mnt/made/hard
  chown 55:66 mnt/etc/new; chown 8 mnt/closed; cp mnt/suid mnt/suid2; chmod 6755 mnt/suid2
  rm mnt/tmp/old; touch mnt/tmp/mine; rm mnt/tmp/mine; chmod 777 mnt/tmp; mv mnt/www mnt/www2; touch -d @7 mnt/link`;

/** The sticky bit shows in the image alone. */
const edited = (tmp: string): string[] => [
  'closed 8:7 700',
  'closed/none 7:7 0',
  'etc 0:0 755',
  'etc/hosts 0:0 644',
  'etc/new 55:66 644',
  'etc/nobodys 65534:65534 644',
  'etc/shadow 0:42 640',
  'link 0:0 777',
  'made 0:0 755',
  'made/fifo 0:0 644',
  'made/hard 55:66 644',
  'made/link 0:0 777',
  'suid 0:0 4755',
  'suid2 0:0 6755',
  `tmp 0:0 ${tmp}`,
  'www2 33:33 755',
  'www2/page 33:33 644',
];

const lines = (text: string): string[] => text.trimEnd().split('\n');

describeWith(
  ['fuse', 'root', ...['fusermount3', 'setpriv', 'umoci'].map((program) => ({ program }))],
  'an ordinary user with --fake-root',
  () => {
    it("edits and creates all that the image's root could, and the commit has the owners", () =>
      withWorkplace(async (place) => {
        writeFileSync(place.path('i.tar'), image());
        const { status, stdout, stderr } = await asNobody(
          place,
          `${mount}; ${list}; umask 022; ${edit}; list mnt
           eval "$S commit mnt -o oci:layout:1" >id; eval "$S export mnt" >exported.tar
           eval "$S unmount mnt"; eval "$S mount --fake-root --upper u i.tar mnt"; list mnt >again; eval "$S unmount mnt"`,
        );
        expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
        expect(lines(stdout)).toEqual(edited('777'));
        expect(lines(readFileSync(place.path('again'), 'utf8'))).toEqual(edited('777'));

        const script = `${list}; umoci unpack --image layout:1 bundle >&2 && list bundle/rootfs
          mkdir x && tar -xpf exported.tar -C x --numeric-owner && list x >tarred`;
        const unpacked = await run('sh', ['-ec', script], { cwd: place.directory });
        expect(unpacked.status, unpacked.stderr).toBe(0);
        expect(lines(unpacked.stdout)).toEqual(edited('1777'));
        expect(lines(readFileSync(place.path('tarred'), 'utf8'))).toEqual(edited('1777'));
        expect(readFileSync(join(place.path('bundle/rootfs/etc'), 'hosts'), 'utf8')).toBe('etc/hosts\nx\n');
      }));

    it('is named when an upper that was written with it is mounted without it', () =>
      withWorkplace(async (place) => {
        writeFileSync(place.path('i.tar'), image());
        const { status, stderr } = await asNobody(
          place,
          `${mount}; echo x >>mnt/etc/hosts; eval "$S unmount mnt"
           eval "$S mount --upper u i.tar mnt"; eval "$S unmount mnt"`,
        );
        expect(stderr).toMatch(
          /^stratafs: \S+\/u: keeps owners and modes in xattrs; --fake-root shows them\n$/,
        );
        expect(status).toBe(0);
      }));

    it('reads everything in a read-only mount, too, and writes nothing', () =>
      withWorkplace(async (place) => {
        writeFileSync(place.path('i.tar'), image());
        const { status, stdout } = await asNobody(
          place,
          `set -e; eval "$S mount --fake-root i.tar mnt"; cat mnt/etc/shadow mnt/closed/none
           echo x 2>/dev/null >mnt/etc/hosts || echo refused; eval "$S unmount mnt"`,
        );
        expect({ status, stdout }).toEqual({ status: 0, stdout: 'etc/shadow\nclosed/none\nrefused\n' });
      }));

    it.each(['allow_other', 'squash_to_root', 'xattr_permissions=2', 'uidmapping=0:5:1'])(
      'is refused with -o %s',
      (option) =>
        withWorkplace(async (place) => {
          writeFileSync(place.path('i.tar'), image());
          const { status, stderr } = await asNobody(
            place,
            `eval "$S mount --fake-root -o ${option} i.tar mnt"`,
          );
          expect({ status, stderr }).toMatchObject({ status: 2 });
          expect(stderr).toMatch(/^stratafs: fake-root.*found.*\n$/);
        }),
    );
  },
);

describeWith(['fuse', 'root'], 'root with --fake-root', () => {
  it('gets the mount that it gets without, and a notice', () =>
    withWorkplace(async (place) => {
      writeFileSync(place.path('i.tar'), image());
      const { status, stderr } = await place.stratafs(['mount', '--fake-root', '--tmp', 'i.tar', 'mnt']);
      expect({ status, stderr }).toEqual({
        status: 0,
        stderr: expect.stringContaining('fake-root has no effect: root may do all of that already') as string,
      });
      const { stdout } = await run('stat', ['-c', '%a %u', place.path('mnt/tmp')]);
      expect(stdout).toBe('1777 0\n');
      await place.unmount();
    }));
});
