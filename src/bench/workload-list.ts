// All workloads, in the order of tables and help.
import type { CatalogueEntry } from './catalogue.ts';
import { dbenchLack } from './dbench.ts';
import {
  byDirectory,
  choose,
  chooseByBytes,
  directoriesOf,
  filesBetween,
  filesOfLayer,
  largestFile,
  newPaths,
  treesOf,
} from './path-choice.ts';
import type { Random } from './random.ts';
import type { Stack } from './stack.ts';
import type { Workload, WorkloadPlan } from './workload.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

/** The largest small file; most files of an image are small. */
const SMALL = 64 * KIB;
/** The smallest file for sequential and random reads. */
const LARGE = 256 * KIB;
/** The smallest file that `append` takes. */
const APPENDED = MIB;
/** untar makes directories of so many files of this size. */
const UNTAR_FILES = 50;
const UNTAR_SIZE = 4 * KIB;
/** NAME_MAX, less the suffix of a renamed file. */
const RENAMED_NAME_LIMIT = 240;

type Kind = Pick<Workload, 'group' | 'operation' | 'unit' | 'plan'>;

const planOf = (paths: string[] | undefined): WorkloadPlan | undefined => paths && { paths };

/** A cold and a warm variant of one workload. */
function coldAndWarm(what: string, kind: Kind): Workload[] {
  return [
    { ...kind, name: `${kind.group}-cold`, state: 'cold', summary: `${what}, cold` },
    { ...kind, name: `${kind.group}-warm`, state: 'warm', summary: `${what}, warm` },
  ];
}

/** The plan of a workload that changes existing files. */
function changing(
  filesFrom: (stack: Stack) => readonly CatalogueEntry[],
): (stack: Stack, random: Random, most: number) => WorkloadPlan | undefined {
  return (stack, random, most) => {
    const paths = chooseByBytes(filesFrom(stack), random, most);
    return paths && { paths, touched: paths };
  };
}

function lookupIn(name: string, summary: string, layerOf: (stack: Stack) => number): Workload {
  return {
    ...{ name, group: 'lookup', summary, operation: 'lookup', state: 'cold', unit: 'lookup' },
    plan: (stack, random, most) => {
      const paths = choose(filesOfLayer(stack, layerOf(stack)), random, most);
      return paths && { paths: byDirectory(paths, random) };
    },
  };
}

/** The fewest files of a layer that suffice to measure lookups. */
const FEW_FILES = 100;

/** The topmost layer with enough files, or the one with the most: the top layers of many images hold one or two files. */
function topLayerOf(stack: Stack): number {
  const counts = new Array<number>(stack.layerCount + 1).fill(0);
  for (const { kind, layer } of stack.catalogue)
    if (kind === 'file') counts[layer] = (counts[layer] ?? 0) + 1;
  const above = counts.slice(2);
  const enough = above.findLastIndex((count) => count >= FEW_FILES);
  if (enough >= 0) return enough + 2;
  const most = Math.max(...above);
  return most > 0 ? above.lastIndexOf(most) + 2 : stack.layerCount;
}

function copyUp(size: string, bytes: number): Workload {
  return {
    ...{ name: `copy-up-${size}`, group: 'copy-up', operation: 'copy-up', state: 'written', unit: 'file' },
    summary: `first write to files of about ${size.toUpperCase()} (copy-up)`,
    plan: changing((stack) => filesBetween(stack, bytes / 2, bytes * 2)),
  };
}

function planUntar(_stack: Stack, _random: Random, most: number): WorkloadPlan {
  const paths: string[] = [];
  for (let n = 0; paths.length < most; n++) {
    const directory = `d-${Math.floor(n / UNTAR_FILES)}/`;
    if (n % UNTAR_FILES === 0) paths.push(directory);
    paths.push(`${directory}f-${n}`);
  }
  return { paths, size: UNTAR_SIZE };
}

const isShortName = ({ path }: CatalogueEntry): boolean =>
  path.length - (path.lastIndexOf('/') + 1) <= RENAMED_NAME_LIMIT;

