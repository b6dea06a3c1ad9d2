// Parses words of a shell's command line, with quotes and backslashes; the last word may be incomplete.
import { homedir } from 'node:os';

/**
 * Removes quotes and backslashes like a shell. Variables and substitutions are not expanded: completion runs nothing.
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

/** The path that a word names, with `~/` replaced by the home directory. */
export function expandHome(path: string): string {
  return path.startsWith('~/') ? homedir() + path.slice(1) : path;
}
