// printf of Go for the values of templates: %s, %v, %q, %d, %t, %x, %f and %%, with flags, width and precision.
import { printValue } from './values.ts';
import { templateError } from './template-error.ts';

/** Throws UsageError for other verbs, for a wrong number of values, and for a width over `maxWidth`. */
export function formatPrintf(format: string, values: readonly unknown[], maxWidth: number): string {
  const rest = [...values];
  const text = format.replace(
    /%([-+0 ]*)(\d*)(?:\.(\d*))?(.?)/gsu,
    (whole, flags: string, width: string, precision: string | undefined, verb: string) => {
      if (verb === '%') return '%';
      if (Number(width) > maxWidth || Number(precision) > maxWidth)
        throw templateError(`printf: found '${whole}', expected a width of at most ${maxWidth}`);
      if (rest.length === 0) throw templateError(`printf: found no value for '${whole}'`);
      return align(formatVerb(verb, rest.shift(), precision, whole), flags, Number(width));
    },
  );
  if (rest.length > 0) throw templateError(`printf: found no verb for '${printValue(rest[0])}'`);
  return text;
}

function formatVerb(verb: string, value: unknown, precision: string | undefined, whole: string): string {
  switch (verb) {
    case 's':
    case 'v':
      return Array.from(printValue(value))
        .slice(0, precision === undefined ? undefined : Number(precision))
        .join('');
    case 'q':
      return JSON.stringify(printValue(value));
    case 't':
      if (typeof value === 'boolean') return String(value);
      break;
    case 'd':
      if (typeof value === 'number' && Number.isInteger(value)) return String(value);
      break;
    case 'x':
      if (typeof value === 'number' && Number.isInteger(value)) return value.toString(16);
      if (typeof value === 'string') return Buffer.from(value).toString('hex');
      break;
    case 'f':
      if (typeof value === 'number') return value.toFixed(Math.min(100, Number(precision ?? 6)));
      break;
    default:
      throw templateError(`printf: found '${whole}', expected one of %s, %v, %q, %d, %t, %x, %f`);
  }
  throw templateError(`printf: found '${printValue(value)}' for '${whole}'`);
}

function align(text: string, flags: string, width: number): string {
  if (flags.includes('-')) return text.padEnd(width);
  const isNumber = /^[+-]?\d/.test(text);
  return flags.includes('0') && isNumber ? padNumber(text, width) : text.padStart(width);
}

/** Zeros come after the sign. */
function padNumber(text: string, width: number): string {
  const sign = /^[+-]?/.exec(text)?.[0] ?? '';
  return sign + text.slice(sign.length).padStart(width - sign.length, '0');
}
