// Workloads: what is done to each contender, and to which paths of the stack.
import type { CatalogueEntry } from './catalogue.ts';
import type { Load, Operation } from './load-generator.ts';
import type { Random } from './random.ts';
import type { Stack } from './stack.ts';

/** `cold`: on a fresh mount, caches dropped. `warm`: the same was done before. `written`: on a fresh mount with an empty upper. */
export type State = 'cold' | 'warm' | 'written';

export interface Workload {
  readonly name: string;
  /** Under which name several are asked for at once. */
  readonly group: string;
  readonly summary: string;
  readonly operation: Operation;
  readonly state: State;
  /** What is counted: one "read of 4 KiB". */
  readonly unit: string;
  /** The load, less what is the same for all; undefined where the stack has nothing that it could be put on. */
  plan(stack: Stack, random: Random, most: number): WorkloadPlan | undefined;
}

export interface WorkloadPlan extends Pick<Load, 'paths' | 'size' | 'reads'> {
  /** What of the stack is changed: files, and the directories of what is made. */
  readonly touched?: readonly string[];
}

/** Files up to here are small: most of an image's. */
const SMALL_FILE = 64 * 1024;

const isSmall = ({ kind, size }: CatalogueEntry): boolean => kind === 'file' && size <= SMALL_FILE;

function some(entries: readonly CatalogueEntry[], random: Random, most: number): WorkloadPlan | undefined {
  if (entries.length === 0) return undefined;
  return { paths: random.sample(entries, most).map(({ path }) => path) };
}

/** Directories in random order, the names of each together: a directory is opened once. */
function byDirectory(paths: readonly string[], random: Random): string[] {
  const directories = new Map<string, string[]>();
  for (const path of paths) {
    const parent = path.slice(0, Math.max(0, path.lastIndexOf('/')));
    const names = directories.get(parent);
    if (names === undefined) directories.set(parent, [path]);
    else names.push(path);
  }
  return random.shuffle([...directories.values()]).flat();
}

function lookups(entries: readonly CatalogueEntry[], random: Random, most: number): WorkloadPlan | undefined {
  const plan = some(entries, random, most);
  return plan && { paths: byDirectory(plan.paths, random) };
}

/** Names that no directory of the stack has, spread over all of them. */
function missingNames({ catalogue }: Stack, random: Random, most: number): WorkloadPlan {
  const directories = [
    '',
    ...catalogue.filter(({ kind }) => kind === 'directory').map(({ path }) => `${path}/`),
  ];
  const there = new Set(catalogue.map(({ path }) => path));
  const paths: string[] = [];
  for (let n = 0; paths.length < most; n++) {
    const path = `${directories[random.below(directories.length)] ?? ''}missing-${n}`;
    if (!there.has(path)) paths.push(path);
  }
  return { paths: byDirectory(paths, random) };
}

const both = (
  workload: Omit<Workload, 'state' | 'name' | 'summary'> & { readonly what: string },
): Workload[] => {
  const { what, ...rest } = workload;
  return [
    { ...rest, name: `${rest.group}-cold`, state: 'cold', summary: `${what}, nothing of it in memory` },
    { ...rest, name: `${rest.group}-warm`, state: 'warm', summary: `${what}, again` },
  ];
};

export const workloads: readonly Workload[] = [
  ...both({
    group: 'stat',
    what: 'lstat of whole paths',
    operation: 'stat',
    unit: 'lstat',
    plan: ({ catalogue }, random, most) => some(catalogue, random, most),
  }),
  {
    name: 'lookup-base',
    group: 'lookup',
    summary: 'lookup of a name whose file is in the lowest layer, cold',
    operation: 'lookup',
    state: 'cold',
    unit: 'lookup',
    plan: ({ catalogue }, random, most) =>
      lookups(
        catalogue.filter(({ kind, layer }) => kind === 'file' && layer === 1),
        random,
        most,
      ),
  },
  {
    name: 'lookup-top',
    group: 'lookup',
    summary: 'lookup of a name whose file is in the topmost layer, cold',
    operation: 'lookup',
    state: 'cold',
    unit: 'lookup',
    plan: ({ catalogue, layerCount }, random, most) =>
      lookups(
        catalogue.filter(({ kind, layer }) => kind === 'file' && layer === layerCount),
        random,
        most,
      ),
  },
  {
    name: 'miss-cold',
    group: 'miss',
    summary: 'lookup of names that are in no layer, cold',
    operation: 'missing',
    state: 'cold',
    unit: 'lookup',
    plan: missingNames,
  },
  {
    name: 'miss-cached',
    group: 'miss',
    summary: 'lookup of names that are in no layer, again: the kernel may know',
    operation: 'missing',
    state: 'warm',
    unit: 'lookup',
    plan: missingNames,
  },
  ...both({
    group: 'find',
    what: 'a walk over everything as by find -ls',
    operation: 'walk',
    unit: 'entry',
    plan: () => ({ paths: ['.'] }),
  }),
  ...both({
    group: 'open',
    what: 'open, read and close of small files',
    operation: 'open-read-close',
    unit: 'file',
    plan: ({ catalogue }, random, most) => some(catalogue.filter(isSmall), random, most),
  }),
];
