// Orders, compares and shows file names. File names are bytes: no code decodes them as UTF-8, except to show them.

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

/** A name for messages: printable ASCII and valid UTF-8 unchanged, other bytes as \xNN, like `ls -b`. */
export function showName(name: Uint8Array): string {
  const text = Buffer.from(name).toString('utf8');
  if (!text.includes('\ufffd') && !/[\p{Cc}\p{Cf}]/u.test(text)) return text;
  return Array.from(name, (byte) =>
    byte >= 0x20 && byte < 0x7f && byte !== 0x5c
      ? String.fromCharCode(byte)
      : `\\x${byte.toString(16).padStart(2, '0')}`,
  ).join('');
}

/** Foreign text for messages: control characters as \xNN, so that none reaches a terminal. */
export function showText(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\u2028\u2029]/gu,
    (character) => `\\x${(character.codePointAt(0) ?? 0).toString(16).padStart(2, '0')}`,
  );
}

/** A name as a string with one character per byte, which is the form of map keys. */
export function latin1Of(name: Uint8Array): string {
  return Buffer.from(name.buffer, name.byteOffset, name.length).toString('latin1');
}

/** The inverse of `latin1Of`. */
export function bytesOf(name: string): Buffer {
  return Buffer.from(name, 'latin1');
}
