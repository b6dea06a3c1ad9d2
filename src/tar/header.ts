// The 512-byte header block of a tar member: its fields, dialect, checksum and numbers.
//
// Sources: POSIX.1-2017, pax, "ustar Interchange Format"; GNU tar manual, "Basic Tar Format"; star(5).
import { InputError } from '../vfs/input-error.ts';
import { latin1Of } from '../vfs/names.ts';
import { showName } from '../vfs/show-text.ts';
import { Place } from './place.ts';

/**
 * Offset of each field in the header block, in bytes.
 * | offset | size | name     | meaning |
 * | ---    | ---  | ---      | ---     |
 * | 0      | 100  | name     | NUL-ended unless full |
 * | 100    | 8    | mode     | number; may carry file-type bits |
 * | 108    | 8    | uid      | number |
 * | 116    | 8    | gid      | number |
 * | 124    | 12   | size     | number |
 * | 136    | 12   | mtime    | number, seconds |
 * | 148    | 8    | checksum | octal sum of the block's bytes, this field taken as spaces |
 * | 156    | 1    | typeflag | |
 * | 157    | 100  | linkname | NUL-ended unless full |
 * | 257    | 8    | magic    | "ustar", NUL, "00" (POSIX); "ustar  ", NUL (GNU); anything else: v7 |
 * | 265    | 64   | uname, gname | not used: numbers own files |
 * | 329    | 8    | devmajor | number |
 * | 337    | 8    | devminor | number |
 * | 345    | 155  | prefix   | POSIX: the path before "/" and name |
 * | 345    | 12   | atime    | GNU: number, seconds, or empty |
 * | 357    | 12   | ctime    | GNU: the same; decides the dialect |
 * | 386    | 96   | sparse   | GNU type S: four pairs of offset and length, 12 bytes each |
 * | 482    | 1    | isextended | GNU type S: not NUL if extension blocks follow |
 * | 483    | 12   | realsize | GNU type S: number |
 * | 476    | 12   | atime    | star ("tar", NUL at 508): number; the prefix has only 131 bytes |
 */
export const Field = {
  name: 0,
  mode: 100,
  uid: 108,
  gid: 116,
  size: 124,
  mtime: 136,
  checksum: 148,
  typeflag: 156,
  linkname: 157,
  magic: 257,
  devmajor: 329,
  devminor: 337,
  prefix: 345,
  gnuAtime: 345,
  gnuCtime: 357,
  sparse: 386,
  isExtended: 482,
  realSize: 483,
  starAtime: 476,
  starMagic: 508,
} as const;

export const BLOCK_SIZE = 512;
export const NAME_SIZE = 100;
export const PREFIX_SIZE = 155;
export const STAR_PREFIX_SIZE = 131;
/** Linux gives every symlink this mode and ignores the header's. Python's tarfile writes 0644. */
export const SYMLINK_PERMISSIONS = 0o777;

export const Dialect = { v7: 0, posix: 1, gnu: 2, star: 3 } as const;
export type Dialect = (typeof Dialect)[keyof typeof Dialect];

const SPACE = 0x20;

/**
 * The dialect of the header block at index `at`, from its magic.
 *
 * Go before 1.8 wrote GNU headers with a ustar prefix in the place of the times, for a large number with a long name.
 * Go's reader counts such a header as POSIX if the prefix is ASCII, else it reads neither prefix nor times; so does
 * this function.
 */
export function dialectOf(bytes: Uint8Array, at: number): Dialect {
  const magic = at + Field.magic;
  // "ustar"
  if (
    bytes[magic] !== 0x75 ||
    bytes[magic + 1] !== 0x73 ||
    bytes[magic + 2] !== 0x74 ||
    bytes[magic + 3] !== 0x61 ||
    bytes[magic + 4] !== 0x72
  ) {
    return Dialect.v7;
  }
  if (bytes[magic + 5] === SPACE) {
    if (hasGnuTimes(bytes, at)) return Dialect.gnu;
    return isAsciiPrefix(bytes, at + Field.prefix) ? Dialect.posix : Dialect.v7;
  }
  const star = at + Field.starMagic;
  const isStar =
    bytes[star] === 0x74 && bytes[star + 1] === 0x61 && bytes[star + 2] === 0x72 && bytes[star + 3] === 0;
  return isStar ? Dialect.star : Dialect.posix;
}

