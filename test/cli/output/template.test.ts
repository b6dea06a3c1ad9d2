import { expect, it } from 'vitest';
import { formatRows } from '../../../src/cli/output/template.ts';

const titles = { ID: 'IMAGE', Size: 'SIZE' };
const rows = [
  { ID: 'abc', Size: '7B' },
  { ID: '<missing>', Size: '318kB' },
];

it.each([
  ['{{.ID}}: {{ .Size }}', 'abc: 7B\n<missing>: 318kB\n'],
  ['json', '{"ID":"abc","Size":"7B"}\n{"ID":"<missing>","Size":"318kB"}\n'],
  ['{{json .ID}}', '"abc"\n"<missing>"\n'],
  ['{{json .}}', '{"ID":"abc","Size":"7B"}\n{"ID":"<missing>","Size":"318kB"}\n'],
  ['{{upper .ID}}{{lower .Size}}', 'ABC7b\n<MISSING>318kb\n'],
  ['a\\tb\\\\', 'a\tb\\\na\tb\\\n'],
  ['table {{.Size}}\\t{{.ID}}', 'SIZE   IMAGE\n7B     abc\n318kB  <missing>\n'],
])('%s', (format, text) => {
  expect(formatRows(format, titles, rows)).toBe(text);
});

it('lists the existing fields in its error', () => {
  expect(() => formatRows('{{.Nope}}', titles, rows)).toThrow(
    '--format: found {{.Nope}}, expected one of .ID, .Size, or json of it',
  );
  expect(() => formatRows('{{.ID', titles, rows)).toThrow("found '{{' without '}}'");
  expect(() => formatRows('{{range .}}', titles, rows)).toThrow('found {{range .}}');
});
