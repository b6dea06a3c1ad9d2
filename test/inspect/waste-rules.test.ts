import { describe, expect, it } from 'vitest';
import type { Waste } from '../../src/inspect/waste.ts';
import { checkRules, defaultRules, parseRules, parseThreshold } from '../../src/inspect/waste-rules.ts';

const waste: Waste = {
  totalBytes: 1000,
  userBytes: 500,
  wastedBytes: 100,
  efficiency: 0.9,
  userWastedPercent: 0.2,
  layers: [],
  paths: [],
};

const results = (rules: Parameters<typeof checkRules>[0]): string[] =>
  checkRules(rules, waste).map(({ result }) => result);

describe('rules', () => {
  it("are dive's by default", () => {
    expect(results(defaultRules)).toEqual(['pass', 'skip', 'fail']);
  });

  it('fail past their threshold, not at it', () => {
    expect(
      results({ lowestEfficiency: 0.9, highestWastedBytes: 100, highestUserWastedPercent: 0.2 }),
    ).toEqual(['pass', 'pass', 'pass']);
    expect(
      results({ lowestEfficiency: 0.91, highestWastedBytes: 99, highestUserWastedPercent: 0.19 }),
    ).toEqual(['fail', 'fail', 'fail']);
  });
});

describe('.dive-ci', () => {
  it('is read as dive wrote it in its documentation', () => {
    const text = [
      'rules:',
      '  # If the efficiency is measured below X%, mark as failed.',
      '  # Expressed as a ratio between 0-1.',
      '  lowestEfficiency: 0.95',
      '',
      '  # Expressed in B, KB, MB, and GB.',
      '  highestWastedBytes: 20MB',
      '  highestUserWastedPercent: 0.20   # of the user bytes',
    ].join('\n');
    expect(parseRules(text, '.dive-ci')).toEqual({
      lowestEfficiency: 0.95,
      highestWastedBytes: 20_000_000,
      highestUserWastedPercent: 0.2,
    });
  });

  it('takes a rule out by "disabled", quotes, other spellings, and leaves other keys alone', () => {
    const text =
      '---\nother:\n  x: 1\nrules:\r\n  lowest-efficiency: "disabled"\n  HIGHESTWASTEDBYTES: \'1.5 KiB\'\n';
    expect(parseRules(text, '.dive-ci')).toEqual({ lowestEfficiency: undefined, highestWastedBytes: 1536 });
  });

  it.each([
    [
      'rules:\n  lowestEfficency: 1',
      '.dive-ci: line 2: found the rule lowestEfficency, expected one of lowestEfficiency',
    ],
    [
      'rules:\n  lowestEfficiency: 95%',
      ".dive-ci: line 2: lowestEfficiency: found '95%', expected a part of 1",
    ],
    ['rules:\n  highestUserWastedPercent: 1.5', "found '1.5', expected a part of 1"],
    ['rules:\n  highestWastedBytes: much', "found 'much', expected a size such as 20MB"],
    ['rules: {lowestEfficiency: 1}', "line 1: found '{lowestEfficiency: 1}', expected one rule a line"],
    ['rules:\n  - lowestEfficiency', 'line 2: found \'- lowestEfficiency\', expected "key: value"'],
  ])('%j is refused by line', (text, message) => {
    expect(() => parseRules(text, '.dive-ci')).toThrow(message);
  });
});

it.each([
  ['0', 0],
  ['512B', 512],
  ['1kb', 1000],
  ['2GiB', 2 * 1024 ** 3],
  ['disabled', undefined],
])('%s is a threshold of %s', (text, value) => {
  expect(parseThreshold('highestWastedBytes', text, 'x')).toBe(value);
});
