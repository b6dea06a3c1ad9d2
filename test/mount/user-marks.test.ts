// A user without rights can set user.overlay.* on files of his own. In root's mount that shows him nothing that he may not
// see: what kernel overlayfs shows there is what we show.
import { mkdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { describeWith } from '../requirements.ts';
import { asNobody } from './other-users.ts';
import { OWN_NAMESPACE } from './own-namespace.ts';
import { COMMAND, type Workplace, run, withWorkplace } from './stratafs.ts';

const script = fileURLToPath(new URL('user-marks.sh', import.meta.url));
const overlayMain = fileURLToPath(new URL('../../dist/cli/overlay-main.cjs', import.meta.url));
const tools = ['setfattr', 'getfattr', 'setpriv', 'unshare'].map((program) => ({ program }));

/** Runs bash as root in `directory`, with $S for stratafs and $O for stratafs-overlay; what it prints, errors too. */
async function bash(place: Workplace, directory: string, ...args: string[]): Promise<string> {
  const { stdout, stderr } = await run('unshare', [...OWN_NAMESPACE, 'bash', ...args], {
    cwd: directory,
    env: {
      ...place.environment,
      S: `'${process.execPath}' '${COMMAND}'`,
      O: `'${process.execPath}' '${overlayMain}'`,
      LC_ALL: 'C',
    },
  });
  expect(stderr).toBe('');
  return stdout;
}

async function show(place: Workplace, mounter: string): Promise<string> {
  const directory = place.path(mounter === 'kernel' ? 'theirs' : 'ours');
  mkdirSync(directory);
  return bash(place, directory, script, mounter);
}

async function inWorkplace(text: string): Promise<string[]> {
  let lines: string[] = [];
  await withWorkplace(async (place) => {
    const stdout = await bash(place, place.directory, '-c', `exec 2>&1; set -u; ${text}`);
    lines = stdout.trimEnd().split('\n');
  });
  return lines;
}

/** The workplace's cache directory is the other user's. */
const isNoCacheWarning = (line: string): boolean => !line.includes('warning: the cache directory');

describeWith(['fuse', 'root', ...tools], 'marks in user.overlay.* of a user without rights', () => {
  it.each(['stratafs', 'stratafs-overlay'])(
    "show in root's mount by %s what they show in the kernel's",
    (mounter) =>
      withWorkplace(async (place) => {
        const theirs = await show(place, 'kernel');
        expect(theirs).toContain("stat: cannot statx 'metacopy': Operation not permitted");
        expect(theirs).not.toMatch(/SECRET/);
        expect(await show(place, mounter)).toBe(theirs);
      }),
  );

  /** An image with the files `victim` and `home/a`, the latter hard-linked to `other`; `u` was written to with userxattr. */
  const image = `
    mkdir -p src/home u && echo victim >src/victim && echo linked >src/home/a && ln src/home/a src/other
    chown -R 65534 src/home && tar -cf i.tar -C src . && eval "$S mount -o userxattr,upper=u i.tar mnt"
    chmod 600 mnt/victim mnt/home/a && eval "$S unmount mnt"
    origin() { getfattr --only-values -n user.overlay.origin "$1"; }
    forge() { setfattr -n user.overlay.origin -v "0x$(getfattr -e hex -n user.overlay.origin "$1" | sed -n 's/.*=0x//p')" "$2"; }`;

  it('put no file in the place of another by an origin', async () => {
    expect(
      await inWorkplace(`${image}
        echo evil >u/home/mine && chown 65534 u/home/mine && forge u/victim u/home/mine && rm u/victim
        eval "$S mount -o userxattr,upper=u i.tar mnt" && cat mnt/home/mine mnt/victim && eval "$S unmount mnt"`),
    ).toEqual(['evil', 'victim']);
  });

  it('put no file in the place of another name of its lower inode', async () => {
    expect(
      await inWorkplace(`${image}
        rm u/other u/home/a && echo evil >u/home/a && chown 65534 u/home/a && forge u/victim u/home/a
        eval "$S mount -o userxattr,upper=u i.tar mnt" && cat mnt/home/a mnt/other && eval "$S unmount mnt"`),
    ).toEqual(['evil', 'linked']);
  });

  it('put no file of the work directory in the place of a lower one', async () => {
    expect(
      await inWorkplace(`${image}
        echo evil >'u.work/work/#1.1' && ln 'u.work/work/#1.1' 'u.work/work/#1.2' && forge u/victim 'u.work/work/#1.1' && rm u/victim
        eval "$S mount -o userxattr,upper=u i.tar mnt" && cat mnt/victim && eval "$S unmount mnt"; ls u.work/work u`),
    ).toEqual(['victim', 'u:', 'home', 'other', '', 'u.work/work:']);
  });

  it('put no file of the work directory in the place of a lower one that has several names', async () => {
    // The directory's number is the one that the user's own mount of the same layers has.
    expect(
      await inWorkplace(`
        mkdir -p src u w && echo SECRET >src/shadow && chmod 600 src/shadow && ln src/shadow src/backup && echo other >src/other
        tar -cf i.tar -C src . && eval "$S mount -o userxattr,upperdir=u,workdir=w i.tar mnt" && chmod 600 mnt/other
        inode=$(($(stat -c %i mnt/shadow) - 1)) && eval "$S unmount mnt"
        identity=$(getfattr -e hex -n user.overlay.origin u/other | sed -n 's/.*=0x//p' | cut -c 11-42)
        entry=w/stratafs-links/$identity-$inode
        mkdir -p w/stratafs-links && truncate -s 7 $entry && setfattr -n user.overlay.metacopy $entry && chown -R 65534 u w
        eval "$S mount -o upperdir=u,workdir=w i.tar mnt" 2>/dev/null
        stat -c '%n %U %a' mnt/shadow mnt/backup; setpriv --reuid 65534 --clear-groups cat mnt/shadow
        eval "$S unmount mnt"; ls u w/stratafs-links | sed "s/$identity-$inode/entry/"`),
    ).toEqual([
      ...['mnt/shadow root 600', 'mnt/backup root 600', 'cat: mnt/shadow: Permission denied'],
      ...['u:', 'other', '', 'w/stratafs-links:', 'entry'],
    ]);
  });

  it('end every command of root that would need to follow one', async () => {
    const lines = await inWorkplace(`
      mkdir -p src/etc u && echo SECRET >src/etc/shadow && tar -cf i.tar -C src .
      truncate -s 7 u/mine && setfattr -n user.overlay.metacopy u/mine && setfattr -n user.overlay.redirect -v /etc/shadow u/mine
      chown 65534 u/mine && eval "$S mount -o userxattr,upper=u i.tar mnt"
      for command in 'diff mnt' 'export mnt -o out.tar' 'commit mnt -o oci-archive:new.tar'; do
        eval "$S $command"; echo "\${command%% *} $?"
      done
      eval "$S unmount mnt"; grep -l SECRET out.tar new.tar 2>/dev/null; ls`);
    const errors = lines.filter((line) =>
      line.startsWith('stratafs: /mine: shows a lower file by a mark in user.'),
    );
    expect(errors).toHaveLength(3);
    for (const command of ['diff', 'export', 'commit']) expect(lines).toContain(`${command} 1`);
    expect(lines.slice(-5)).toEqual(['i.tar', 'mnt', 'src', 'u', 'u.work']);
  });

  it("are followed in the user's own mount only where the file is the user's", () =>
    withWorkplace(async (place) => {
      const prepare = `mkdir -p low/etc low/private mid && echo below >low/etc/file && echo in >low/private/in
        for who in own other; do
          truncate -s 6 mid/$who && setfattr -n user.overlay.metacopy mid/$who
          setfattr -n user.overlay.redirect -v /etc/file mid/$who
          mkdir mid/$who.d && setfattr -n user.overlay.redirect -v /private mid/$who.d
        done; chown 65534 mid/own mid/own.d; chown 4242 mid/other mid/other.d`;
      const { stdout } = await asNobody(
        place,
        `exec 2>&1; export LC_ALL=C; eval "$S mount -o lowerdir=mid:low mnt" && cat mnt/own mnt/own.d/in mnt/other; ls mnt/other.d; ls mnt
        eval "$S unmount mnt"`,
        prepare,
      );
      expect(stdout.trimEnd().split('\n')).toEqual([
        'below',
        'in',
        'cat: mnt/other: Operation not permitted',
        "ls: cannot access 'mnt/other.d': Operation not permitted",
        ...['etc', 'other', 'other.d', 'own', 'own.d', 'private'],
      ]);
    }));

  it("are EPERM in root's mount of a user's upper, and followed once they are converted as docs/formats.md says", () =>
    withWorkplace(async (place) => {
      const { stderr, status } = await asNobody(
        place,
        `mkdir -p src/moved src/gone u && echo in >src/moved/in && echo file >src/file && tar -cf i.tar -C src . &&
        eval "$S mount --upper u i.tar mnt" && mv mnt/moved mnt/new && chmod 600 mnt/file && rm -r mnt/gone && eval "$S unmount mnt"`,
      );
      expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
      const formats = readFileSync(new URL('../../docs/formats.md', import.meta.url), 'utf8');
      const convert = /```sh\n(cd U\ngetfattr[^]*?)```/
        .exec(formats)?.[1]
        ?.replace('cd U', 'cd u')
        .replaceAll('/tmp/marks', '../marks');
      const look =
        'eval "$S mount -o upperdir=u,workdir=w i.tar mnt" && ls mnt; cat mnt/new/in mnt/file; eval "$S unmount mnt"';
      const text = `exec 2>&1; mkdir w; ${look}; (${convert ?? 'exit 1'}); ${look}; getfattr -Rd -m user. u`;
      expect(
        (await bash(place, place.directory, '-c', text)).trimEnd().split('\n').filter(isNoCacheWarning),
      ).toEqual([
        expect.stringMatching(
          /^stratafs: warning: .*\/u: has its marks in user\.overlay\.\*: root gets EPERM/,
        ),
        ...['file', 'new'],
        'cat: mnt/new/in: Operation not permitted',
        'cat: mnt/file: Operation not permitted',
        ...['file', 'new', 'in', 'file', '# file: u', 'user.overlay.stratafs.trusted="y"'],
      ]);
    }));

  it('of root are refused by an ordinary user, as upper and as layer', () =>
    withWorkplace(async (place) => {
      const asRoot = `umask 0; mkdir -p src/gone src/moved u w && echo in >src/moved/in && echo 1 >src/gone/1 && tar -cf i.tar -C src .
        eval "$S mount -o upperdir=u,workdir=w i.tar mnt" && rm -r mnt/gone && mkdir mnt/gone && mv mnt/moved mnt/new
        getfattr -d -m - mnt; eval "$S unmount mnt"; chown -R 65534 u w; mkdir w2 && chown 65534 w2`;
      const { stdout } = await asNobody(
        place,
        'eval "$S mount -o upperdir=u,workdir=w2 i.tar mnt"; eval "$S mount -o lowerdir=u:src mnt"; eval "$S mount -o ro,upperdir=u i.tar mnt"',
        asRoot,
      ).then(({ stdout: out, stderr }) => ({ stdout: out + stderr }));
      expect(
        stdout.match(
          /\/u: (?:was written to by root|is an upper directory), with its marks|its marks in trusted\.overlay/g,
        ),
      ).toHaveLength(3);
      expect(stdout).not.toContain('user.overlay.stratafs');
    }));

  it('of root in kernel overlayfs are refused by an ordinary user where they left a file of root', () =>
    withWorkplace(async (place) => {
      const asRoot = `mkdir -p src/d u w point w2 && echo 1 >src/d/1 && chown -R 65534 src u w2 && tar -cf i.tar -C src . &&
        mount -t overlay overlay -o lowerdir=src,upperdir=u,workdir=w,redirect_dir=on point && mv point/d point/e && umount point`;
      const { stderr } = await asNobody(
        place,
        'eval "$S mount -o upperdir=u,workdir=w2 i.tar mnt"; eval "$S mount -o upperdir=u,workdir=w2,force-upper i.tar mnt" && eval "$S unmount mnt"',
        asRoot,
      );
      expect(stderr).toMatch(
        /^(?:stratafs: warning: [^\n]*\n)*stratafs: [^\n]*\/u: d belongs to another user, so root may have written to it[^\n]*\n$/,
      );
    }));

  it("lend no mode to the image's bytes by another file that is put under a metacopy's name", async () => {
    const b2 = 'setpriv --reuid 4242 --regid 4242 --clear-groups';
    const swap = `mkdir -p src/home mnt; echo SECRET >src/home/secret; chmod 600 src/home/secret; chown 4242:4242 src/home
      tar -cf i.tar -C src .; chmod 711 .; chmod 755 src; mkdir -m 755 up wk`;
    const look = `chmod 400 mnt/home/secret; stat mnt/home/secret >/dev/null
      ${b2} sh -c 'mv up/home/secret up/home/x; truncate -s 7 up/home/secret; stat --cached=never -c %a mnt/home/secret; cat mnt/home/secret'`;
    const ours = await inWorkplace(
      `${swap}; eval "$S mount -o upperdir=up,workdir=wk i.tar mnt"; ${look}; echo x >>mnt/home/secret; cat up/home/secret; eval "$S unmount mnt"`,
    );
    expect(ours.join('\n')).not.toContain('SECRET');
    const theirs = await inWorkplace(
      `${swap}; mount -t overlay o -o lowerdir=src,upperdir=up,workdir=wk,metacopy=on mnt; ${look}; umount mnt`,
    );
    expect(theirs.join('\n')).not.toContain('SECRET');
  });

  it("make no set-user-ID file of root's out of a user's, nor of one that others may write to (override_stat)", async () => {
    const lines = await inWorkplace(`mkdir -p user/d root upper w empty
        for d in user root upper; do
          for name in user.containers user.fuseoverlayfs; do
            echo x >$d/$name && setfattr -n $name.override_stat -v 0:0:4755 $d/$name && chmod 755 $d/$name
            setfattr -n $name.override_stat -v 5:6:755 $d
          done
        done
        chown -R 65534:65534 user && chown 65534:65534 upper/user.containers && chmod 666 upper/user.fuseoverlayfs
        for layers in lowerdir=user lowerdir=root lowerdir=empty,upperdir=upper,workdir=w; do
          eval "$O -o $layers mnt" && stat -c '%n %u:%g %a' mnt mnt/* && umount mnt
        done`);
    expect(lines).toEqual([
      ...['mnt 65534:65534 755', 'mnt/d 65534:65534 755'],
      ...['mnt/user.containers 65534:65534 755', 'mnt/user.fuseoverlayfs 65534:65534 755'],
      ...['mnt 5:6 755', 'mnt/user.containers 0:0 4755', 'mnt/user.fuseoverlayfs 0:0 4755'],
      ...['mnt 5:6 755', 'mnt/user.containers 65534:65534 755', 'mnt/user.fuseoverlayfs 0:0 755'],
    ]);
  });

  it("leave a user no way into the directory in which root's mount makes files, as in the kernel's", async () => {
    const prepare =
      'mkdir -p src mnt; tar -cf i.tar -C src .; chmod 711 .; mkdir up wk wk/work; chown -R 4242:4242 up wk';
    const look = `setpriv --reuid 4242 --regid 4242 --clear-groups touch wk/work/x; stat -c %u wk/work`;
    const theirs = await inWorkplace(
      `${prepare}; mount -t overlay o -o lowerdir=src,upperdir=up,workdir=wk mnt; ${look}; umount mnt`,
    );
    expect(theirs).toEqual(["touch: cannot touch 'wk/work/x': Permission denied", '0']);
    const ours = await inWorkplace(
      `${prepare}; eval "$S mount -o upperdir=up,workdir=wk i.tar mnt"; ${look}; eval "$S unmount mnt"`,
    );
    expect(ours).toEqual(theirs);
  });
});
