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

/** Groups the paths by directory, in random order of directories, so that the load opens each directory once. */
export function byDirectory(paths: readonly string[], random: Random): string[] {
  const directories = new Map<string, string[]>();
  for (const path of paths) {
    const parent = path.slice(0, Math.max(0, path.lastIndexOf('/')));
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
