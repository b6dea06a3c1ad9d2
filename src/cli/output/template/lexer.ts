// Splits a template of Go's text/template into text and actions, and actions into tokens.
import { templateError } from './template-error.ts';

export type Piece =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'action'; readonly source: string; readonly tokens: readonly Token[] };

export type Token =
  | { readonly kind: 'field'; readonly name: string; readonly isAttached: boolean }
  /** "." alone. */
  | { readonly kind: 'dot' }
  /** "$" has the name ''. */
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'word'; readonly name: string }
  | { readonly kind: 'literal'; readonly value: string | number | boolean | null }
  | { readonly kind: 'sign'; readonly sign: string };

/** Strings and comments may contain braces. */
const ACTION = /\{\{(- )?\s*((?:\/\*.*?\*\/|"(?:[^"\\\n]|\\.)*"|`[^`]*`|(?!\}\}|"|`).)*?)\s*( -)?\}\}/gs;

/** Throws UsageError for an action that does not end. */
export function splitTemplate(template: string): Piece[] {
  const pieces: Piece[] = [];
  let end = 0;
  let isTrimmed = false;
  const addText = (text: string, isNextTrimming: boolean): void => {
    const begun = isTrimmed ? text.trimStart() : text;
    const shown = isNextTrimming ? begun.trimEnd() : begun;
    if (shown.includes('{{')) throw templateError(`found '{{' without '}}' in '${template}'`);
    if (shown !== '') pieces.push({ kind: 'text', text: shown });
  };
  for (const match of template.matchAll(ACTION)) {
    const [whole, left, source = '', right] = match;
    addText(template.slice(end, match.index), left !== undefined);
    isTrimmed = right !== undefined;
    end = match.index + whole.length;
    if (!/^\/\*.*\*\/$/s.test(source)) pieces.push({ kind: 'action', source, tokens: tokenize(source) });
  }
  addText(template.slice(end), false);
  return pieces;
}

const TOKEN = new RegExp(
  [
    String.raw`(?<blank>\s+)`,
    String.raw`\.(?<field>[\p{L}_][\p{L}\p{Nd}_]*)`,
    String.raw`(?<number>[+-]?\d+(?:\.\d+)?)(?![\p{L}\d_.])`,
    String.raw`(?<dot>\.)`,
    String.raw`\$(?<variable>[\p{L}\p{Nd}_]*)`,
    String.raw`(?<word>[\p{L}_][\p{L}\p{Nd}_]*)`,
    String.raw`"(?<quoted>(?:[^"\\\n]|\\.)*)"`,
    '`(?<raw>[^`]*)`',
    String.raw`(?<sign>:=|[|(),])`,
  ].join('|'),
  'uy',
);

function tokenize(source: string): Token[] {
  const tokens: Token[] = [];
  let isAttached = false;
  const pattern = new RegExp(TOKEN);
  while (pattern.lastIndex < source.length) {
    const at = pattern.lastIndex;
    const groups = pattern.exec(source)?.groups;
    if (groups === undefined) throw templateError(`found '${source.slice(at)}' in {{${source}}}`);
    const token = tokenOf(groups, isAttached, source);
    if (token !== undefined) tokens.push(token);
    isAttached = token !== undefined;
  }
  return tokens;
}

const constants = new Map<string, boolean | null>([
  ['true', true],
  ['false', false],
  ['nil', null],
]);

/** undefined for blanks. */
function tokenOf(groups: Record<string, string>, isAttached: boolean, source: string): Token | undefined {
  const { field, number, dot, variable, word, quoted, raw, sign } = groups as Record<
    string,
    string | undefined
  >;
  if (field !== undefined) return { kind: 'field', name: field, isAttached };
  if (number !== undefined) return { kind: 'literal', value: Number(number) };
  if (dot !== undefined) return { kind: 'dot' };
  if (variable !== undefined) return { kind: 'variable', name: variable };
  if (word !== undefined) {
    const constant = constants.get(word);
    return constant === undefined ? { kind: 'word', name: word } : { kind: 'literal', value: constant };
  }
  if (quoted !== undefined) return { kind: 'literal', value: unquote(quoted, source) };
  if (raw !== undefined) return { kind: 'literal', value: raw };
  return sign === undefined ? undefined : { kind: 'sign', sign };
}

const escapes: Readonly<Record<string, string>> = {
  ...{ a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' },
  ...{ '\\': '\\', '"': '"' },
};

/** Resolves the escapes of a Go string. */
function unquote(text: string, source: string): string {
  return text.replace(
    /\\(?:x([\da-f]{2})|u([\da-f]{4})|([0-7]{3})|(.))/gis,
    (escape, hex, unit, octal, letter) => {
      const digits = (hex ?? unit) as string | undefined;
      if (digits !== undefined) return String.fromCharCode(parseInt(digits, 16));
      if (octal !== undefined) return String.fromCharCode(parseInt(octal as string, 8));
      const meant = escapes[letter as string];
      if (meant === undefined) throw templateError(`found '${escape}' in {{${source}}}`);
      return meant;
    },
  );
}
