// Parses lists of names and numbers on the command line: "a,b,c".
import { suggestNearest } from './suggest.ts';
import { UsageError } from './usage-error.ts';

/** The results of `find` for each name, in order, without duplicates. Throws UsageError, with the name of `option`, for an unknown name. */
export function pickByName<T>(
  option: string,
  list: string,
  find: (name: string) => readonly T[],
  names: readonly string[],
): T[] {
  const picked = splitList(list).flatMap((name) => {
    const found = find(name);
    if (found.length > 0) return found;
    const nearest = suggestNearest(name, names);
    throw new UsageError(
      `${option}: found '${name}'${nearest === '' ? `, expected ${names.join(', ')}` : nearest}`,
    );
  });
  if (picked.length === 0) throw new UsageError(`${option}: found nothing, expected ${names.join(', ')}`);
  return [...new Set(picked)];
}

/** Whole numbers from `least` to `most`, ascending, without duplicates. */
export function parseNumbers(option: string, list: string, least: number, most: number): number[] {
  const numbers = splitList(list).map((text) => parseWhole(option, text, least, most));
  if (numbers.length === 0) throw new UsageError(`${option}: found nothing, expected numbers such as 1,2,8`);
  return [...new Set(numbers)].sort((a, b) => a - b);
}

export function parseWhole(option: string, text: string, least: number, most: number): number {
  const number = /^\d+$/.test(text) ? Number(text) : NaN;
  if (number >= least && number <= most) return number;
  throw new UsageError(`${option}: found '${text}', expected a whole number from ${least} to ${most}`);
}

function splitList(list: string): string[] {
  return list
    .split(',')
    .map((text) => text.trim())
    .filter((text) => text !== '');
}
