// "Did you mean": suggests the nearest known word by edit distance.
import { closest, distance } from 'fastest-levenshtein';

/** " (did you mean 'ro'?)", or '' if more than a third of the letters differ from every word. */
export function suggestNearest(typed: string, names: readonly string[]): string {
  if (names.length === 0) return '';
  const nearest = closest(typed, names);
  const limit = Math.max(1, Math.floor(Math.max(typed.length, nearest.length) / 3));
  return distance(typed, nearest) <= limit ? ` (did you mean '${nearest}'?)` : '';
}
