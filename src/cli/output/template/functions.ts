// The functions of templates: docker's (join, json, lower, pad, split, title, truncate, upper) and the common ones of Go.
import { showJson } from '../../../vfs/show-text.ts';
import { escapeHtml, escapeJs, escapeQuery } from './escapes.ts';
import { formatPrintf } from './printf.ts';
import { templateError } from './template-error.ts';
import { elementAt, isTrue, lengthOf, printValue, slice } from './values.ts';

export interface TemplateFunction {
  /** The number of arguments. */
  readonly minimum: number;
  /** The same as `minimum` if it is left out. */
  readonly maximum?: number;
  readonly call: (args: readonly unknown[]) => unknown;
}

/** The largest number of blanks that `pad` adds on a side, and the largest width of printf. */
const MAX_WIDTH = 10_000;

function textOf(name: string, value: unknown): string {
  if (typeof value === 'string') return value;
  throw templateError(`${name}: found '${printValue(value)}', expected a string`);
}

function numberOf(name: string, value: unknown): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MAX_WIDTH) return value;
  throw templateError(`${name}: found '${printValue(value)}', expected a number from 0 to ${MAX_WIDTH}`);
}

function listOf(name: string, value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  if (value === null || value === undefined) return [];
  throw templateError(`${name}: found '${printValue(value)}', expected a list`);
}

const ofText = (name: string, change: (text: string) => string): readonly [string, TemplateFunction] => [
  name,
  { minimum: 1, call: ([value]) => change(textOf(name, value)) },
];

const titleCase = (text: string): string =>
  text.replace(/(?<![\p{L}\p{Nd}_'])\p{L}/gu, (letter) => letter.toUpperCase());

const any = { maximum: Infinity };

/** Go puts blanks between values of print that are not strings. */
function print(values: readonly unknown[]): string {
  return values.reduce<string>((text, value, i) => {
    const needsBlank = i > 0 && typeof value !== 'string' && typeof values[i - 1] !== 'string';
    return `${text}${needsBlank ? ' ' : ''}${printValue(value)}`;
  }, '');
}

/** -1, 0 or 1; undefined for values of different types. */
function compare(a: unknown, b: unknown): number | undefined {
  if (typeof a !== typeof b || (typeof a !== 'string' && typeof a !== 'number')) return undefined;
  return a === b ? 0 : (a as string) < (b as string) ? -1 : 1;
}

const ordering = (name: string, holds: (order: number) => boolean): readonly [string, TemplateFunction] => [
  name,
  {
    minimum: 2,
    call: ([a, b]) => {
      const order = compare(a, b);
      if (order === undefined)
        throw templateError(
          `${name}: found '${printValue(a)}' and '${printValue(b)}', expected two of a type`,
        );
      return holds(order);
    },
  },
];

export const functions: ReadonlyMap<string, TemplateFunction> = new Map<string, TemplateFunction>([
  ['json', { minimum: 1, call: ([value]) => showJson(value ?? null) }],
  [
    'join',
    {
      minimum: 2,
      call: ([list, separator]) => listOf('join', list).map(printValue).join(textOf('join', separator)),
    },
  ],
  ['split', { minimum: 2, call: ([text, by]) => textOf('split', text).split(textOf('split', by)) }],
  ofText('lower', (text) => text.toLowerCase()),
  ofText('upper', (text) => text.toUpperCase()),
  ofText('title', titleCase),
  [
    'pad',
    {
      minimum: 3,
      call: ([value, before, after]) => {
        const text = textOf('pad', value);
        const [left, right] = [numberOf('pad', before), numberOf('pad', after)];
        return text === '' ? '' : `${' '.repeat(left)}${text}${' '.repeat(right)}`;
      },
    },
  ],
  [
    'truncate',
    {
      minimum: 2,
      call: ([value, length]) =>
        Array.from(textOf('truncate', value)).slice(0, numberOf('truncate', length)).join(''),
    },
  ],
  ['print', { minimum: 0, ...any, call: print }],
  ['println', { minimum: 0, ...any, call: (values) => `${values.map(printValue).join(' ')}\n` }],
  [
    'printf',
    {
      minimum: 1,
      ...any,
      call: ([format, ...values]) => formatPrintf(textOf('printf', format), values, MAX_WIDTH),
    },
  ],
  ['len', { minimum: 1, call: ([value]) => lengthOf(value) }],
  ['index', { minimum: 1, ...any, call: ([value, ...keys]) => keys.reduce(elementAt, value) }],
  ['slice', { minimum: 1, maximum: 3, call: ([value, ...limits]) => slice(value, limits) }],
  ...[
    { name: 'html', escape: escapeHtml },
    { name: 'js', escape: escapeJs },
    { name: 'urlquery', escape: escapeQuery },
  ].map(({ name, escape }): [string, TemplateFunction] => [
    name,
    { minimum: 0, ...any, call: (values) => escape(print(values)) },
  ]),
  ['and', { minimum: 1, ...any, call: (values) => values.find((value) => !isTrue(value)) ?? values.at(-1) }],
  ['or', { minimum: 1, ...any, call: (values) => values.find(isTrue) ?? values.at(-1) }],
  ['not', { minimum: 1, call: ([value]) => !isTrue(value) }],
  ['eq', { minimum: 2, ...any, call: ([value, ...others]) => others.includes(value) }],
  ['ne', { minimum: 2, call: ([a, b]) => a !== b }],
  ordering('lt', (order) => order < 0),
  ordering('le', (order) => order <= 0),
  ordering('gt', (order) => order > 0),
  ordering('ge', (order) => order >= 0),
]);

/** docker's functions for the headings of a table: the heading itself. */
export const headingFunctions: ReadonlyMap<string, TemplateFunction> = new Map([
  ...functions,
  ...['json', 'lower', 'upper', 'title', 'truncate', 'pad'].map((name): [string, TemplateFunction] => [
    name,
    { ...(functions.get(name) as TemplateFunction), call: ([value]) => value },
  ]),
]);
