// Orders, compares and keys file names. File names are bytes: no code decodes them as UTF-8, except show-text.ts.

export const NAME_MAX = 255;
export const PATH_MAX = 4096;

/** Orders two byte ranges as memcmp does; a prefix comes before the longer name. */
export function compareNames(
  a: Uint8Array,
  aStart: number,
  aEnd: number,
  b: Uint8Array,
  bStart: number,
  bEnd: number,
): number {
  const length = Math.min(aEnd - aStart, bEnd - bStart);
  for (let i = 0; i < length; i++) {
    const difference = (a[aStart + i] as number) - (b[bStart + i] as number);
    if (difference !== 0) return difference;
  }
  return aEnd - aStart - (bEnd - bStart);
}

/** A name as a string with one character per byte, which is the form of map keys. */
export function latin1Of(name: Uint8Array): string {
  return Buffer.from(name.buffer, name.byteOffset, name.length).toString('latin1');
}

/** The inverse of `latin1Of`. */
export function bytesOf(name: string): Buffer {
  return Buffer.from(name, 'latin1');
}
