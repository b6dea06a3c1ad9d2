import { expect, it } from 'vitest';
import { ellipsize, widthOf } from '../../../src/cli/output/terminal-lines.ts';

it('truncates a text to columns; wide characters have two', () => {
  expect(ellipsize('abcdef', 6)).toBe('abcdef');
  expect(ellipsize('abcdefg', 6)).toBe('abcde\u2026');
  expect(ellipsize('\u6f22\u5b57\u6f22', 6)).toBe('\u6f22\u5b57\u6f22');
  expect(ellipsize('\u6f22\u5b57\u6f22\u5b57', 6)).toBe('\u6f22\u5b57\u2026');
  expect(ellipsize('e\u0301e\u0301', 2)).toBe('e\u0301e\u0301');
  expect(widthOf('\u6f22 e\u0301')).toBe(4);
});
