// A disk that is lost under a volatile upper, while the machine runs on: what was written is gone, and the next mount says so.
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { describeWith } from '../requirements.ts';
import { OWN_NAMESPACE } from './own-namespace.ts';
import { COMMAND, type Outcome, withWorkplace, run } from './stratafs.ts';

const script = fileURLToPath(new URL('lost-disk.sh', import.meta.url));

async function lose(mounter: string): Promise<Outcome> {
  const outcomes: Outcome[] = [];
  await withWorkplace(async (place) => {
    outcomes.push(
      await run('unshare', [...OWN_NAMESPACE, 'bash', script, mounter], {
        cwd: place.directory,
        env: { ...place.environment, S: `'${process.execPath}' '${COMMAND}'` },
      }),
    );
  });
  return outcomes[0] as Outcome;
}

describeWith(['fuse', 'root', { program: 'mkfs.ext4' }], 'a volatile upper on a disk that was lost', () => {
  it('is refused by the next mount, as by the kernel', async () => {
    expect(await lose('kernel')).toMatchObject({ stdout: 'refused\n', status: 0 });
    const { stdout, stderr } = await lose('ours');
    expect(stdout).toBe('refused\n');
    expect(stderr).toMatch(
      /disk\/w\/work\/incompat\/volatile: .* start with new directories, or .*--force-upper/,
    );
  });
});
