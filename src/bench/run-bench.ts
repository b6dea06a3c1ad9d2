// One run of the bench: stacks, contenders and workloads brought together, and what was measured made a result.
import { type Cold, canDropCaches } from './caches.ts';
import { Cell } from './cell.ts';
import type { Contender, Workshop } from './contender.ts';
import { describeEnvironment } from './environment.ts';
import { summariseCells } from './measurements.ts';
import { Random } from './random.ts';
import {
  type BenchResult,
  type ContenderFacts,
  type MissingContender,
  SCHEMA,
  type StackFacts,
} from './result.ts';
import { runRounds } from './rounds.ts';
import type { Stack } from './stack.ts';
import { CONFIDENCE, FEWEST_ROUNDS } from './statistics.ts';
import type { Workload, WorkloadPlan } from './workload.ts';
import { InputError } from '../vfs/input-error.ts';

export interface BenchPlan {
  readonly contenders: readonly Contender[];
  readonly workloads: readonly Workload[];
  readonly threads: readonly number[];
  readonly runs: number;
  /** How many operations a run makes at most, where the workload is a list of paths. */
  readonly operations: number;
  readonly seed: number;
  readonly cold: Cold;
  /** The name of a contender that takes part; by default the kernel's overlayfs, or else the first. */
  readonly baseline: string | undefined;
  /** Version of stratafs. */
  readonly version: string;
}

export interface BenchWatch {
  readonly onPhase: (what: string, done: number, total: number) => void;
  readonly onNotice: (text: string) => void;
}

const DEFAULT_BASELINE = 'overlayfs';

/** Runs `plan` on `stacks`, and leaves nothing mounted. InputError where nothing can be measured. */
export async function runBench(
  workshop: Workshop,
  stacks: readonly Stack[],
  plan: BenchPlan,
  watch: BenchWatch,
): Promise<BenchResult> {
  const started = new Date();
  const environment = await describeEnvironment(workshop.scratch.directory, plan.version);
  const notices: string[] = [];
  const notice = (text: string): void => {
    notices.push(text);
    watch.onNotice(text);
  };
  const { present, missing } = await meetContenders(workshop, plan.contenders);
  for (const each of missing) notice(describeMissing(each));
  const baseline = chooseBaseline(present, plan.baseline);
  const dropsCaches = await canDropCaches();
  if (!dropsCaches)
    notice('the caches of the kernel are not dropped, which takes root: cold is a fresh mount alone');
  if (plan.runs < FEWEST_ROUNDS)
    notice(`${plan.runs} runs are too few to tell a difference: it takes ${FEWEST_ROUNDS}`);

  const cells = await makeCells(workshop, stacks, present, plan, { ...watch, onNotice: notice });
  if (cells.length === 0) throw new InputError('bench: found nothing to measure');
  const total = cells.length * plan.runs;
  let done = 0;
  await runRounds(workshop, cells, {
    runs: plan.runs,
    cold: dropsCaches ? plan.cold : undefined,
    seed: plan.seed,
    random: new Random(plan.seed),
    onRun: ({ place }) => watch.onPhase(`${place.workload.name} ${place.contender}`, done++, total),
  });
  return {
    schema: SCHEMA,
    started: started.toISOString(),
    seconds: (Date.now() - started.getTime()) / 1000,
    environment,
    settings: {
      ...{ runs: plan.runs, operations: plan.operations, seed: plan.seed },
      ...{ cold: plan.cold, dropsCaches, baseline, confidence: CONFIDENCE },
    },
    stacks: stacks.map(describeStack),
    contenders: await Promise.all(present.map((each) => describeContender(workshop, each))),
    missing,
    notices,
    measurements: summariseCells(cells, baseline, plan.seed),
  };
}

async function meetContenders(
  workshop: Workshop,
  contenders: readonly Contender[],
): Promise<{ present: Contender[]; missing: MissingContender[] }> {
  const present: Contender[] = [];
  const missing: MissingContender[] = [];
  for (const contender of contenders) {
    const lack = await contender.lack(workshop);
    if (lack === undefined) present.push(contender);
    else missing.push({ name: contender.name, ...lack });
  }
  if (present.length === 0) {
    throw new InputError(`bench: no contender can take part: ${missing.map(describeMissing).join('; ')}`);
  }
  return { present, missing };
}

function describeMissing({ name, reason, remedy }: MissingContender): string {
  return `${name} does not take part: ${reason}${remedy === undefined ? '' : ` (${remedy})`}`;
}

function chooseBaseline(present: readonly Contender[], asked: string | undefined): string {
  const names = present.map(({ name }) => name);
  if (asked === undefined) return names.includes(DEFAULT_BASELINE) ? DEFAULT_BASELINE : (names[0] as string);
  if (names.includes(asked)) return asked;
  throw new InputError(`--baseline: found ${asked}, expected one that takes part: ${names.join(', ')}`);
}

async function makeCells(
  workshop: Workshop,
  stacks: readonly Stack[],
  contenders: readonly Contender[],
  plan: BenchPlan,
  watch: BenchWatch,
): Promise<Cell[]> {
  const cells: Cell[] = [];
  const total = stacks.length * contenders.length;
  for (const [s, stack] of stacks.entries()) {
    const plans = planWorkloads(stack, plan, watch);
    for (const [c, { name, isWritable, ...contender }] of contenders.entries()) {
      watch.onPhase(`preparing ${name}`, s * contenders.length + c, total);
      const prepared = await contender.prepare(workshop, stack);
      for (const [workload, workloadPlan] of plans) {
        if (workload.state === 'written' && !isWritable) continue;
        for (const threads of plan.threads) {
          const { layerCount: layers } = stack;
          cells.push(new Cell({ layers, workload, plan: workloadPlan, threads, contender: name, prepared }));
        }
      }
    }
  }
  return cells;
}

function planWorkloads(
  stack: Stack,
  { workloads, operations, seed }: BenchPlan,
  { onNotice }: BenchWatch,
): Map<Workload, WorkloadPlan> {
  const plans = new Map<Workload, WorkloadPlan>();
  for (const workload of workloads) {
    const made = workload.plan(stack, new Random(seed), operations);
    if (made === undefined) {
      onNotice(`${workload.name} is left out on ${stack.layerCount} layers: nothing there suits it`);
    } else plans.set(workload, made);
  }
  return plans;
}

function describeStack({ source, layerCount, catalogue }: Stack): StackFacts {
  const count = (wanted: string): number => catalogue.filter(({ kind }) => kind === wanted).length;
  return {
    source,
    layers: layerCount,
    files: count('file'),
    directories: count('directory'),
    others: count('other'),
    bytes: catalogue.reduce((sum, { size }) => sum + size, 0),
  };
}

async function describeContender(workshop: Workshop, contender: Contender): Promise<ContenderFacts> {
  const version = await contender.version(workshop);
  const { name, summary } = contender;
  return { name, summary, ...(version === undefined ? {} : { version }) };
}
