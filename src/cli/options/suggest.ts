// "Did you mean": the known word nearest to what was typed, by edit distance.
import { closest, distance } from 'fastest-levenshtein';

/** " (did you mean 'ro'?)", or nothing where no word is near: more than a third of the letters differ. */
export function suggestNearest(typed: string, known: readonly string[]): string {
  if (known.length === 0) return '';
  const nearest = closest(typed, known);
  const limit = Math.max(1, Math.floor(Math.max(typed.length, nearest.length) / 3));
  return distance(typed, nearest) <= limit ? ` (did you mean '${nearest}'?)` : '';
}
