// What writes, beside kernel overlayfs and fuse-overlayfs with the same lower layer and a fresh upper each
// time, all on one disk. What is dirty is written out before each sample, so that no one pays for the one before.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Bench } from './bench.ts';
import { type Contender, type Row, interleave, ratioAtMost, rowsOf } from './measure.ts';
import { type Mount, type Mounted, fuseOverlayfs, overlayfs, stratafs } from './mounts.ts';

const DBENCH_LOAD = '/usr/share/dbench/client.txt';
const KIB = 1024;
const MIB = 1024 * KIB;

/** One workload: `act` is timed in the mount, after `prepare`. */
interface Workload {
  readonly what: string;
  readonly prepare?: string;
  readonly act: string;
  /** What a sample is of what `act` printed; by default the seconds that it took. */
  readonly read?: (stdout: string) => number;
  /** Of the ratio to kernel overlayfs. */
  readonly most?: number;
}

/** dbench tells MB a second. */
function secondsAMegabyte(stdout: string): number {
  const throughput = /^Throughput ([\d.]+) MB\/sec/m.exec(stdout)?.[1];
  if (throughput === undefined) throw new Error(`dbench: no throughput in ${stdout.slice(-200)}`);
  return 1 / Number(throughput);
}

/** A layer with a file of 300 MB and 20,000 small ones, as a directory and as a tar; and a tar of 5,000 small files. */
async function makeSources(bench: Bench): Promise<{ directory: string; tar: string; small: string }> {
  const root = bench.freshDirectory('write-sources');
  const directory = join(root, 'lower');
  mkdirSync(directory);
  const make = (count: number, size: number): string =>
    `mkdir $d; cd $d; for ((i = 0; i < ${count}; i++)); do head -c ${size} /dev/zero > f$i; done; cd ..`;
  await bench.processes.secondsOf(
    `cd ${directory}; head -c ${300 * MIB} /dev/urandom > big; mkdir many; cd many; d=d0; ${make(100, 200)}
     for ((n = 1; n < 200; n++)); do cp -r d0 d$n; done`,
  );
  await bench.processes.secondsOf(
    `cd ${root}; mkdir small; cd small; d=d0; ${make(100, 2 * KIB)}
     for ((n = 1; n < 50; n++)); do cp -r d0 d$n; done; tar cf ../small.tar -C .. small`,
  );
  const tar = join(root, 'lower.tar');
  await bench.processes.run(['tar', '-cf', tar, '-C', directory, '.']);
  return { directory, tar, small: join(root, 'small.tar') };
}

/** The rivals and ours, each over the same layer with the upper and work directory that it is given. */
function writers(
  bench: Bench,
  sources: { readonly directory: string; readonly tar: string },
): ReadonlyMap<string, (upper: string, work: string) => Mount> {
  const cache = bench.freshDirectory('cache-write');
  const layer = [sources.directory];
  return new Map<string, (upper: string, work: string) => Mount>([
    [
      'stratafs',
      (upper, work) =>
        stratafs(bench, cache, ['-o', `lowerdir=${sources.tar},upperdir=${upper},workdir=${work}`]),
    ],
    ['overlayfs', (upper, work) => overlayfs(bench, layer, '/', { upper, work })],
    ['fuse-overlayfs', (upper, work) => fuseOverlayfs(bench, layer, '/', { upper, work })],
  ]);
}

async function measure(
  bench: Bench,
  mounts: ReadonlyMap<string, (upper: string, work: string) => Mount>,
  { what, prepare, act, read, most }: Workload,
): Promise<Row[]> {
  const contenders: Contender[] = [...mounts].map(([name, mount]) => ({
    name,
    sample: async () => {
      await using mounted = await fresh(bench, mount);
      const options = { cwd: mounted.directory };
      if (prepare !== undefined) await bench.processes.secondsOf(prepare, options);
      await bench.processes.run(['sync']);
      const { stdout, seconds } = await bench.processes.run(['bash', '-ec', act], options);
      return read === undefined ? seconds : read(stdout.toString());
    },
  }));
  const samples = await interleave(bench.rounds, contenders);
  return rowsOf(samples, { measurement: 'write', what, unit: 's' }, 'stratafs', {
    overlayfs: most === undefined ? undefined : ratioAtMost(most),
    'fuse-overlayfs': undefined,
  });
}

function fresh(bench: Bench, mount: (upper: string, work: string) => Mount): Promise<Mounted> {
  return mount(bench.freshDirectory('upper'), bench.freshDirectory('upper.work'))('written');
}

export async function measureWrite(bench: Bench): Promise<Row[]> {
  const sources = await makeSources(bench);
  const mounts = writers(bench, sources);
  const warm = 'cat big >/dev/null';
  const make = (block: string, count: number): string =>
    `dd if=/dev/zero of=new bs=${block} count=${count} status=none`;
  const workloads: Workload[] = [
    { what: 'tar x of 5,000 small files', act: `tar xf ${sources.small}`, most: 2.5 },
    { what: 'append 1 byte to 300 MB', prepare: warm, act: 'printf x >>big', most: 1.3 },
    { what: 'chmod of 300 MB', prepare: warm, act: 'chmod 600 big', most: 0.05 },
    { what: 'rm -rf of 20,000 lower files', act: 'rm -rf many', most: 3 },
    { what: 'write 200 MB, 4K', act: make('4K', 51_200), most: 1 / 0.9 },
    { what: 'write 1 GB, 1M', act: make('1M', 1000), most: 1 / 0.9 },
    {
      what: 'read 1 GB, 4K',
      prepare: make('1M', 1000),
      act: 'dd if=new of=/dev/null bs=4K status=none',
      most: 1 / 0.9,
    },
    {
      what: 'read 1 GB, 1M',
      prepare: make('1M', 1000),
      act: 'dd if=new of=/dev/null bs=1M status=none',
      most: 1 / 0.9,
    },
    {
      what: 'dbench, 2 clients: a megabyte',
      act: `dbench -t 5 -D . -c ${DBENCH_LOAD} 2`,
      read: secondsAMegabyte,
      most: 4,
    },
    { what: 'git clone of a repository', act: `git clone -q --no-hardlinks ${process.cwd()} repository` },
  ];
  const rows: Row[] = [];
  for (const workload of workloads) rows.push(...(await measure(bench, mounts, workload)));
  return rows;
}
