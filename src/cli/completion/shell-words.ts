// Words as they stand on a shell's command line, with their quotes and backslashes; the last may be unfinished.
import { homedir } from 'node:os';

/**
 * What a shell makes of `raw`: quotes and backslashes are gone. Variables and substitutions stay as they are: nothing is
 * run for a completion.
 */
export function unquoteWord(raw: string): string {
  let text = '';
  let quote = '';
  for (let i = 0; i < raw.length; i++) {
    const character = raw.charAt(i);
    if (character === '\\' && quote !== "'") text += raw.charAt(++i);
    else if (character === quote) quote = '';
    else if (quote === '' && (character === '"' || character === "'")) quote = character;
    else text += character;
  }
  return text;
}

/** The path that a word names: of `~/x` the one in the home directory. */
export function expandHome(path: string): string {
  return path.startsWith('~/') ? homedir() + path.slice(1) : path;
}
