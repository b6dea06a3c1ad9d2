import { expect, it } from 'vitest';
import { formatTable } from '../../../src/cli/output/table.ts';

const columns = [{ title: 'SOURCE' }, { title: 'PID', align: 'right' }] as const;

it('aligns columns, and ends lines without blanks', () => {
  const rows = [
    ['a.tar', '7'],
    ['longer.tar', '12345'],
  ];
  expect(formatTable(columns, rows, undefined)).toBe(
    ['SOURCE        PID', 'a.tar           7', 'longer.tar  12345', ''].join('\n'),
  );
});

it('has only titles if there are no rows', () => {
  expect(formatTable(columns, [], 80)).toBe('SOURCE  PID\n');
});

it('is truncated to the width of a terminal, the widest column first, and complete without one', () => {
  const rows = [['x'.repeat(100), '12345']];
  const lines = formatTable(columns, rows, 40).trimEnd().split('\n');
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(40);
  expect(lines[1]).toMatch(/^x+\u2026 +12345$/);
  expect(formatTable(columns, rows, undefined)).toContain('x'.repeat(100));
});

it('truncates a column with isWhole last', () => {
  const rows = [['x'.repeat(30), '509B (virtual 319kB)']];
  const withWhole = [columns[0], { title: 'SIZE', isWhole: true }] as const;
  expect(formatTable(withWhole, rows, 40)).toMatch(/\nx{17}\u2026 {2}509B \(virtual 319kB\)\n$/);
  expect(formatTable(withWhole, rows, 25)).toMatch(/\nx{7}\u2026 {2}509B \(virtual \u2026\n$/);
});

it('leaves out optional columns, the last one first, before it truncates titles', () => {
  const optional = { isOptional: true } as const;
  const many = [
    { title: 'A' },
    { title: 'DIGEST', isWhole: true, ...optional },
    { title: 'B' },
    { title: 'PLACE', ...optional },
  ] as const;
  const rows = [['a'.repeat(20), '0123456789ab', 'b'.repeat(20), 'c'.repeat(20)]];
  const titlesAt = (width: number): string[] =>
    formatTable(many, rows, width).split('\n')[0]?.split(/ +/) ?? [];
  expect(titlesAt(42)).toEqual(['A', 'DIGEST', 'B', 'PLACE']);
  expect(titlesAt(41)).toEqual(['A', 'DIGEST', 'B']);
  expect(titlesAt(31)).toEqual(['A', 'B']);
  expect(titlesAt(17)).toEqual(['A']);
});

it('escapes control characters of a name as ls -b does', () => {
  expect(formatTable(columns, [['a\nb\u001b[31m', '1']], undefined)).toContain('a\\nb\\033[31m');
});

it('aligns the columns of 40,000 rows, which are laid out in pieces', () => {
  const rows = Array.from({ length: 40_000 }, (_, i) => [`${i}.tar`, String(i)]);
  const lines = formatTable(columns, rows, undefined).split('\n');
  expect(lines).toHaveLength(40_002);
  expect(new Set(lines.slice(0, -1).map((line) => line.length))).toEqual(
    new Set(['39999.tar  39999'.length]),
  );
});

it('styles a cell without its padding, after it is escaped and truncated', () => {
  const styled = (text: string) => ({ text, style: '01;38;5;208' });
  const on = '\x1b[01;38;5;208m';
  expect(formatTable(columns, [[styled('a'), styled('7')]], undefined)).toBe(
    `SOURCE  PID\n${on}a\x1b[m         ${on}7\x1b[m\n`,
  );
  expect(formatTable(columns, [[styled('x\x1b[31m'.repeat(9)), '7']], 20)).toBe(
    `SOURCE           PID\n${on}x\\033[31mx\\033\u2026\x1b[m    7\n`,
  );
  expect(formatTable(columns, [[{ text: 'a', style: '' }, '7']], undefined)).toBe(
    'SOURCE  PID\na         7\n',
  );
});
