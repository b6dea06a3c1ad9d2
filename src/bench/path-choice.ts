// Chooses the paths of a stack that a workload uses, at random: the same seed chooses the same paths.
import type { CatalogueEntry } from './catalogue.ts';
import type { Random } from './random.ts';
import type { Stack } from './stack.ts';

/** The most bytes that a run reads or copies up. */
const MOST_BYTES = 128 * 1024 * 1024;

export function filesBetween({ catalogue }: Stack, least: number, most: number): CatalogueEntry[] {
  return catalogue.filter(({ kind, size }) => kind === 'file' && size >= least && size <= most);
}

export function filesOfLayer({ catalogue }: Stack, layer: number): CatalogueEntry[] {
  return catalogue.filter((entry) => entry.kind === 'file' && entry.layer === layer);
}

/** The largest file, if it has `least` bytes or more. */
export function largestFile(stack: Stack, least: number): CatalogueEntry[] {
  const files = filesBetween(stack, least, Infinity);
  const largest = Math.max(...files.map(({ size }) => size));
  return files.filter(({ size }) => size === largest).slice(0, 1);
}

/** The root is the empty path. */
export function directoriesOf({ catalogue }: Stack): string[] {
  return ['', ...catalogue.filter(({ kind }) => kind === 'directory').map(({ path }) => path)];
}

/** At most `most` of the entries, in random order; undefined if there are none. */
export function choose(
  entries: readonly CatalogueEntry[],
  random: Random,
  most: number,
): string[] | undefined {
  return entries.length === 0 ? undefined : random.sample(entries, most).map(({ path }) => path);
}

/** Like `choose`, but at most MOST_BYTES in total, and at least one entry. */
export function chooseByBytes(
  entries: readonly CatalogueEntry[],
  random: Random,
  most: number,
): string[] | undefined {
  let bytes = 0;
  const chosen = random
    .sample(entries, most)
    .filter(({ size }, n) => n === 0 || (bytes += size) <= MOST_BYTES);
  return choose(chosen, random, most);
}

/** Directories that do not contain each other, and everything in them. */
interface ChosenTrees {
  readonly roots: readonly string[];
  /** The roots and all entries beneath them, parents first. */
  readonly all: readonly string[];
}

/** Directories at random, which with all that is beneath them have at most `most` entries together; large ones first. */
export function treesOf({ catalogue }: Stack, random: Random, most: number): ChosenTrees {
  const children = new Map<string, CatalogueEntry[]>();
  for (const entry of catalogue) {
    const parent = parentOf(entry.path);
    const siblings = children.get(parent);
    if (siblings === undefined) children.set(parent, [entry]);
    else siblings.push(entry);
  }
  const beneath = (directory: string): string[] => {
    const all = [directory];
    for (const { path, kind } of children.get(directory) ?? [])
      if (kind === 'directory') for (const each of beneath(path)) all.push(each);
      else all.push(path);
    return all;
  };
  const roots: string[] = [];
  const all: string[] = [];
  // Level by level, so that a directory is taken as a whole rather than in parts.
  let level = [''];
  while (level.length > 0) {
    const directories = level.flatMap((parent) =>
      (children.get(parent) ?? []).filter(({ kind }) => kind === 'directory').map(({ path }) => path),
    );
    level = [];
    for (const directory of random.shuffle(directories.sort())) {
      const tree = beneath(directory);
      if (all.length + tree.length > most) level.push(directory);
      else {
        roots.push(directory);
        for (const each of tree) all.push(each);
      }
    }
  }
  return { roots, all };
}

const parentOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')));

/** Groups the paths by directory, in random order of directories, so that the load opens each directory once. */
export function byDirectory(paths: readonly string[], random: Random): string[] {
  const directories = new Map<string, string[]>();
  for (const path of paths) {
    const parent = parentOf(path);
    const names = directories.get(parent);
    if (names === undefined) directories.set(parent, [path]);
    else names.push(path);
  }
  return random.shuffle([...directories.values()]).flat();
}

/** `count` paths that the stack does not have, spread over its directories. */
export function newPaths(stack: Stack, random: Random, count: number): string[] {
  const directories = directoriesOf(stack);
  const there = new Set(stack.catalogue.map(({ path }) => path));
  const paths: string[] = [];
  for (let n = 0; paths.length < count; n++) {
    const parent = directories[random.below(directories.length)] ?? '';
    const path = `${parent === '' ? '' : `${parent}/`}new-${n}`;
    if (!there.has(path)) paths.push(path);
  }
  return byDirectory(paths, random);
}
