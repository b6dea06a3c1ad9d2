// Access times: each way to read moves them as on kernel overlayfs with the same options, whatever the upper's mount has.
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { describeWith } from '../requirements.ts';
import { PROGRAM, run, withWorkplace } from './stratafs.ts';

const READS = fileURLToPath(new URL('atime.py', import.meta.url));

const SCRIPT = `
mkdir t
mount -t tmpfs -o "$2" none t
cd t
mkdir -p l/low l/both u w ku kw k mnt
echo some >l/low/f
mount -t overlay none k -o "lowerdir=l,upperdir=ku,workdir=kw,$1"
python3 "$READS" k >kernels
umount k
"$STRATAFS" mount -o "lowerdir=l,upperdir=u,workdir=w,$1" mnt
python3 "$READS" mnt >ours
"$STRATAFS" unmount mnt
diff kernels ours >&2
cat ours
# Nothing is left that keeps the upper's file system.
cd ..
umount t
`;

describeWith(
  ['root', 'fuse', { program: 'python3' }, { filesystem: 'overlay' }, { kernel: '6.9' }],
  'access times, as kernel overlayfs has them',
  () => {
    it.each([
      ['relatime', 'relatime', 'read moved stayed moved stayed'],
      ['relatime', 'noatime', 'read moved stayed moved stayed'],
      ['noatime', 'relatime', 'read stayed stayed stayed stayed'],
      ['noatime', 'strictatime', 'list stayed stayed stayed stayed'],
      ['nodiratime', 'strictatime', 'list stayed stayed stayed stayed'],
      ['strictatime', 'noatime', 'list moved moved moved moved'],
      ['strictatime,nodiratime', 'nodiratime', 'list stayed stayed stayed stayed'],
      ['lazytime', 'relatime', 'read moved stayed moved stayed'],
    ])('%s, over an upper in a mount with %s', async (options, upperMount, line) => {
      await withWorkplace(async (place) => {
        const { status, stdout, stderr } = await run('sh', ['-euc', SCRIPT, 'sh', options, upperMount], {
          cwd: place.directory,
          env: { ...place.environment, READS, STRATAFS: PROGRAM },
        });
        expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
        expect(stdout.split('\n')).toContain(line);
      });
    });
  },
);
