// The first mount of an image, which reads all of it, and the second, which reads an index.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Bench } from './bench.ts';
import {
  type Bound,
  type Contender,
  type Row,
  type RowHead,
  interleave,
  ratioAtMost,
  rowsOf,
} from './measure.ts';
import { stratafs } from './mounts.ts';

const twiceAndAFifth: Bound = {
  kind: 'both',
  text: '2x + 0.2 s',
  holds: (ours, theirs) => ours <= 2 * theirs + 0.2,
};

const secondsSince = (begin: bigint): number => Number(process.hrtime.bigint() - begin) / 1e9;

/** The time until `stratafs mount` is back, with an empty cache directory each time. */
function firstMount(bench: Bench, name: string, source: string): Contender {
  const sample = async (): Promise<number> => {
    const mount = stratafs(bench, bench.freshDirectory('cache-first'), [source]);
    const begin = process.hrtime.bigint();
    const mounted = await mount('first');
    const seconds = secondsSince(begin);
    await mounted[Symbol.asyncDispose]();
    return seconds;
  };
  return { name, sample };
}

function script(bench: Bench, name: string, line: string): Contender {
  return { name, sample: () => bench.processes.secondsOf(line) };
}

/** Each of `contenders`, from a disk of which nothing is in memory. */
function cold(bench: Bench, contenders: readonly Contender[]): Contender[] {
  return contenders.map(({ name, sample }) => ({
    name,
    sample: async () => {
      await bench.dropCaches();
      return sample();
    },
  }));
}

async function firstMounts(bench: Bench): Promise<Row[]> {
  const archive = bench.image('big.tar');
  const plain = firstMount(bench, 'plain', `docker-archive:${archive}`);
  const sum = script(
    bench,
    'tar tf; sha256sum',
    `tar tf ${archive} >/dev/null; sha256sum ${archive} >/dev/null`,
  );
  const gzip = firstMount(bench, 'gzip', `oci:${bench.image('big-gzip')}`);
  const gzipSum = script(
    bench,
    'gzip -dc | sha256sum',
    bench
      .layerBlobs('big-gzip')
      .map((blob) => `gzip -dc ${blob} | sha256sum >/dev/null`)
      .join('; '),
  );
  const zstd = firstMount(bench, 'zstd', `oci:${bench.image('big-zstd')}`);
  const zstdSum = script(
    bench,
    'zstd -dc | sha256sum',
    bench
      .layerBlobs('big-zstd')
      .map((blob) => `zstd -qdc ${blob} | sha256sum >/dev/null`)
      .join('; '),
  );

  await bench.processes.secondsOf(`cat ${archive} ${bench.image('big-gzip/blobs/sha256/*')} >/dev/null`);
  const all = [plain, sum, gzip, gzipSum, zstd, zstdSum];
  const warm = await interleave(bench.rounds, all);
  const read = await interleave(bench.rounds, cold(bench, [plain, sum, gzip, gzipSum]));
  const plainBar = { [sum.name]: ratioAtMost(1.5) };
  const gzipBar = { [gzipSum.name]: ratioAtMost(1.3) };
  const head = (what: string): RowHead => ({ measurement: 'mount', what: `first mount, ${what}`, unit: 's' });
  return [
    ...rowsOf(warm, head('plain, in memory'), 'plain', plainBar),
    ...rowsOf(read, head('plain, from disk'), 'plain', plainBar),
    ...rowsOf(warm, head('gzip, in memory'), 'gzip', gzipBar),
    ...rowsOf(read, head('gzip, from disk'), 'gzip', gzipBar),
    ...rowsOf(warm, head('zstd, in memory'), 'zstd', { [zstdSum.name]: undefined }),
  ];
}

/** For comparison, what people do without us, once: it takes minutes. */
export async function measureUnpacking(bench: Bench): Promise<Row[]> {
  const archive = bench.image('big.tar');
  const storage = bench.freshDirectory('podman');
  const podman = `podman --root ${storage}/root --runroot ${storage}/run --storage-driver overlay`;
  const unpacked = join(bench.work, 'umoci');
  const contenders: Contender[] = [
    firstMount(bench, 'plain', `docker-archive:${archive}`),
    script(bench, 'podman load', `${podman} load --quiet --input ${archive} >/dev/null`),
    firstMount(bench, 'gzip', `oci:${bench.image('big-gzip')}`),
    script(
      bench,
      'umoci unpack',
      `umoci raw unpack --image ${bench.image('big-gzip')}:latest ${unpacked} >/dev/null`,
    ),
  ];
  try {
    const samples = await interleave(1, contenders);
    return [
      ...rowsOf(samples, { measurement: 'mount', what: 'first mount, plain', unit: 's' }, 'plain', {
        'podman load': undefined,
      }),
      ...rowsOf(samples, { measurement: 'mount', what: 'first mount, gzip', unit: 's' }, 'gzip', {
        'umoci unpack': undefined,
      }),
    ];
  } finally {
    // podman binds its storage to itself.
    await bench.processes.runAlways([
      'bash',
      '-c',
      `! mountpoint -q ${storage}/root/overlay || umount ${storage}/root/overlay`,
    ]);
    rmSync(unpacked, { recursive: true, force: true });
  }
}

async function secondMount(bench: Bench): Promise<Row[]> {
  const cache = bench.freshDirectory('cache-second');
  const mount = stratafs(bench, cache, [`docker-archive:${bench.image('big.tar')}`]);
  await (await mount('second'))[Symbol.asyncDispose]();
  const mountAndList: Contender = {
    name: 'mount',
    sample: async () => {
      const begin = process.hrtime.bigint();
      await using mounted = await mount('second');
      await bench.processes.run(['ls', mounted.directory]);
      return secondsSince(begin);
    },
  };
  const samples = await interleave(2 * bench.rounds + 1, [
    mountAndList,
    script(bench, 'node -e 0', `${process.execPath} -e 0`),
  ]);
  const head: RowHead = { measurement: 'mount', what: 'second mount and ls', unit: 's' };
  return rowsOf(samples, head, 'mount', { 'node -e 0': twiceAndAFifth });
}

export async function measureMount(bench: Bench): Promise<Row[]> {
  return [...(await firstMounts(bench)), ...(await secondMount(bench))];
}
