// `find -ls` of the whole tree, and stat of every file, cold and warm.
import type { Bench } from './bench.ts';
import { contenders } from './contenders.ts';
import { findLs, listPaths, load } from './load.ts';
import { type Row, interleave, ratioAtMost, rowsOf } from './measure.ts';
import { withAll } from './mounts.ts';

/** A fresh mount each time, and nothing of it, or of the disk, in memory. */
async function coldFind(bench: Bench): Promise<Row[]> {
  const mounts = [...(await contenders(bench))].map(([name, mount]) => ({
    name,
    sample: async () => {
      await using mounted = await mount('cold');
      await bench.dropCaches();
      return await findLs(bench, mounted.directory);
    },
  }));
  const samples = await interleave(bench.rounds, mounts);
  return rowsOf(samples, { measurement: 'metadata', what: 'find -ls, cold', unit: 's' }, 'stratafs', {
    'fuse-overlayfs': ratioAtMost(1),
    overlayfs: undefined,
    ext4: undefined,
  });
}

async function warm(bench: Bench): Promise<Row[]> {
  return withAll(await contenders(bench), async (directories) => {
    const paths = await listPaths(bench, bench.image('rootfs'));
    const finds = [...directories].map(([name, directory]) => ({
      name,
      sample: () => findLs(bench, directory),
    }));
    const stats = [...directories].map(([name, directory]) => ({
      name,
      sample: () => load(bench, 'stat', directory, paths),
    }));
    await interleave(1, [...finds, ...stats]);
    const rivals = { ext4: ratioAtMost(1.2), overlayfs: undefined, 'fuse-overlayfs': undefined };
    const find = await interleave(2 * bench.rounds + 1, finds);
    const stat = await interleave(2 * bench.rounds + 1, stats);
    return [
      ...rowsOf(find, { measurement: 'metadata', what: 'find -ls, warm', unit: 's' }, 'stratafs', rivals),
      ...rowsOf(
        stat,
        { measurement: 'metadata', what: 'stat of every file, warm', unit: 's' },
        'stratafs',
        rivals,
      ),
    ];
  });
}

export async function measureMetadata(bench: Bench): Promise<Row[]> {
  return [...(await coldFind(bench)), ...(await warm(bench))];
}
