// The values that a template works on, by the rules of Go for what json.Unmarshal makes.
import { templateError, unknownField } from './template-error.ts';

/** False for false, 0, nil, and empty strings, lists and maps. */
export function isTrue(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return sizeOf(value) > 0;
  return Boolean(value);
}

/** Elements of a list or map, characters of a string; throws UsageError for others. */
export function lengthOf(value: unknown): number {
  if (typeof value === 'string') return value.length;
  if (typeof value === 'object' && value !== null) return sizeOf(value);
  throw templateError(`len: found '${printValue(value)}', expected a string, a list or a map`);
}

const sizeOf = (value: object): number => (Array.isArray(value) ? value.length : Object.keys(value).length);

/** Throws UsageError if there is no such field. */
export function fieldOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw templateError(`found .${name} of '${printValue(value)}', which has no fields`);
  }
  if (Object.hasOwn(value, name)) return (value as Record<string, unknown>)[name];
  throw unknownField(name, Object.keys(value));
}

/** The element at an index or key; undefined for a missing key. Throws UsageError for an index outside a list. */
export function elementAt(value: unknown, key: unknown): unknown {
  if (Array.isArray(value)) {
    if (typeof key === 'number' && Number.isInteger(key) && key >= 0 && key < value.length) {
      return value[key] as unknown;
    }
    throw templateError(`index: found ${printValue(key)}, expected 0 to ${value.length - 1}`);
  }
  if (value === null || value === undefined) return undefined;
  if (typeof value !== 'object' || typeof key !== 'string') {
    throw templateError(`index: found '${printValue(key)}' of '${printValue(value)}'`);
  }
  return Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined;
}

/** As Go's %v: "[a b]", "map[k:v]". */
export function printValue(value: unknown): string {
  if (value === null || value === undefined) return '<nil>';
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return `[${value.map(printValue).join(' ')}]`;
  if (typeof value !== 'object') return JSON.stringify(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `map[${entries.map(([key, each]) => `${key}:${printValue(each)}`).join(' ')}]`;
}