export const workloads: readonly Workload[] = [
  ...coldAndWarm('lstat of full paths', {
    ...{ group: 'stat', operation: 'stat', unit: 'lstat' },
    plan: ({ catalogue }, random, most) => planOf(choose(catalogue, random, most)),
  }),
  lookupIn('lookup-base', 'lookup of files of the lowest layer, cold', () => 1),
  lookupIn('lookup-top', 'lookup of files of a high layer, cold', topLayerOf),
  {
    ...{ name: 'miss-cold', group: 'miss', operation: 'missing', state: 'cold', unit: 'lookup' },
    summary: 'lookup of missing names, cold',
    plan: (stack, random, most) => ({ paths: newPaths(stack, random, most) }),
  },
  {
    ...{ name: 'miss-cached', group: 'miss', operation: 'missing', state: 'warm', unit: 'lookup' },
    summary: 'lookup of missing names, warm: the kernel may have cached them',
    plan: (stack, random, most) => ({ paths: newPaths(stack, random, most) }),
  },
  ...coldAndWarm('open, read and close of directories', {
    ...{ group: 'readdir', operation: 'readdir', unit: 'directory' },
    plan: (stack, random, most) => ({
      paths: random.sample(directoriesOf(stack), most).map((path) => (path === '' ? '.' : path)),
    }),
  }),
  ...coldAndWarm('walk of the whole tree, like find -ls', {
    ...{ group: 'find', operation: 'walk', unit: 'entry' },
    plan: () => ({ paths: ['.'] }),
  }),
  ...coldAndWarm('open, read and close of small files', {
    ...{ group: 'open', operation: 'open-read-close', unit: 'file' },
    plan: (stack, random, most) => planOf(choose(filesBetween(stack, 0, SMALL), random, most)),
  }),
  ...coldAndWarm('sequential reads of large files, 128 KiB each', {
    ...{ group: 'read', operation: 'sequential-read', unit: 'read' },
    plan: (stack, random, most) => planOf(chooseByBytes(filesBetween(stack, LARGE, Infinity), random, most)),
  }),
  ...coldAndWarm('random reads of large files, 4 KiB each', {
    ...{ group: 'random', operation: 'random-read', unit: 'read' },
    plan: (stack, random, most) => {
      const paths = chooseByBytes(filesBetween(stack, LARGE, Infinity), random, most);
      return paths && { paths, reads: Math.max(1, Math.ceil(most / paths.length)) };
    },
  }),
  ...coldAndWarm('mmap of files like programs, with access to each page', {
    ...{ group: 'exec', operation: 'map-exec', unit: 'file' },
    plan: (stack, random, most) => planOf(chooseByBytes(filesBetween(stack, 1, Infinity), random, most)),
  }),
  ...coldAndWarm('walk that reads every byte of every file, like tar -c', {
    ...{ group: 'read-all', operation: 'read-all', unit: 'entry' },
    plan: () => ({ paths: ['.'] }),
  }),
  {
    ...{ name: 'remount', group: 'remount', operation: 'mount', state: 'mounting', unit: 'mount' },
    summary: 'mount command to the first listing of the root, everything in memory',
    isSequential: true,
    plan: () => ({ paths: [] }),
  },
  copyUp('4k', 4 * KIB),
  copyUp('64k', 64 * KIB),
  copyUp('1m', MIB),
  copyUp('16m', 16 * MIB),
  {
    ...{ name: 'append', group: 'append', operation: 'append', state: 'written', unit: 'file' },
    summary: 'append of 1 byte to the largest file (synthetic: 300 MB in the base layer)',
    isSequential: true,
    needsLargeFile: true,
    plan: changing((stack) => largestFile(stack, APPENDED)),
  },
  {
    ...{ name: 'create', group: 'create', operation: 'create', state: 'written', unit: 'file' },
    summary: 'creation of empty files in directories of the image',
    plan: (stack, random, most) => {
      const paths = newPaths(stack, random, most);
      const parents = new Set(paths.map((path) => path.slice(0, path.lastIndexOf('/') + 1)));
      return { paths, touched: [...parents].filter((path) => path !== '') };
    },
  },
  {
    ...{ name: 'unlink', group: 'unlink', operation: 'unlink', state: 'written', unit: 'file' },
    summary: 'removal of files of the image',
    plan: changing((stack) => filesBetween(stack, 0, Infinity)),
  },
  {
    ...{ name: 'rm-rf', group: 'rm-rf', operation: 'remove-tree', state: 'written', unit: 'entry' },
    summary: 'removal of whole directories of the image, like rm -rf',
    plan: (stack, random, most) => {
      const { roots, all } = treesOf(stack, random, most);
      return roots.length === 0 ? undefined : { paths: roots, touched: all };
    },
  },
  {
    ...{ name: 'rename', group: 'rename', operation: 'rename', state: 'written', unit: 'file' },
    summary: 'rename of files of the image',
    plan: changing((stack) => filesBetween(stack, 0, SMALL).filter(isShortName)),
  },
  {
    ...{ name: 'untar', group: 'untar', operation: 'untar', state: 'written', unit: 'member' },
    summary: 'creation of directories and files of 4 KiB, like tar -x',
    plan: planUntar,
  },
  {
    ...{ name: 'dbench', group: 'dbench', operation: 'dbench', state: 'written', unit: 'MB' },
    summary: 'dbench, the load of a file server, for 5 seconds a run',
    lack: dbenchLack,
    plan: () => ({ paths: [] }),
  },
];
