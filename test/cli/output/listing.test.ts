// Templates are tested in template/.
import { describe, expect, it } from 'vitest';
import { Listing } from '../../../src/cli/output/listing.ts';

const listing = new Listing([
  { name: 'ID', title: 'IMAGE' },
  { name: 'Size', title: 'SIZE', align: 'right' },
  { name: 'Comment', title: 'COMMENT' },
]);
const rows = [
  { fields: { ID: 'abc', Size: '7B', Comment: '' }, cells: { ID: { text: 'abc', style: '33' } } },
  { fields: { ID: '<missing>', Size: '318kB', Comment: 'a\tb' }, cells: { Size: '318kB (all)' } },
];
const shown = ['Size', 'ID'];

const formatted = (format: string | undefined): string => listing.parse(format).write(rows, shown);

describe('--format', () => {
  it.each([
    ['{{.ID}}: {{ .Size }}', 'abc: 7B\n<missing>: 318kB\n'],
    ['json', '{"ID":"abc","Size":"7B","Comment":""}\n{"ID":"<missing>","Size":"318kB","Comment":"a\\tb"}\n'],
    ['{{json .ID}}', '"abc"\n"<missing>"\n'],
    ['a\\tb\\nc', 'a\tb\nc\na\tb\nc\n'],
    ['{{join (split .Size "") "\\n"}}', '7\nB\n3\n1\n8\nk\nB\n'],
    ['table {{.Size}}\\t{{.ID}}', 'SIZE   IMAGE\n7B     abc\n318kB  <missing>\n'],
    ['table {{upper .ID}}\\t{{pad .Size 2 0}}', 'IMAGE      SIZE\nABC          7B\n<MISSING>    318kB\n'],
    ['table {{.ID}} {{.Size}}', 'IMAGE SIZE\nabc 7B\n<missing> 318kB\n'],
    ['table {{.ID}}\\t{{.Comment}}', 'IMAGE      COMMENT\nabc\n<missing>  a\\tb\n'],
    ['{{if .Comment}}{{.ID}}{{end}}', '\n<missing>\n'],
  ])('%s', (format, text) => {
    expect(formatted(format)).toBe(text);
  });

  it.each([undefined, 'table'])('%s is the table of the command, with its own cells', (format) => {
    expect(formatted(format)).toBe(
      ['       SIZE  IMAGE', '         7B  \x1b[33mabc\x1b[m', '318kB (all)  <missing>', ''].join('\n'),
    );
  });

  it.each([
    ['{{.Nope}}', 'found .Nope, expected one of .ID, .Size, .Comment'],
    ['{{with .ID}}{{$.Nope}}{{end}}', 'found .Nope, expected one of'],
    ['table {{if .ID}}{{.nope}}{{end}}', 'found .nope, expected one of .ID'],
    ['{{nope .ID}}', "found 'nope', expected a field or one of json, join,"],
    ['{{.ID', "found '{{' without '}}'"],
    ['{{range .ID}}', 'found {{range .ID}} without {{end}}'],
    ['{{.ID | .Size}}', 'found the end in {{.ID | .Size}}, expected a function'],
    [`{{${'('.repeat(5000)}.ID${')'.repeat(5000)}}}`, 'more than 100 nested parentheses'],
    ['{{if .ID}}'.repeat(5000), 'more than 100 nested blocks'],
  ])('%s is refused before there are rows', (format, message) => {
    expect(() => listing.parse(format)).toThrow(`--format: ${message}`);
  });

  it.each([
    ['{{pad .ID 2000000000 1}}', "pad: found '2000000000', expected a number from 0 to 10000"],
    ['{{printf "%2000000000s" .ID}}', 'expected a width of at most 10000'],
    ['{{.ID.Name}}', "found .Name of 'abc', which has no fields"],
    ['{{join .ID ","}}', "join: found 'abc', expected a list"],
  ])('%s is refused at the first row', (format, message) => {
    expect(() => formatted(format)).toThrow(message);
  });
});

it('says which fields the output shows', () => {
  const uses = (format: string | undefined, field: string): boolean =>
    listing.parse(format).uses(field, shown);
  expect(uses(undefined, 'Size')).toBe(true);
  expect(uses('table', 'Comment')).toBe(false);
  expect(uses('json', 'Comment')).toBe(true);
  expect(uses('{{json .}}', 'Comment')).toBe(true);
  expect(uses('{{with .ID}}{{.}}{{end}}', 'Size')).toBe(false);
  expect(uses('{{with .ID}}{{.}}{{$.Size}}{{end}}', 'Size')).toBe(true);
  expect(uses('{{with .ID}}{{json $}}{{end}}', 'Size')).toBe(true);
});

it('lists the fields for the help', () => {
  expect(listing.help).toBe('The fields of --format templates are .ID, .Size and .Comment.');
});
