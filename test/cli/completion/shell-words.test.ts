import { homedir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { expandHome, unquoteWord } from '../../../src/cli/completion/shell-words.ts';

describe('unquoteWord', () => {
  it.each([
    ['plain', 'plain'],
    ['a\\ b', 'a b'],
    ['"a b', 'a b'],
    [`'a\\b'"c\\"d"`, 'a\\bc"d'],
    ['--x="a b"c', '--x=a bc'],
    ['end\\', 'end'],
    ['$HOME/`ls`', '$HOME/`ls`'],
  ])('%s is %s', (raw, text) => {
    expect(unquoteWord(raw)).toBe(text);
  });
});

describe('expandHome', () => {
  it("expands the user's home directory, but not another user's", () => {
    expect(expandHome('~/x')).toBe(`${homedir()}/x`);
    expect(expandHome('~root/x')).toBe('~root/x');
  });
});
