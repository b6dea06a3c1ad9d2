// Runs every cell once a round, in random order, so that other activity of the machine affects all contenders alike.
import { rm } from 'node:fs/promises';
import { type Cold, dropCaches } from './caches.ts';
import type { Cell } from './cell.ts';
import type { Mounted, PreparedContender, UpperPlace, Workshop } from './contender.ts';
import { runDbench } from './dbench.ts';
import { runLoad } from './load-generator.ts';
import { unmountingAfter } from './mounting.ts';
import type { Random } from './random.ts';
import type { WorkloadPlan } from './workload.ts';

export interface RoundsOptions {
  readonly runs: number;
  /** The caches to drop before a cold run; undefined if they can't be dropped, so that cold only means a fresh mount. */
  readonly cold: Cold | undefined;
  readonly seed: number;
  readonly random: Random;
  /** Called before each run of a cell. */
  readonly onRun: (cell: Cell) => void;
}

/** Each cell gets `runs` results. */
export async function runRounds(
  workshop: Workshop,
  cells: readonly Cell[],
  options: RoundsOptions,
): Promise<void> {
  const isWarm = ({ place }: Cell): boolean => place.workload.state === 'warm';
  const fresh = cells.filter((cell) => !isWarm(cell));
  for (let round = 0; round < options.runs; round++) {
    for (const cell of options.random.shuffle(fresh)) {
      options.onRun(cell);
      if (cell.place.workload.state === 'mounting') await runMounting(workshop, cell);
      else await runFresh(workshop, cell, options);
    }
  }
  await runWarm(workshop, cells.filter(isWarm), options);
}

/** Times the second of two equal mounts: other cells may have dropped what the first one reads from disk. */
async function runMounting({ scratch }: Workshop, cell: Cell): Promise<void> {
  const { timeMount } = cell.place.prepared;
  if (timeMount === undefined) throw new Error(`${cell.place.contender} mounts nothing`);
  await timeMount(await scratch.fresh('mnt'));
  cell.add(await timeMount(await scratch.fresh('mnt')));
}

/** Runs a cell on its own new mount. */
async function runFresh(workshop: Workshop, cell: Cell, options: RoundsOptions): Promise<void> {
  const { workload, plan, prepared } = cell.place;
  const upper = workload.state === 'written' ? await makeUpper(workshop, plan) : undefined;
  const mounted = await prepared.mount(await workshop.scratch.fresh('mnt'), upper);
  await unmountingAfter(
    () => [mounted],
    async () => {
      if (options.cold !== undefined) await dropCaches(workshop.processes, options.cold);
      await measure(workshop, cell, mounted, options);
    },
  );
  if (upper !== undefined) await discardUpper(upper);
}

/** Runs warm cells on mounts that they share: one for each contender and stack. */
async function runWarm(workshop: Workshop, cells: readonly Cell[], options: RoundsOptions): Promise<void> {
  const mounts = new Map<PreparedContender, Mounted>();
  await unmountingAfter(
    () => mounts.values(),
    async () => {
      for (const { place } of cells) {
        const { prepared } = place;
        if (mounts.has(prepared)) continue;
        mounts.set(prepared, await prepared.mount(await workshop.scratch.fresh('mnt')));
      }
      for (let round = 0; round < options.runs; round++) {
        for (const cell of options.random.shuffle(cells)) {
          options.onRun(cell);
          await measure(workshop, cell, mounts.get(cell.place.prepared) as Mounted, options);
        }
      }
    },
  );
}

async function measure(
  { processes }: Workshop,
  cell: Cell,
  { directory }: Mounted,
  { seed }: RoundsOptions,
): Promise<void> {
  const { workload, plan, threads } = cell.place;
  const { operation } = workload;
  cell.add(
    operation === 'dbench'
      ? await runDbench(processes, directory, threads)
      : await runLoad(processes, directory, {
          ...{ operation, threads, seed, rehearsals: workload.state === 'warm' ? 1 : 0, paths: plan.paths },
          ...(plan.size === undefined ? {} : { size: plan.size }),
          ...(plan.reads === undefined ? {} : { reads: plan.reads }),
        }),
  );
}

async function makeUpper({ scratch }: Workshop, plan: WorkloadPlan): Promise<UpperPlace> {
  return {
    upper: await scratch.fresh('upper'),
    work: await scratch.fresh('work'),
    touched: plan.touched ?? [],
  };
}

/** Removes an upper after its run, since copied-up files may be as large as the stack. */
async function discardUpper({ upper, work }: UpperPlace): Promise<void> {
  for (const path of [upper, work]) await rm(path, { recursive: true, force: true });
}
