// Every file of the image read once, in the order of find(1), plain and compressed.
import type { Bench } from './bench.ts';
import { contenders, indexed } from './contenders.ts';
import { listPaths, load } from './load.ts';
import { type Contender, type Row, interleave, ratioAtMost, rowsOf } from './measure.ts';
import { type Mount, withAll } from './mounts.ts';

const files = ['-type', 'f'];

/** A fresh mount, from a disk of which nothing is in memory. The list is made by an earlier mount. */
async function coldRead(bench: Bench, name: string, mount: Mount): Promise<Contender> {
  const paths = await listFiles(bench, mount);
  return {
    name,
    sample: async () => {
      await using mounted = await mount('cold');
      await bench.dropCaches();
      return await load(bench, 'read', mounted.directory, paths);
    },
  };
}

async function listFiles(bench: Bench, mount: Mount): Promise<Buffer> {
  await using mounted = await mount('list');
  return await listPaths(bench, mounted.directory, ...files);
}

async function plainRows(bench: Bench): Promise<Row[]> {
  const mounts = await contenders(bench);
  const readers = [];
  for (const [name, mount] of mounts) readers.push(await coldRead(bench, name, mount));
  const cold = await interleave(bench.rounds, readers);
  const warm = await withAll(mounts, async (directories) => {
    const warmReaders: Contender[] = [];
    for (const [name, directory] of directories) {
      const paths = await listPaths(bench, directory, ...files);
      warmReaders.push({ name, sample: () => load(bench, 'read', directory, paths) });
    }
    await interleave(1, warmReaders);
    return interleave(bench.rounds, warmReaders);
  });
  const rivals = { 'fuse-overlayfs': undefined, ext4: undefined };
  return [
    ...rowsOf(cold, { measurement: 'read', what: 'read all, plain, cold', unit: 's' }, 'stratafs', {
      overlayfs: ratioAtMost(1.5),
      ...rivals,
    }),
    ...rowsOf(warm, { measurement: 'read', what: 'read all, plain, warm', unit: 's' }, 'stratafs', {
      overlayfs: ratioAtMost(1.1),
      ...rivals,
    }),
  ];
}

async function compressedRows(bench: Bench): Promise<Row[]> {
  const decompress = (program: string, layout: string): Contender => ({
    name: program,
    sample: async () => {
      await bench.dropCaches();
      return bench.processes.secondsOf(
        bench
          .layerBlobs(layout)
          .map((blob) => `${program} ${blob} >/dev/null`)
          .join('; '),
      );
    },
  });
  const samples = await interleave(bench.rounds, [
    await coldRead(bench, 'gzip', await indexed(bench, 'gzip', [`oci:${bench.image('big-gzip')}`])),
    decompress('gzip -dc', 'big-gzip'),
    await coldRead(bench, 'zstd', await indexed(bench, 'zstd', [`oci:${bench.image('big-zstd')}`])),
    decompress('zstd -qdc', 'big-zstd'),
  ]);
  return [
    ...rowsOf(samples, { measurement: 'read', what: 'read all, gzip, cold', unit: 's' }, 'gzip', {
      'gzip -dc': ratioAtMost(1.3),
    }),
    ...rowsOf(samples, { measurement: 'read', what: 'read all, zstd, cold', unit: 's' }, 'zstd', {
      'zstd -qdc': undefined,
    }),
  ];
}

export async function measureRead(bench: Bench): Promise<Row[]> {
  return [...(await plainRows(bench)), ...(await compressedRows(bench))];
}
