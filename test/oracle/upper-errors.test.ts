// An upper whose file system fails, by quota or by a broken disk: the user gets the error, and the lower file stays.
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { OWN_NAMESPACE } from '../mount/own-namespace.ts';
import { COMMAND, run, withWorkplace } from '../mount/stratafs.ts';
import { describeWith } from '../requirements.ts';

const script = fileURLToPath(new URL('upper-errors.sh', import.meta.url));

/** The user's error, and the result of the same command after the file system works again. */
async function expectReported(failure: 'quota' | 'io', stdout: string): Promise<void> {
  await withWorkplace(async (place) => {
    const env = { ...place.environment, S: `'${process.execPath}' '${COMMAND}'` };
    const outcome = await run('unshare', [...OWN_NAMESPACE, 'bash', script, failure], {
      cwd: place.directory,
      env,
    });
    expect(outcome).toEqual({ status: 0, stderr: '', stdout });
  });
}

const programs = (...names: string[]): { program: string }[] => names.map((program) => ({ program }));

describeWith(
  ['root', 'fuse', { filesystem: 'btrfs' }, ...programs('btrfs', 'mkfs.btrfs', 'python3', 'unshare')],
  'an upper beyond its quota',
  () => {
    it('reports EDQUOT, and shows the lower file', () =>
      expectReported(
        'quota',
        `copy-up: EDQUOT
small copy-up: ok
room: ok
write: EDQUOT
copy-up: EDQUOT
with room: ok
`,
      ));
  },
);

describeWith(
  ['root', 'fuse', { filesystem: 'ext4' }, ...programs('losetup', 'mkfs.ext4', 'python3', 'unshare')],
  'an upper on a disk that fails',
  () => {
    it('reports EIO, and shows the lower file', () =>
      expectReported(
        'io',
        `before: ok
copy-up: EIO
write: EIO
copy-up: EIO
with room: ok
`,
      ));
  },
);
