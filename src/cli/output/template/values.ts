// The values that a template works on, by the rules of Go for what json.Unmarshal makes.
import { templateError, unknownField } from './template-error.ts';

/** False for false, 0, nil, and empty strings, lists and maps. */
export function isTrue(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return sizeOf(value) > 0;
  return Boolean(value);
}

/** Elements of a list or map, bytes of a string; throws UsageError for others. */
export function lengthOf(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
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

/** The element at an index or key, a byte of a string; undefined for a missing key. Throws UsageError for an index outside a list. */
export function elementAt(value: unknown, key: unknown): unknown {
  if (typeof value === 'string' || Array.isArray(value)) {
    const elements: readonly unknown[] = typeof value === 'string' ? [...Buffer.from(value)] : value;
    if (isIndex(key, elements.length - 1)) return elements[key];
    throw templateError(`index: found ${printValue(key)}, expected 0 to ${elements.length - 1}`);
  }
  if (value === null || value === undefined) return undefined;
  if (typeof value !== 'object' || typeof key !== 'string') {
    throw templateError(`index: found '${printValue(key)}' of '${printValue(value)}'`);
  }
  return Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined;
}

/** `value[start:end]` of a list, or of the bytes of a string. Throws UsageError for limits outside of it. */
export function slice(value: unknown, limits: readonly unknown[]): unknown {
  if (typeof value === 'string')
    return Buffer.from(value)
      .subarray(...limitsOf(value, limits))
      .toString();
  if (Array.isArray(value)) return value.slice(...limitsOf(value, limits));
  throw templateError(`slice: found '${printValue(value)}', expected a string or a list`);
}

function limitsOf(value: string | readonly unknown[], limits: readonly unknown[]): [number, number] {
  const length = lengthOf(value);
  const [start = 0, end = length] = limits;
  if (isIndex(start, length) && isIndex(end, length) && start <= end) return [start, end];
  throw templateError(`slice: found ${limits.map(printValue).join(' and ')}, expected 0 to ${length}`);
}

const isIndex = (value: unknown, largest: number): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= largest;

/** As Go's %v: "[a b]", "map[k:v]". */
export function printValue(value: unknown): string {
  if (value === null || value === undefined) return '<nil>';
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return `[${value.map(printValue).join(' ')}]`;
  if (typeof value !== 'object') return JSON.stringify(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `map[${entries.map(([key, each]) => `${key}:${printValue(each)}`).join(' ')}]`;
}
