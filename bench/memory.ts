// The memory of the daemon, after a find over the big image and over a layer of a million entries.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Bench } from './bench.ts';
import { contenders, indexed } from './contenders.ts';
import { findLs } from './load.ts';
import { makeMillion, millionEntries } from './make-million.ts';
import { type Row, valueAtMost } from './measure.ts';
import { type Mount, type Mounted, stratafs } from './mounts.ts';
import { TarWriter } from './tar-writer.ts';

/** Bytes that stay resident of the mount's daemon, and the most that ever did. */
function memoryOf({ directory, pid }: Mounted): { readonly resident: number; readonly peak: number } {
  if (pid === undefined) throw new Error(`${directory}: no daemon found`);
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const field = (name: string): number =>
    1024 * Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]);
  return { resident: field('VmRSS'), peak: field('VmHWM') };
}

const megabytes = (bytes: number): number => bytes / 1e6;

async function residentAfterFind(bench: Bench, mount: Mount): Promise<number> {
  await using mounted = await mount('memory');
  await findLs(bench, mounted.directory);
  return memoryOf(mounted).resident;
}

async function bigImage(bench: Bench): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [name, mount] of await contenders(bench)) {
    if (!name.startsWith('stratafs') && name !== 'fuse-overlayfs') continue;
    const ours: number[] = [];
    for (let round = 0; round < bench.rounds; round++) {
      ours.push(megabytes(await residentAfterFind(bench, mount)));
    }
    const what = `resident after find -ls, ${name}`;
    rows.push({
      measurement: 'memory',
      what,
      unit: 'MB',
      ours,
      ...(name === 'stratafs' ? { bound: valueAtMost(150) } : {}),
    });
  }
  return rows;
}

/** Resident after a find of one file: Node's own, and the code. */
async function baseline(bench: Bench): Promise<number> {
  const path = join(bench.work, 'one.tar');
  const tar = new TarWriter(path);
  await tar.file('file', Buffer.from('one\n'));
  await tar.close();
  return residentAfterFind(bench, await indexed(bench, 'one', ['-o', `lowerdir=${path}`]));
}

async function million(bench: Bench): Promise<Row[]> {
  const nodesOwn = await baseline(bench);
  const perEntry = (bytes: number): number => (bytes - nodesOwn) / millionEntries;
  const cache = bench.freshDirectory('cache-million');
  const mount = stratafs(bench, cache, ['-o', `lowerdir=${await makeMillion(bench.directory)}`]);
  const rows: Row[] = [
    { measurement: 'memory', what: 'resident after find, one file', unit: 'MB', ours: [megabytes(nodesOwn)] },
  ];
  for (const which of ['first', 'second']) {
    const begin = process.hrtime.bigint();
    await using mounted = await mount('million');
    const seconds = Number(process.hrtime.bigint() - begin) / 1e9;
    const atMount = memoryOf(mounted);
    const listing = await bench.processes.run(['ls', join(mounted.directory, 'dir0500')]);
    const find = await findLs(bench, mounted.directory);
    const { resident } = memoryOf(mounted);
    const row = (what: string, unit: Row['unit'], value: number, most?: number): Row => ({
      measurement: 'memory',
      what: `a million entries, ${which} mount${what}`,
      unit,
      ours: [value],
      ...(most === undefined ? {} : { bound: valueAtMost(most) }),
    });
    rows.push(
      row('', 's', seconds),
      row(', ls of a thousand', 's', listing.seconds),
      row(', find -ls', 's', find),
      row(', peak at mount', 'B/entry', perEntry(atMount.peak)),
      row(', resident at mount', 'B/entry', perEntry(atMount.resident)),
      row(', resident after find', 'B/entry', perEntry(resident), 150),
    );
  }
  return rows;
}

export async function measureMemory(bench: Bench): Promise<Row[]> {
  return [...(await bigImage(bench)), ...(await million(bench))];
}
