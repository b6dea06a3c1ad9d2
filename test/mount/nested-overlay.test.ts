// Kernel overlayfs with all its directories on a writable mount, and the operations that it needs: RENAME_WHITEOUT, compared with
// the file system of the test's directory, and visible character devices 0:0.
import { expect, it } from 'vitest';
import { describeWith } from '../requirements.ts';
import { COMMAND, type Outcome, run, withWorkplace } from './stratafs.ts';

const SETTING = `set -eu
  S() { "$NODE" "$COMMAND" "$@"; }
  M() { S mount -o lowerdir=layer,upperdir=U,workdir=W mnt; }
  tree() { (cd "$1" && find . -type f -exec sh -c 'echo "$1: $(cat "$1")"' _ {} \\; ; find . -printf '%y %m %s %p %l\\n') | sort; }
  mkdir layer U W nest
`;

async function script(text: string): Promise<Outcome> {
  const outcomes: Outcome[] = [];
  await withWorkplace(async (place) => {
    const env = { ...place.environment, LC_ALL: 'C', NODE: process.execPath, COMMAND };
    outcomes.push(await run('sh', ['-c', SETTING + text], { cwd: place.directory, env }));
  });
  return outcomes[0] as Outcome;
}

/** renameat2(2) with flags on names of a directory: the errno, then what shows. */
const RENAMES = `
import ctypes, os, stat, sys
libc = ctypes.CDLL(None, use_errno=True)
os.chdir(sys.argv[1])
def rename(old, new, flags):
    failed = libc.renameat2(-100, old.encode(), -100, new.encode(), flags)
    print(old, new, flags, os.strerror(ctypes.get_errno()) if failed else "ok")
for old, new, flags in [("low", "to", 4), ("low", "again", 4), ("dir", "moved", 4), ("up", "to", 5), ("up", "to", 4),
        ("merged/in", "in", 4), ("merged", "other", 4), ("other", "merged", 4), ("moved", "low", 4), ("none", "x", 4),
        ("in", "to", 6), ("moved", "in", 4), ("merged/in", "null", 0), ("hard", "link", 4), ("dir", "moved2", 2)]:
    rename(old, new, flags)
os.setegid(65534); os.seteuid(65534)
rename("own/f", "own/g", 4)
os.seteuid(0); os.setegid(0)
os.mknod("own/null", 0o20640, 0)
for base, dirs, files in sorted(os.walk(".")):
    for name in sorted(dirs + files):
        path = os.path.join(base, name)
        s = os.lstat(path)
        print(path, oct(s.st_mode), s.st_rdev, s.st_uid, s.st_gid, 0 if stat.S_ISDIR(s.st_mode) else s.st_nlink)
`;

describeWith(['root', 'fuse', { program: 'python3' }], 'a writable mount', () => {
  it('handles RENAME_WHITEOUT like the file system below, also after a remount', async () => {
    const { status, stdout, stderr } = await script(`
      mkdir -p layer/dir/sub layer/merged layer/own; for f in low dir/sub/f merged/in hard own/f; do echo $f >layer/$f; done
      ln layer/hard layer/link; chown -R 65534:65534 layer/own; cp -a layer plain
      M; for d in mnt plain; do echo up >$d/up; echo new >$d/merged/new; done
      cat >renames.py <<'END'
${RENAMES}
END
      python3 renames.py plain >plain.txt; python3 renames.py mnt >mnt.txt; diff plain.txt mnt.txt
      tree plain >plain.txt; sed -i 's/^\\(d [0-7]*\\) [0-9]*/\\1/' plain.txt
      for i in 1 2; do
        tree mnt | sed 's/^\\(d [0-7]*\\) [0-9]*/\\1/' | diff plain.txt -; S unmount mnt; M
      done
      # The upper as a layer.
      S unmount mnt; S mount -o lowerdir=U:layer mnt; tree mnt | sed 's/^\\(d [0-7]*\\) [0-9]*/\\1/' | diff plain.txt -
      S unmount mnt; grep -c '^c 0 0 ' plain.txt`);
    expect({ status, stderr, stdout }).toEqual({ status: 0, stderr: '', stdout: '7\n' });
  });

  it('can hold all directories of kernel overlayfs, and shows the same to later mounts', async () => {
    const { status, stdout, stderr } = await script(`
      low=layer/low; mkdir -p $low/d/sub $low/gone layer/up layer/work
      for f in a e d/b d/sub/c gone/f; do echo $f >$low/$f; done; cp -a $low plain
      N() { mount -t overlay none nest -o lowerdir=mnt/low,upperdir=mnt/up,workdir=mnt/work,redirect_dir=on,metacopy=on; }
      M; N
      for d in nest plain; do (
        cd $d; rm a; mv d moved; echo new >new; echo more >>e; rm -r moved/sub gone; mkdir moved/sub; chmod 600 moved/b
        mv moved/b b2; mkdir gone; ln -s e link; ln e hard; echo x >a
      ); done
      same() { tree $1 | sed 's/^\\(d [0-7]*\\) [0-9]*/\\1/' | diff want -; }
      tree plain | sed 's/^\\(d [0-7]*\\) [0-9]*/\\1/' >want
      same nest; umount nest; N; same nest; umount nest
      S unmount mnt; M; N; same nest; umount nest; S unmount mnt
      # The kernel's mount of the upper, and an overlay over that.
      mkdir kernel; mount -t overlay none kernel -o lowerdir=layer,upperdir=U,workdir=W,redirect_dir=on,metacopy=on
      mount -t overlay none nest -o ro,lowerdir=kernel/up:kernel/low,redirect_dir=on,metacopy=on
      same nest; umount nest kernel`);
    expect({ status, stderr, stdout }).toEqual({ status: 0, stderr: '', stdout: '' });
  });
});
