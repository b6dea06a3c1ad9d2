// Parses the words of a command line for completion: the options before the last word, and the role of the last word.
import type { Command, Option } from 'commander';

/** The role of the last word. */
export type WordRole =
  /** An option, or an argument that begins with a dash. */
  | { readonly kind: 'option' }
  /** The value of `option`; `prefix`: the part of the word before the value, such as "--upper=". */
  | { readonly kind: 'value'; readonly option: Option; readonly prefix: string }
  /** The argument number `index`, from 0. */
  | { readonly kind: 'argument'; readonly index: number };

export interface CommandWords {
  readonly role: WordRole;
  /** Arguments before the last word. */
  readonly positional: readonly string[];
  /** The values of options before the last word, by the long name without dashes. */
  readonly values: ReadonlyMap<string, readonly string[]>;
}

/** `words`: those after the command's name; the user is typing the last one. */
export function understandWords(command: Command, words: readonly string[]): CommandWords {
  const positional: string[] = [];
  const values = new Map<string, string[]>();
  const give = (option: Option, value: string): void => {
    const name = nameOf(option);
    values.set(name, [...(values.get(name) ?? []), value]);
  };
  const last = words.at(-1) ?? '';
  let waiting: Option | undefined;
  let isEnded = false;
  for (const word of words.slice(0, -1)) {
    if (waiting !== undefined) {
      give(waiting, word);
      waiting = undefined;
    } else if (isEnded || !/^-./.test(word)) positional.push(word);
    else if (word === '--') isEnded = true;
    else {
      const found = findOption(command, word);
      if (found?.value !== undefined) give(found.option, found.value);
      else if (found?.option.required === true) waiting = found.option;
    }
  }
  return { role: roleOf(command, last, waiting, isEnded, positional.length), positional, values };
}

/** "upper" for --upper, "index-cache" for --no-index-cache. */
export const nameOf = ({ long, short }: Option): string => (long ?? short ?? '').replace(/^--?(?:no-)?/, '');

function roleOf(
  command: Command,
  word: string,
  waiting: Option | undefined,
  isEnded: boolean,
  index: number,
): WordRole {
  if (waiting !== undefined) return { kind: 'value', option: waiting, prefix: '' };
  if (isEnded || !word.startsWith('-')) return { kind: 'argument', index };
  const found = findOption(command, word);
  if (found?.value === undefined) return { kind: 'option' };
  return { kind: 'value', option: found.option, prefix: word.slice(0, word.length - found.value.length) };
}

/** The option that a word names, with the value in the same word: "--top=3", "-o/tmp/x". */
function findOption(
  command: Command,
  word: string,
): { option: Option; value: string | undefined } | undefined {
  const [, long, value] = /^(--[^=]+)(?:=(.*))?$/s.exec(word) ?? [];
  for (const option of command.options) {
    if (long !== undefined) {
      if (option.long === long) return { option, value };
    } else if (option.short !== undefined && word.startsWith(option.short)) {
      const rest = word.slice(option.short.length);
      if (rest === '' || option.required) return { option, value: rest === '' ? undefined : rest };
    }
  }
  return undefined;
}
