// chattr +i and +a on a mount: each call gets the errno that kernel overlayfs gives.
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { describeWith } from '../requirements.ts';
import { PROGRAM, run, withWorkplace } from './stratafs.ts';

const CALLS = fileURLToPath(new URL('protected.py', import.meta.url));

const SCRIPT = `
mkdir l u w ku kw k
trap 'umount mnt k 2>&-; python3 "$CALLS" clear u; python3 "$CALLS" clear ku' EXIT
python3 "$CALLS" layer l
mount -t overlay none k -o lowerdir=l,upperdir=ku,workdir=kw,redirect_dir=on
"$STRATAFS" mount -o lowerdir=l,upperdir=u,workdir=w mnt
python3 "$CALLS" run "$1" mnt >ours
python3 "$CALLS" run "$1" k >kernels
diff kernels ours >&2
cat ours
`;

/** The flags are set in the lower directory. `ours` is mounted again for the second comparison. */
const LOWER_SCRIPT = `
mkdir e
truncate -s 64M image
mke2fs -q -t ext4 image
mount -o loop image e
trap 'umount -q mnt || :; umount -q k || :; umount e' EXIT
mkdir e/l e/u e/w e/ku e/kw k
python3 "$CALLS" flagged-layer "$1" e/l
mount -t overlay none k -o lowerdir=e/l,upperdir=e/ku,workdir=e/kw,redirect_dir=on
"$STRATAFS" mount -o lowerdir=e/l,upperdir=e/u,workdir=e/w mnt
python3 "$CALLS" run-flagged "$1" mnt >ours
python3 "$CALLS" run-flagged "$1" k >kernels
diff kernels ours >&2
cat ours
# Both read the flags in the upper in the same way.
lsattr -d k/0/d mnt/0/d | cut -c1-20 >before
umount k
"$STRATAFS" unmount mnt
"$STRATAFS" mount -o lowerdir=e/l,upperdir=e/ku,workdir=e/kw mnt
mount -t overlay none k -o lowerdir=e/l,upperdir=e/u,workdir=e/w,redirect_dir=on
lsattr -d k/0/d mnt/0/d | cut -c1-20 | diff before - >&2
! touch mnt/0/d/other 2>/dev/null || [ "$1" = append ]
umount k
"$STRATAFS" unmount mnt
"$STRATAFS" mount -o lowerdir=e/l mnt
lsattr -d mnt/1/d mnt/1/v | cut -c1-20
`;

describeWith(
  ['root', 'fuse', { program: 'python3' }, { filesystem: 'overlay' }],
  'files with inode flags, compared with kernel overlayfs',
  () => {
    it.each([
      ['immutable', ['rmdir d/full -> EPERM', 'open to append v/f -> EPERM']],
      [
        'append',
        [
          'rmdir d/full -> EPERM',
          'unlink d/lf -> EPERM',
          'create d/new -> done',
          'append v/f -> somemore',
          'open to write v/f -> EPERM',
          'truncate v/f -> EPERM',
          'unlink v/f -> EPERM',
        ],
      ],
    ])('%s', async (flag, some) => {
      await withWorkplace(async (place) => {
        const { status, stdout, stderr } = await run('sh', ['-euc', SCRIPT, 'sh', flag], {
          cwd: place.directory,
          env: { ...place.environment, CALLS, STRATAFS: PROGRAM },
        });
        expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
        expect(stdout.split('\n')).toEqual(expect.arrayContaining(some));
      });
    });

    it.each([
      ['immutable', '----i---------------', ['rmdir d/full -> EPERM', 'open to append v/f -> EPERM']],
      ['append', '-----a--------------', ['create d/new -> done', 'append v/f -> somemore']],
    ])('%s files of a lower directory', async (flag, shown, some) => {
      await withWorkplace(async (place) => {
        const { status, stdout, stderr } = await run('sh', ['-euc', LOWER_SCRIPT, 'sh', flag], {
          cwd: place.directory,
          env: { ...place.environment, CALLS, STRATAFS: PROGRAM },
        });
        expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
        const lines = stdout.trimEnd().split('\n');
        expect(lines).toEqual(expect.arrayContaining(some));
        expect(lines.slice(-2)).toEqual([shown, '-'.repeat(20)]);
      });
    });
  },
);

/** erofs says in statx(2) that all its files are immutable, and has no inode flags. */
const EROFS_SCRIPT = `
mkdir -p files/d erofs k u w ku kw
echo some > files/f
echo some > files/d/f
mkfs.erofs --quiet image files
mount -o loop image erofs
trap 'umount -q mnt || :; umount -q k || :; umount erofs' EXIT
mount -t overlay none k -o lowerdir=erofs,upperdir=ku,workdir=kw
"$STRATAFS" mount -o lowerdir=erofs,upperdir=u,workdir=w mnt
for root in k mnt; do
  (cd $root; echo more >> f; rm d/f; touch d/new; chmod 700 d; cat f; ls -l d | cut -c1-10; lsattr -d d | tr -d e) >$root.txt
done
diff k.txt mnt.txt >&2
cat mnt.txt
`;

describeWith(
  ['root', 'fuse', { program: 'mkfs.erofs' }, { filesystem: 'overlay' }, { filesystem: 'erofs' }],
  'files of an erofs lower directory',
  () => {
    it('are not immutable', async () => {
      await withWorkplace(async (place) => {
        const { status, stdout, stderr } = await run('sh', ['-euc', EROFS_SCRIPT], {
          cwd: place.directory,
          env: { ...place.environment, STRATAFS: PROGRAM },
        });
        expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
        expect(stdout).toMatch(/^some\nmore\n/);
      });
    });
  },
);
