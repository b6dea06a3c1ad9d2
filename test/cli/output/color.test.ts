import { describe, expect, it } from 'vitest';
import { colorless, createPalette, paint, usesColors } from '../../../src/cli/output/color.ts';
import { S_IFDIR } from '../../../src/vfs/attr.ts';

describe('colours are used', () => {
  it.each([
    ['auto', { TERM: 'xterm' }, true, true],
    ['auto', { TERM: 'xterm' }, false, false],
    ['auto', { TERM: 'dumb' }, true, false],
    ['auto', {}, true, false],
    ['auto', { TERM: 'xterm', NO_COLOR: '1' }, true, false],
    ['auto', { TERM: 'xterm', NO_COLOR: '' }, true, true],
    ['always', { TERM: 'dumb', NO_COLOR: '1' }, false, true],
    ['never', { TERM: 'xterm' }, true, false],
  ] as const)('--color=%s, %j, terminal: %s: %s', (when, environment, isTerminal, expected) => {
    expect(usesColors(when, environment, isTerminal)).toBe(expected);
  });
});

it('a style ends with its text, and text without a style or without characters stays as it is', () => {
  expect(paint('1;32', 'x')).toBe('\x1b[1;32mx\x1b[m');
  expect(paint('', 'x')).toBe('x');
  expect(paint('32', '')).toBe('');
});

it('a colourless palette has no style', () => {
  expect(Object.values(colorless).filter((style) => typeof style === 'string' && style !== '')).toEqual([]);
  expect(colorless.fileStyle({ name: 'bin', mode: S_IFDIR | 0o755 })).toBe('');
});

it('a palette takes the styles of files from LS_COLORS', () => {
  const directory = { name: 'bin', mode: S_IFDIR | 0o755 };
  expect(createPalette('di=35').fileStyle(directory)).toBe('35');
  expect(createPalette(undefined).fileStyle(directory)).toBe('01;34');
});
