import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { understandWords } from '../../../src/cli/completion/command-words.ts';

const command = (): Command =>
  new Command('x').option('-o, --output <file>', '').option('--human [bool]', '').option('-q, --quiet', '');

/** The role of the last word, with its option by name. */
function roleOf(...words: string[]): unknown {
  const { role } = understandWords(command(), words);
  return role.kind === 'value' ? { ...role, option: role.option.long } : role;
}

describe('the last word', () => {
  it('is an argument, counted without options and their values', () => {
    expect(roleOf('a', '-o', 'b', '--output=c', '-od', '-q', '--human', '')).toEqual({
      kind: 'argument',
      index: 1,
    });
    expect(roleOf('--', '-o', '-q')).toEqual({ kind: 'argument', index: 1 });
    expect(roleOf('-', '')).toEqual({ kind: 'argument', index: 1 });
  });

  it('is the value of the option before it, or of its own', () => {
    expect(roleOf('-o', 'x')).toEqual({ kind: 'value', option: '--output', prefix: '' });
    expect(roleOf('-o', '-x')).toEqual({ kind: 'value', option: '--output', prefix: '' });
    expect(roleOf('--output=x=y')).toEqual({ kind: 'value', option: '--output', prefix: '--output=' });
    expect(roleOf('-ox')).toEqual({ kind: 'value', option: '--output', prefix: '-o' });
    expect(roleOf('--human=')).toEqual({ kind: 'value', option: '--human', prefix: '--human=' });
  });

  it('is an option', () => {
    for (const word of ['-', '--', '--out', '-q', '-o']) expect(roleOf(word)).toEqual({ kind: 'option' });
  });
});

describe('the words before', () => {
  it('are arguments, and values by the name of the option', () => {
    const { positional, values } = understandWords(command(), ['a', '-o', 'b', '--output=c', 'd', 'last']);
    expect(positional).toEqual(['a', 'd']);
    expect([...values]).toEqual([['output', ['b', 'c']]]);
  });
});
