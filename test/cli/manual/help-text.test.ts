import { describe, expect, it } from 'vitest';
import { parseHelp } from '../../../src/cli/manual/help-text.ts';

describe('parseHelp', () => {
  it('joins the lines of a paragraph, and those of a list', () => {
    expect(
      parseHelp('\nA paragraph\nof two lines:\n  a, b   one\n  --c    two  three\nGoes on.\n\nAnother.'),
    ).toEqual([
      { kind: 'text', text: 'A paragraph of two lines:' },
      {
        kind: 'list',
        items: [
          ['a, b', 'one'],
          ['--c', 'two  three'],
        ],
      },
      { kind: 'text', text: 'Goes on.' },
      { kind: 'text', text: 'Another.' },
    ]);
  });

  it('does not change examples, and terms without a meaning', () => {
    expect(parseHelp('  [section]\n  name = 1\n\nExamples:\n  ls     what is there\n    deeper')).toEqual([
      { kind: 'literal', lines: ['[section]', 'name = 1'] },
      { kind: 'text', text: 'Examples:' },
      { kind: 'literal', lines: ['ls     what is there', '  deeper'] },
    ]);
  });

  it('finds nothing in an empty text', () => {
    expect(parseHelp('\n \n')).toEqual([]);
  });
});
