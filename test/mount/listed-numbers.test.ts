// A kernel mount of an upper that stratafs has written: getdents(2) returns the same inode numbers (d_ino) as stat(2) (st_ino).
import { expect, it } from 'vitest';
import { describeWith } from '../requirements.ts';
import { COMMAND, type Outcome, run, withWorkplace } from './stratafs.ts';

const SETTING = `set -eu
  S() { "$NODE" "$COMMAND" "$@"; }
  M() { S mount -o lowerdir=layer,upperdir=U,workdir=W mnt; }
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

describeWith(['root', 'fuse', { program: 'python3' }, { program: 'getfattr' }], 'the kernel', () => {
  it('lists copies and renamed files with the inode numbers of stat(2)', async () => {
    const { status, stdout, stderr } = await script(`
      mkdir -p layer/d/e layer/o; for f in d/f d/g d/e/x o/h; do echo $f >layer/$f; done
      M; echo more >>mnt/d/f; chmod 600 mnt/d/e/x; mv mnt/o mnt/d/moved; mv mnt/d/g mnt/d/e/g; mkdir mnt/n mnt/new; echo new >mnt/new/f; mv mnt/d/moved/h mnt/n
      S unmount mnt
      mount -t overlay none nest -o lowerdir=layer,upperdir=U,workdir=W,redirect_dir=on,metacopy=on
      python3 -c 'import os
for base, dirs, files in os.walk("nest"):
    for entry in os.scandir(base):
        if entry.inode() != os.lstat(entry.path).st_ino: print(entry.path)'
      getfattr -n trusted.overlay.impure --only-values U U/d U/d/e U/n; ! getfattr -n trusted.overlay.impure U/new 2>&1
      umount nest`);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toBe('yyyyU/new: trusted.overlay.impure: No such attribute\n');
  });
});
