// Which paths of a stack a workload takes. All choices are drawn: the same seed chooses the same.
import type { CatalogueEntry } from './catalogue.ts';
import type { Random } from './random.ts';
import type { Stack } from './stack.ts';

/** Bytes that a run reads, or copies up, at most. */
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

/** At most `most` of them, in random order; undefined where there are none. */
export function choose(
  entries: readonly CatalogueEntry[],
  random: Random,
  most: number,
): string[] | undefined {
  return entries.length === 0 ? undefined : random.sample(entries, most).map(({ path }) => path);
}

/** The same, of no more than MOST_BYTES together; one at least. */
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

/** The names of each directory together, directories in random order: the load opens a directory once. */
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
