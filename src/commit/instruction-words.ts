// Splits a Dockerfile instruction into words, with quotes, backslashes and the variables of the image's ENV.
import { InputError } from '../vfs/input-error.ts';

const VARIABLE = /^\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)(?:(:[-+])([^{}]*))?\})/;

/** Splits at white space outside of quotes, removes the quotes, and expands variables. InputError for an open quote. */
export function splitWords(text: string, environment: ReadonlyMap<string, string>): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote = '';
  for (let i = 0; i < text.length;) {
    const c = text.charAt(i);
    const variable = quote === "'" ? null : VARIABLE.exec(text.slice(i));
    if (variable !== null) {
      word = (word ?? '') + expand(variable, environment);
      i += variable[0].length;
      continue;
    }
    i++;
    if (quote === '' && /\s/.test(c)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (c === quote) quote = '';
    else if (quote === '' && (c === '"' || c === "'")) {
      quote = c;
      word ??= '';
    } else if (c === '\\' && quote !== "'" && i < text.length) word = (word ?? '') + text.charAt(i++);
    else word = (word ?? '') + c;
  }
  if (quote !== '') throw new InputError(`${text}: found a quote ${quote} that is not closed`);
  if (word !== undefined) words.push(word);
  return words;
}

function expand(
  [, plain, braced, operator, word = '']: RegExpExecArray,
  environment: ReadonlyMap<string, string>,
): string {
  const value = environment.get(plain ?? braced ?? '') ?? '';
  if (operator === ':-') return value === '' ? word : value;
  if (operator === ':+') return value === '' ? '' : word;
  return value;
}

/** The exec form, a JSON array of strings; undefined for any other text. */
export function execForm(text: string): string[] | undefined {
  if (!text.startsWith('[')) return undefined;
  try {
    const parsed: unknown = JSON.parse(text);
    return Array.isArray(parsed) && parsed.every((each) => typeof each === 'string') ? parsed : undefined;
  } catch {
    return undefined; // A shell command that begins with a bracket.
  }
}
