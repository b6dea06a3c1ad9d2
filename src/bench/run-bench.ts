// One run of the bench: measures all contenders under all workloads on all stacks, and returns the result.
import { InputError } from '../vfs/input-error.ts';
import { type Cold, canDropCaches } from './caches.ts';
import { Cell } from './cell.ts';
import type { Contender, Lack, Workshop } from './contender.ts';
import { type Entrant, type EntranceWatch, admit } from './entrants.ts';
import { describeEnvironment } from './environment.ts';
import { summariseCells } from './measurements.ts';
import { operations } from './operations.ts';
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

export interface BenchPlan {
  readonly contenders: readonly Contender[];
  readonly workloads: readonly Workload[];
  readonly threads: readonly number[];
  readonly runs: number;
  /** The most operations of a run, for workloads that take a list of paths. */
  readonly operations: number;
  readonly seed: number;
  readonly cold: Cold;
  /** The name of a contender that takes part; by default overlayfs, or the first if that doesn't take part. */
  readonly baseline: string | undefined;
  /** Version of stratafs. */
  readonly version: string;
}

export type BenchWatch = EntranceWatch;

const DEFAULT_BASELINE = 'overlayfs';

/** Runs `plan` on `stacks`, and leaves nothing mounted. Throws InputError if nothing can be measured. */
export async function runBench(
  workshop: Workshop,
  stacks: readonly Stack[],
  plan: BenchPlan,
  { onPhase, onNotice }: BenchWatch,
): Promise<BenchResult> {
  const started = new Date();
  const environment = await describeEnvironment(workshop.scratch.directory, plan.version);
  const notices: string[] = [];
  const notice = (text: string): void => {
    notices.push(text);
    onNotice(text);
  };
  const { entrants, missing } = await admit(workshop, plan.contenders, stacks, { onPhase, onNotice: notice });
  for (const each of missing) onNotice(describeMissing(each));
  const baseline = chooseBaseline(entrants, missing, plan.baseline);
  const dropsCaches = await canDropCaches();
  if (!dropsCaches)
    notice('kernel caches are not dropped, since that needs root: cold runs only use a fresh mount');
  if (plan.runs < FEWEST_ROUNDS)
    notice(`too few runs to detect a difference: found ${plan.runs}, expected ${FEWEST_ROUNDS} or more`);

  const cells = makeCells(entrants, stacks, plan, notice);
  if (cells.length === 0) throw new InputError('bench: found nothing to measure');
  let done = 0;
  await runRounds(workshop, cells, {
    runs: plan.runs,
    cold: dropsCaches ? plan.cold : undefined,
    seed: plan.seed,
    random: new Random(plan.seed),
    onRun: ({ place }) =>
      onPhase(`${place.workload.name} ${place.contender}`, done++, cells.length * plan.runs),
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
    contenders: await Promise.all(entrants.map((each) => describeEntrant(workshop, each))),
    missing,
    notices,
    measurements: summariseCells(cells, baseline, plan.seed),
  };
}

function describeMissing(missing: MissingContender): string {
  return `${missing.name} does not take part: ${describeLack(missing)}`;
}

function describeLack({ reason, remedy }: Lack): string {
  return `${reason}${remedy === undefined ? '' : ` (${remedy})`}`;
}

function chooseBaseline(
  entrants: readonly Entrant[],
  missing: readonly MissingContender[],
  requested: string | undefined,
): string {
  const names = entrants.map(({ contender }) => contender.name);
  const [first] = names;
  if (first === undefined) {
    throw new InputError(`bench: no contender can take part: ${missing.map(describeMissing).join('; ')}`);
  }
  if (requested === undefined) return names.includes(DEFAULT_BASELINE) ? DEFAULT_BASELINE : first;
  if (names.includes(requested)) return requested;
  throw new InputError(`--baseline: found ${requested}, expected one that takes part: ${names.join(', ')}`);
}

function makeCells(
  entrants: readonly Entrant[],
  stacks: readonly Stack[],
  plan: BenchPlan,
  notice: (text: string) => void,
): Cell[] {
  const isRoot = process.geteuid?.() === 0;
  const cells: Cell[] = [];
  for (const workload of plan.workloads) {
    if (workload.state === 'written' && !isRoot) {
      notice(`${workload.name} is skipped: the image's files belong to root, so only root can write to them`);
      continue;
    }
    const lack = workload.lack?.();
    if (lack !== undefined) {
      notice(`${workload.name} is skipped: ${describeLack(lack)}`);
      continue;
    }
    const unsuited: Stack[] = [];
    for (const [s, workloadPlan] of planAlike(workload, stacks, plan).entries()) {
      const stack = stacks[s] as Stack;
      if (workloadPlan === undefined) unsuited.push(stack);
      else cells.push(...cellsOf(workload, workloadPlan, stack, s, entrants, plan.threads));
    }
    if (unsuited.length > 0) notice(describeUnsuited(workload, unsuited, stacks));
  }
  return cells;
}

/**
 * One plan a stack; undefined if the stack has no suitable files. All plans have the same number of operations: the first
 * operations of a fresh mount are slow, so a stack with fewer operations would look slower.
 */
function planAlike(
  workload: Workload,
  stacks: readonly Stack[],
  { seed, operations: most }: BenchPlan,
): (WorkloadPlan | undefined)[] {
  const planAll = (limit: number): (WorkloadPlan | undefined)[] =>
    stacks.map((stack) => workload.plan(stack, new Random(seed), limit));
  const plans = planAll(most);
  const lengths = plans.flatMap((workloadPlan) => workloadPlan?.paths.length ?? []);
  return new Set(lengths).size > 1 ? planAll(Math.min(...lengths)) : plans;
}

function cellsOf(
  workload: Workload,
  plan: WorkloadPlan,
  { layerCount: layers }: Stack,
  stackNumber: number,
  entrants: readonly Entrant[],
  threads: readonly number[],
): Cell[] {
  return entrants.flatMap(({ contender, prepared: ofStacks }) => {
    const prepared = ofStacks[stackNumber];
    if (prepared === undefined || !canServe(contender, workload)) return [];
    const counts = workload.isSequential === true ? [1] : threads;
    return counts.map(
      (each) => new Cell({ layers, workload, plan, threads: each, contender: contender.name, prepared }),
    );
  });
}

function canServe({ serves }: Contender, { operation }: Workload): boolean {
  return serves.some((family) => operations[family].some((each) => each === operation));
}

function describeUnsuited({ name }: Workload, unsuited: readonly Stack[], stacks: readonly Stack[]): string {
  const heights = unsuited.map(({ layerCount }) => layerCount).join(', ');
  const where = unsuited.length === stacks.length ? '' : ` at ${heights} layers`;
  return `${name} is skipped${where}: the image has no suitable files`;
}

function describeStack({ label, layerCount, catalogue }: Stack): StackFacts {
  const count = (wanted: string): number => catalogue.filter(({ kind }) => kind === wanted).length;
  return {
    source: label,
    layers: layerCount,
    files: count('file'),
    directories: count('directory'),
    others: count('other'),
    bytes: catalogue.reduce((sum, { size }) => sum + size, 0),
  };
}

async function describeEntrant(
  workshop: Workshop,
  { contender, mountOptions }: Entrant,
): Promise<ContenderFacts> {
  const version = await contender.version(workshop);
  const { name, summary } = contender;
  return {
    ...{ name, summary },
    ...(version === undefined ? {} : { version }),
    ...(mountOptions === undefined ? {} : { mountOptions }),
  };
}