/** True if atime and ctime are numbers, or empty. */
function hasGnuTimes(bytes: Uint8Array, at: number): boolean {
  const isNumber = (field: number): boolean => {
    const first = bytes[at + field] as number;
    return first === 0 || first >= 0x80 || isOctal(bytes, at + field, 12);
  };
  return isNumber(Field.gnuAtime) && isNumber(Field.gnuCtime);
}

/** True for octal digits up to the first NUL, with spaces or NULs around them. */
function isOctal(bytes: Uint8Array, start: number, size: number): boolean {
  return /^[ \0]*[0-7]* *(?:\0|$)/.test(latin1Of(bytes.subarray(start, start + size)));
}

function isAsciiPrefix(bytes: Uint8Array, prefix: number): boolean {
  const end = endOfString(bytes, prefix, PREFIX_SIZE);
  return bytes.subarray(prefix, end).every((byte) => byte < 0x80);
}

/** True if `bytes` start with a header block whose checksum is right. */
export function isTarHeader(bytes: Uint8Array): boolean {
  if (bytes.length < BLOCK_SIZE || bytes.subarray(0, BLOCK_SIZE).every((byte) => byte === 0)) return false;
  const place = new Place('');
  place.moveTo(0, 0);
  try {
    checkChecksum(bytes, 0, place);
    return true;
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return false;
  }
}

/**
 * Throws FormatError unless the checksum field equals the sum of the block's bytes, unsigned or (old writers) signed.
 */
export function checkChecksum(bytes: Uint8Array, at: number, place: Place): void {
  const expected = readNumber(bytes, at + Field.checksum, 8, place, 'a checksum');
  let sum = 8 * SPACE;
  const field = at + Field.checksum;
  for (let i = at; i < field; i++) sum += bytes[i] as number;
  const end = at + BLOCK_SIZE;
  for (let i = field + 8; i < end; i++) sum += bytes[i] as number;
  if (sum === expected) return;
  let signed = sum;
  for (let i = at; i < end; i++) {
    if ((i < field || i >= field + 8) && (bytes[i] as number) >= 0x80) signed -= 0x100;
  }
  if (signed !== expected) {
    throw place.error(field, `the checksum ${expected}`, `${sum}, the sum of the header's bytes`);
  }
}

/** The end of the NUL-terminated string in a field of `size` bytes. */
export function endOfString(bytes: Uint8Array, start: number, size: number): number {
  const limit = start + size;
  let end = start;
  while (end < limit && bytes[end] !== 0) end++;
  return end;
}

/**
 * The number in a field of `size` bytes: octal digits with spaces or NULs on either side (no digits mean 0), or GNU's
 * base-256. Throws FormatError for anything else and beyond 2^53 in either direction. `what` names the field in the
 * message.
 */
export function readNumber(
  bytes: Uint8Array,
  start: number,
  size: number,
  place: Place,
  what: string,
): number {
  if ((bytes[start] as number) >= 0x80) return readBase256(bytes, start, size, place, what);
  const end = start + size;
  let at = start;
  while (at < end && (bytes[at] === SPACE || bytes[at] === 0)) at++;
  const first = at;
  let value = 0;
  while (at < end) {
    const digit = (bytes[at] as number) - 0x30;
    if (digit < 0 || digit > 7) break;
    value = value * 8 + digit;
    at++;
  }
  // Bytes after the first space or NUL are not part of the number.
  if (at === end || ((bytes[at] === SPACE || bytes[at] === 0) && at > first)) return value;
  throw place.error(start, `'${showName(bytes.subarray(start, end))}'`, `${what} in octal`);
}

/** Two's complement, big-endian, without the topmost bit, which is always 1. */
function readBase256(bytes: Uint8Array, start: number, size: number, place: Place, what: string): number {
  const isNegative = ((bytes[start] as number) & 0x40) !== 0;
  const flip = isNegative ? 0xff : 0;
  let value = ((bytes[start] as number) ^ flip) & 0x7f;
  for (let at = start + 1; at < start + size; at++) {
    value = value * 256 + ((bytes[at] as number) ^ flip);
  }
  if (value >= Number.MAX_SAFE_INTEGER) {
    throw place.error(start, 'a base-256 number past 2^53', `${what} within 53 bits`);
  }
  return isNegative ? -value - 1 : value;
}
