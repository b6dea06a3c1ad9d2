import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compareResults, readResult } from '../../src/bench/compare.ts';
import type { BenchResult } from '../../src/bench/result.ts';
import { madeResult } from './made-result.ts';

const steady = [100, 101, 99, 100, 102, 98];
const scaled = (factor: number): number[] => steady.map((mean) => mean * factor);

const resultOf = (stratafs: readonly number[], overlayfs: readonly number[] = steady): BenchResult =>
  madeResult({ 'stat-cold': { 1: { stratafs, overlayfs } } });

describe('compareResults', () => {
  it('finds contenders that became slower or faster relative to the baseline', () => {
    const verdict = (before: BenchResult, after: BenchResult): string | undefined =>
      compareResults(before, after, 1.1, 'old.json')[0]?.verdict;
    expect(verdict(resultOf(scaled(1)), resultOf(scaled(1.3)))).toBe('slower');
    expect(verdict(resultOf(scaled(1.3)), resultOf(scaled(1)))).toBe('faster');
    expect(verdict(resultOf(scaled(1)), resultOf(scaled(1.05)))).toBe('unchanged');
  });

  it('finds no change if everything was slower, including the baseline', () => {
    const [change] = compareResults(resultOf(scaled(1)), resultOf(scaled(3), scaled(3)), 1.1, 'old.json');
    expect(change).toMatchObject({ contender: 'stratafs', before: 1, after: 1, verdict: 'unchanged' });
  });

  it('ignores changes that may be due to chance', () => {
    const wild = [50, 400, 60, 380, 120, 300];
    const [change] = compareResults(resultOf(steady), resultOf(wild), 1.1, 'old.json');
    expect(change?.change.median).toBeGreaterThan(1.1);
    expect(change?.verdict).toBe('unchanged');
  });

  it('with few runs, reports a contender as slower only if all runs are slower than all old ones', () => {
    const few = (factor: number): BenchResult => resultOf(scaled(factor).slice(0, 2), steady.slice(0, 2));
    expect(compareResults(few(1), few(1.5), 1.1, 'old.json')[0]).toMatchObject({
      verdict: 'slower',
      change: { verdict: 'undecided' },
    });
  });

  it('skips the baseline, and measurements that only one result has', () => {
    const before = madeResult({ 'stat-cold': { 1: { stratafs: steady, overlayfs: steady, plain: steady } } });
    const after = madeResult({
      'stat-cold': { 1: { stratafs: steady, overlayfs: steady } },
      'stat-warm': { 1: { stratafs: steady, overlayfs: steady } },
    });
    const changes = compareResults(before, after, 1.1, 'old.json');
    expect(changes.map(({ workload, contender }) => [workload, contender])).toEqual([
      ['stat-cold', 'stratafs'],
    ]);
  });

  it('rejects results of other settings, and names the difference', () => {
    const after = resultOf(steady);
    const other = { ...after, settings: { ...after.settings, operations: 7 } };
    expect(() => compareResults(other, after, 1.1, 'old.json')).toThrow(
      /^old\.json: found --operations 7, expected 100 as in this run/,
    );
    const smaller = { ...after, stacks: after.stacks.map((stack) => ({ ...stack, files: 9 })) };
    expect(() => compareResults(smaller, after, 1.1, 'old.json')).toThrow(/found stacks 1 layers of 9 files/);
    const uncleared = { ...after, settings: { ...after.settings, dropsCaches: false } };
    expect(() => compareResults(uncleared, after, 1.1, 'old.json')).toThrow(
      /found --cold without dropping caches/,
    );
  });

  it('rejects a result without the baseline', () => {
    const before = madeResult({ 'stat-cold': { 1: { stratafs: steady, plain: steady } } }, 'plain');
    expect(() => compareResults(before, resultOf(steady), 1.1, 'old.json')).toThrow(
      /^old\.json: found none of this run's measurements, expected a run that includes overlayfs$/,
    );
  });
});

describe('readResult', () => {
  it.each([
    ['no JSON', /: found no JSON \(.*\), expected a file that --json wrote$/],
    ['{"schema":2}', /: found schema 2, expected 1, /],
    ['[]', /: found schema none, expected 1, /],
    ['null', /: found schema none, expected 1, /],
    ['{"schema":1}', /: found no measurements, expected a file that --json wrote$/],
  ])('rejects %j', async (text, message) => {
    const directory = mkdtempSync(join(tmpdir(), 'stratafs-compare-'));
    try {
      writeFileSync(join(directory, 'x.json'), text);
      await expect(readResult(join(directory, 'x.json'))).rejects.toThrow(message);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
