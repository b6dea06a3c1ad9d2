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

describeWith(
  ['root', 'fuse', { program: 'python3' }, { filesystem: 'overlay' }],
  'files with inode flags, as kernel overlayfs has them',
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
  },
);
