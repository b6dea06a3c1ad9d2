import { expect, it } from 'vitest';
import { parseTopics } from '../../../src/cli/manual/topics.ts';

it('reads headings, paragraphs, lists of terms and blocks', () => {
  const markdown =
    '# FILES\n\nSome\nfiles:\n\n- `a b`: one,\n  two\n- `c`: three\n\n# EXAMPLES\n\n```\nls\n  -l\n```\n';
  expect(parseTopics(markdown)).toEqual([
    {
      title: 'FILES',
      blocks: [
        { kind: 'text', text: 'Some files:' },
        {
          kind: 'list',
          items: [
            ['a b', 'one, two'],
            ['c', 'three'],
          ],
        },
      ],
    },
    { title: 'EXAMPLES', blocks: [{ kind: 'literal', lines: ['ls', '  -l'] }] },
  ]);
});

it.each([
  ['text', "the page begins with 'text', expected a heading"],
  ['# A\n\n> quoted', "a manual page can't have a blockquote: '> quoted'"],
  ['# A\n\n- item', "found 'item', expected `TERM`: text"],
])('rejects %j', (markdown, message) => {
  expect(() => parseTopics(markdown)).toThrow(message);
});
