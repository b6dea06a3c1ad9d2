import { Linter } from 'eslint';
import { expect, it } from 'vitest';
import { prosePlugin } from '../../scripts/prose-rule.js';

/** The findings in a source, as "line:column words". */
function lint(source: string): string[] {
  const config = {
    plugins: { prose: prosePlugin },
    rules: { 'prose/plain': 'error', 'prose/names': 'error' },
  };
  const messages = new Linter().verify(source, config as Linter.Config);
  return messages.map(
    ({ line, column, message }) => `${line}:${column} ${message.slice(0, message.indexOf('" '))}"`,
  );
}

it('reads line comments, block comments, strings and templates', () => {
  const source = "// it told\n/** it tells */\nf('whom');\nf(`behind ${a} us`);";
  expect(lint(source)).toEqual(['1:7 "told"', '2:8 "tells"', '3:4 "whom"', '4:4 "behind"']);
});

it('reads consecutive line comments as one text', () => {
  expect(lint('// what is\n// no directory')).toEqual(['1:9 "is no directory"']);
});

it('begins a new text after a line of code', () => {
  expect(lint('// what is\nf();\n// no directory')).toEqual([]);
});

it('ignores the names and the expressions of code', () => {
  expect(lint('tell(`${whom.behind}`); told.made();')).toEqual([]);
});

it('excepts a quotation that is marked', () => {
  expect(lint('// eslint-disable-next-line prose/plain -- the kernel says so\nf("told");')).toEqual([]);
});

it('refuses a variable or a parameter with the bare name of an act', () => {
  expect(lint('const made = 1; const f = (given) => given.known; const madeFile = 2;')).toEqual([
    '1:7 "made"',
    '1:28 "given"',
  ]);
});
