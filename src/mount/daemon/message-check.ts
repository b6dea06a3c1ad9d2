// Checks of values from a socket: each returns the value with its type, or throws InputError that names the field.
import { InputError } from '../../vfs/input-error.ts';

/** `name`: the field, for the message. */
export type Check<T> = (value: unknown, name: string) => T;

/** What a check returns. */
export type Checked<C> = C extends Check<infer T> ? T : never;

const MAX_TEXT = 1 << 16;

function refuse(name: string, expected: string): never {
  throw new InputError(`${name}: found something else, expected ${expected}`);
}

/** A string without NUL. */
export const text: Check<string> = (value, name) =>
  typeof value === 'string' && value.length <= MAX_TEXT && !value.includes('\0')
    ? value
    : refuse(name, `a text of at most ${MAX_TEXT} characters without NUL`);

export const absolutePath: Check<string> = (value, name) => {
  const path = text(value, name);
  return path.startsWith('/') ? path : refuse(name, 'an absolute path');
};

export const flag: Check<boolean> = (value, name) =>
  typeof value === 'boolean' ? value : refuse(name, 'true or false');

/** A whole number from 0 on that JavaScript holds exactly. */
export const whole: Check<number> = (value, name) =>
  Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : refuse(name, 'a whole number');

export const optional =
  <T>(check: Check<T>): Check<T | undefined> =>
  (value, name) =>
    value === undefined ? undefined : check(value, name);

export const oneOf =
  <const T extends string | number>(...values: readonly T[]): Check<T> =>
  (value, name) =>
    values.find((each) => each === value) ?? refuse(name, `one of ${values.join(', ')}`);

export const list =
  <T>(check: Check<T>, limit: number): Check<T[]> =>
  (value, name) =>
    Array.isArray(value) && value.length <= limit
      ? value.map((each, i) => check(each, `${name}[${i}]`))
      : refuse(name, `a list of at most ${limit}`);

/** An object with these fields and no others; a field that is undefined is left out. */
export const record =
  <T extends Readonly<Record<string, Check<unknown>>>>(
    fields: T,
  ): Check<{ readonly [Name in keyof T]: Checked<T[Name]> }> =>
  (value, name) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return refuse(name, 'an object');
    const object = value as Readonly<Record<string, unknown>>;
    const unknown = Object.keys(object).find((key) => !Object.hasOwn(fields, key));
    if (unknown !== undefined) {
      throw new InputError(
        `${name}.${unknown.slice(0, 40)}: found a field that is not known here, expected none`,
      );
    }
    const checked = Object.entries(fields)
      .map(([key, check]) => [key, check(object[key], `${name}.${key}`)] as const)
      .filter(([, field]) => field !== undefined);
    return Object.fromEntries(checked) as { readonly [Name in keyof T]: Checked<T[Name]> };
  };
