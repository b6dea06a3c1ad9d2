// 10,000 lookups of names that are not there, under stacks of 1, 10 and 127 layers.
//
// Every layer has all hundred directories that are asked, so that who searches the layers one by one has to.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Bench } from './bench.ts';
import { indexed } from './contenders.ts';
import { load } from './load.ts';
import { type Contender, type Row, interleave, ratioAtMost, rowsOf } from './measure.ts';
import { type Mount, fuseOverlayfs, overlayfs } from './mounts.ts';
import { TarWriter } from './tar-writer.ts';

const directories = 100;
const filesInBase = 100;
const missingInEach = 100;
const heights = [1, 10, 127];

const directoryName = (number: number): string => `module-${String(number).padStart(3, '0')}`;

/** The layer of that number, 1 at the base, as a tar and as a directory. */
async function makeLayer(bench: Bench, stack: string, number: number): Promise<void> {
  const path = join(stack, `${number}.tar`);
  const tar = new TarWriter(path);
  for (let d = 0; d < directories; d++) {
    const parent = directoryName(d);
    await tar.directory(parent);
    if (number > 1) await tar.file(`${parent}/patch-${number}.js`, Buffer.from(`${number}\n`));
    else
      for (let f = 0; f < filesInBase; f++) await tar.file(`${parent}/part-${f}.js`, Buffer.from(`${f}\n`));
  }
  await tar.close();
  const unpacked = join(stack, String(number));
  mkdirSync(unpacked);
  await bench.processes.run(['tar', '-xf', path, '-C', unpacked]);
}

function missingPaths(): Buffer {
  const paths: string[] = [];
  for (let d = 0; d < directories; d++) {
    for (let n = 0; n < missingInEach; n++) paths.push(`${directoryName(d)}/missing-${n}.js\0`);
  }
  return Buffer.from(paths.join(''));
}

export async function measureLookup(bench: Bench): Promise<Row[]> {
  const stack = bench.freshDirectory('stack');
  for (let number = 1; number <= Math.max(...heights); number++) await makeLayer(bench, stack, number);
  const paths = missingPaths();
  const coldLookups = (name: string, mount: Mount): Contender => ({
    name,
    sample: async () => {
      await using mounted = await mount('lookups');
      await bench.dropCaches();
      return await load(bench, 'missing', mounted.directory, paths);
    },
  });

  const contenders: Contender[] = [];
  for (const height of heights) {
    const layers = Array.from({ length: height }, (_, below) => String(height - below));
    const tars = layers.map((name) => `${name}.tar`).join(':');
    const ours = await indexed(bench, `stack-${height}`, ['-o', `lowerdir=${tars}`], stack);
    contenders.push(
      coldLookups(`stratafs ${height}`, ours),
      coldLookups(`overlayfs ${height}`, overlayfs(bench, layers, stack)),
      coldLookups(`fuse-overlayfs ${height}`, fuseOverlayfs(bench, layers, stack)),
    );
  }
  const samples = await interleave(bench.rounds, contenders);
  const what = (height: number): string => `10,000 missing names, ${height} layer${height === 1 ? '' : 's'}`;
  return [
    ...[10, 127].flatMap((height) =>
      rowsOf(samples, { measurement: 'lookup', what: what(height), unit: 's' }, `stratafs ${height}`, {
        'stratafs 1': ratioAtMost(1.2),
      }),
    ),
    ...heights.flatMap((height) =>
      rowsOf(samples, { measurement: 'lookup', what: what(height), unit: 's' }, `stratafs ${height}`, {
        [`overlayfs ${height}`]: undefined,
        [`fuse-overlayfs ${height}`]: undefined,
      }),
    ),
    ...['overlayfs', 'fuse-overlayfs'].flatMap((rival) =>
      rowsOf(samples, { measurement: 'lookup', what: `the same, ${rival} 127`, unit: 's' }, `${rival} 127`, {
        [`${rival} 1`]: undefined,
      }),
    ),
  ];
}
