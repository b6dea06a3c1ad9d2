// Decimal numbers in pax records; times may have a fraction. Source: POSIX.1-2017, pax, "pax Extended Header".
import { showName } from '../vfs/show-text.ts';
import type { Place } from './place.ts';

/** Seconds since 1970, rounded down, and the nanoseconds to add. */
export class Timestamp {
  sec = 0;
  nsec = 0;
}

const isDigit = (byte: number | undefined): boolean => byte !== undefined && byte >= 0x30 && byte <= 0x39;

function refuse(bytes: Uint8Array, start: number, end: number, place: Place, expected: string): Error {
  return place.error(start, `'${showName(bytes.subarray(start, Math.min(end, start + 40)))}'`, expected);
}

/** A whole number from 0 to `max`, which has at most 53 bits. Throws FormatError, in which `what` names the number. */
export function readDecimal(
  bytes: Uint8Array,
  start: number,
  end: number,
  max: number,
  place: Place,
  what: string,
): number {
  let value = 0;
  let at = start;
  while (at < end && isDigit(bytes[at]) && value <= max) {
    value = value * 10 + ((bytes[at] as number) - 0x30);
    at++;
  }
  if (at === start || at < end || value > max) {
    throw refuse(bytes, start, end, place, `${what}, a decimal number up to ${max}`);
  }
  return value;
}

/**
 * A time: an optional sign, digits, an optional fraction of any length, rounded down to nanoseconds. Throws
 * FormatError.
 */
export function readTimestamp(
  bytes: Uint8Array,
  start: number,
  end: number,
  out: Timestamp,
  place: Place,
): void {
  const isNegative = bytes[start] === 0x2d;
  let at = isNegative || bytes[start] === 0x2b ? start + 1 : start;
  const first = at;
  let sec = 0;
  while (at < end && isDigit(bytes[at])) sec = sec * 10 + ((bytes[at++] as number) - 0x30);
  if (at === first) throw refuse(bytes, start, end, place, 'a time in seconds');
  let nsec = 0;
  let isFiner = false;
  if (at < end && bytes[at] === 0x2e) {
    at++;
    let scale = 100_000_000;
    while (at < end && isDigit(bytes[at])) {
      const digit = (bytes[at++] as number) - 0x30;
      if (scale >= 1) nsec += digit * scale;
      else if (digit > 0) isFiner = true;
      scale = scale >= 1 ? Math.floor(scale / 10) : 0;
    }
  }
  if (at < end || sec > Number.MAX_SAFE_INTEGER - 1) {
    throw refuse(bytes, start, end, place, 'a time in seconds, within 53 bits');
  }
  if (!isNegative) {
    out.sec = sec;
    out.nsec = nsec;
    return;
  }
  const below = nsec + (isFiner ? 1 : 0);
  out.sec = below > 0 ? -sec - 1 : -sec + 0;
  out.nsec = below > 0 ? 1_000_000_000 - below : 0;
}
