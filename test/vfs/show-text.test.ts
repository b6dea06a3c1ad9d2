import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { escapeByte, showJson, showLines, showName, showText } from '../../src/vfs/show-text.ts';

const latin1 = (text: string): Uint8Array => Buffer.from(text, 'latin1');

describe('a name', () => {
  it.each([
    ['a tab', 'a\tb', 'a\\tb'],
    ['a newline', 'a\nb', 'a\\nb'],
    ['ESC', '\x1b[31m', '\\033[31m'],
    ['DEL', '\x7f', '\\177'],
    ['a backslash', 'dm\\x2d0', 'dm\\\\x2d0'],
    ['quotes and blanks', `a "b" 'c'`, `a "b" 'c'`],
    ['an invalid byte', '\xffx', '\\377x'],
    ['an invalid byte after a valid character', '\xc3\xa9\xc3', '\u00e9\\303'],
    ['an overlong encoding', '\xc0\xaf', '\\300\\257'],
    ['a surrogate', '\xed\xa0\x80', '\\355\\240\\200'],
    ['a cut character of four bytes', '\xf0\x9f\x98', '\\360\\237\\230'],
    ['a character of four bytes', '\xf0\x9f\x98\x80', '\u{1f600}'],
    ['a bidi control, U+202E', '\xe2\x80\xaegpj.exe', '\\342\\200\\256gpj.exe'],
    ['a bidi control beside an invalid byte', '\xe2\x80\xae\xff', '\\342\\200\\256\\377'],
    ['a C1 control, U+009B', '\xc2\x9b31m', '\\302\\23331m'],
    ['U+FFFD', '\xef\xbf\xbd', '\ufffd'],
  ])('with %s', (_, name, shown) => {
    expect(showName(latin1(name))).toBe(shown);
  });

  it('is escaped as ls -b escapes it, except for blanks', () => {
    const directory = mkdtempSync(join(tmpdir(), 'stratafs-names-'));
    try {
      // Every byte that a name can have, in names of one byte between two letters.
      const bytes = Array.from({ length: 255 }, (_, i) => i + 1).filter(
        (byte) => byte !== 0x20 && byte !== 0x2f,
      );
      const names = bytes.map((byte) => Buffer.from([0x61, byte, 0x62]));
      for (const name of names) writeFileSync(Buffer.concat([Buffer.from(`${directory}/`), name]), '');
      const listed = execFileSync('ls', ['-b', directory], { encoding: 'utf8', env: { LC_ALL: 'C' } });
      expect(names.map(showName).sort()).toEqual(listed.trimEnd().split('\n').sort());
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});

describe('a text', () => {
  it.each([
    ['RUN a \\\t b', 'RUN a \\\\t b'],
    ['a\u001b[31m\u202eb\nc\u2028d \u00e9', 'a\\033[31m\\342\\200\\256b\\nc\\342\\200\\250d \u00e9'],
    ['\u009b', '\\302\\233'],
  ])('%j is shown as %s', (text, shown) => {
    expect(showText(text)).toBe(shown);
  });

  it('of several lines keeps them apart', () => {
    expect(showLines('a\tb\nc\r')).toBe('a\\tb\nc\\r');
  });
});

it('JSON has no character that a terminal obeys, and means the same', () => {
  const value = { name: 'a\u009b\u202e\u{e0001}\ufeff\n\u007f', next: ['\u00e9'] };
  const json = showJson(value, 2);
  expect(json).toBe(
    '{\n  "name": "a\\u009b\\u202e\\udb40\\udc01\\ufeff\\n\\u007f",\n  "next": [\n    "\u00e9"\n  ]\n}',
  );
  expect(JSON.parse(json)).toEqual(value);
});

it('a byte is a letter of C or three octal digits', () => {
  expect([0x00, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x1b, 0xff].map(escapeByte).join('')).toBe(
    '\\000\\a\\b\\t\\n\\v\\f\\r\\033\\377',
  );
});
