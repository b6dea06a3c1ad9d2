// Foreign text and file names for people: messages, listings, reports.
//
// What a terminal could obey, or show as something else, is escaped as `ls -b` and git escape it: \t and the like, other
// bytes of the UTF-8 encoding in octal (\033). These are control characters (C1 too), format characters (bidi controls,
// zero-width ones), and line and paragraph separators.
import { isUtf8 } from 'node:buffer';
import { bytesOf } from './names.ts';

const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;
const EACH_UNSAFE = new RegExp(UNSAFE, 'gu');

const letters: Readonly<Record<number, string>> = {
  0x07: '\\a',
  0x08: '\\b',
  0x09: '\\t',
  0x0a: '\\n',
  0x0b: '\\v',
  0x0c: '\\f',
  0x0d: '\\r',
};

/** "\t", "\033": C's escape sequence of one byte. */
export function escapeByte(byte: number): string {
  return letters[byte] ?? `\\${byte.toString(8).padStart(3, '0')}`;
}

function escapeBytes(bytes: Uint8Array): string {
  return Array.from(bytes, escapeByte).join('');
}

/** A text in which names are only a part, such as an instruction of a Dockerfile: backslashes stay as they are. */
export function showText(text: string): string {
  if (!UNSAFE.test(text)) return text;
  return text.replace(EACH_UNSAFE, (character) => escapeBytes(Buffer.from(character)));
}

/** The same for a text of several lines, which stay apart. */
export function showLines(text: string): string {
  return text.split('\n').map(showText).join('\n');
}

/** The bytes of a name or path: those that are not valid UTF-8 are escaped, and a backslash is doubled. */
export function showName(name: Uint8Array): string {
  if (isUtf8(name)) return showText(Buffer.from(name).toString().replaceAll('\\', '\\\\'));
  let shown = '';
  for (let at = 0; at < name.length;) {
    const length = characterLength(name, at);
    const bytes = name.subarray(at, at + Math.max(1, length));
    shown += length > 0 ? showName(bytes) : escapeBytes(bytes);
    at += bytes.length;
  }
  return shown;
}

/** A path from a root, with a leading slash; `latin1`: without it, a character for each byte. */
export function showPath(latin1: string): string {
  return `/${showName(bytesOf(latin1))}`;
}

/** Bytes of the UTF-8 character at `at`; 0 if it is not one. */
function characterLength(name: Uint8Array, at: number): number {
  const first = name[at] as number;
  const length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  const bytes = name.subarray(at, at + length);
  return bytes.length === length && isUtf8(bytes) ? length : 0;
}

/** A value as JSON, in which unsafe characters are \uXXXX, which means the same; `indent`: blanks a level. */
export function showJson(value: unknown, indent?: number): string {
  const escapeUnits = (character: string): string =>
    character.replace(/./gs, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
  return JSON.stringify(value, undefined, indent)
    .split('\n')
    .map((line) => line.replace(EACH_UNSAFE, escapeUnits))
    .join('\n');
}
