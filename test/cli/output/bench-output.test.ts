// The outputs of a bench run: figures, table, plots and page.
import { describe, expect, it } from 'vitest';
import { compareResults } from '../../../src/bench/bench.ts';
import { plotBenchResult } from '../../../src/cli/output/bench-plot.ts';
import { formatSummary } from '../../../src/cli/output/bench-summary.ts';
import { describeRun, formatBenchResult, formatChanges } from '../../../src/cli/output/bench-table.ts';
import { showFactor, showNanoseconds, showRatio } from '../../../src/cli/output/figures.ts';
import { madeResult } from '../../bench/made-result.ts';

const fast = [1000, 1010, 990, 1000, 1020, 980];
const times = (factor: number): number[] => fast.map((mean) => mean * factor);
const result = madeResult({
  'stat-cold': {
    1: { stratafs: fast, overlayfs: times(2) },
    8: { stratafs: fast, overlayfs: times(16) },
  },
});

describe('figures', () => {
  it.each([
    [843.4, '843 ns'],
    [999.6, '1.00 us'],
    [17_123, '17.1 us'],
    [123_456, '123 us'],
    [999_600, '1.00 ms'],
    [12e9, '12.0 s'],
    [4000e9, '4000 s'],
  ])('%d ns is %s', (nanoseconds, text) => expect(showNanoseconds(nanoseconds)).toBe(text));

  it.each([
    [0.00134, '0.0013'],
    [0.431, '0.43'],
    [9.994, '9.99'],
    [9.996, '10.0'],
    [102.3, '102'],
  ])('a factor of %d is %s', (factor, text) => expect(showFactor(factor)).toBe(text));

  it('a ratio is printed with its interval', () => {
    const ratio = { median: 0.5, low: 0.4, high: 1.2 };
    expect(showRatio({ ...ratio, verdict: 'same' })).toBe('2.00x faster (0.83-2.50), no difference');
    expect(showRatio({ ...ratio, verdict: 'undecided' })).toBe('2.00x faster (0.83-2.50), too few runs');
    expect(showRatio({ ...ratio, high: 0.6, verdict: 'lower' })).toBe('2.00x faster (1.67-2.50)');
    expect(showRatio({ median: 1.31, low: 1.25, high: 1.37, verdict: 'higher' })).toBe(
      '1.31x slower (1.25-1.37)',
    );
    expect(showRatio(undefined)).toBe('');
  });
});

describe('the summary', () => {
  it('lists ratios between contenders on the stack with the most layers', () => {
    const three = madeResult({
      'stat-cold': {
        1: { stratafs: fast, overlayfs: fast },
        8: { stratafs: times(2), overlayfs: fast, 'fuse-overlayfs': times(6) },
      },
    });
    expect(formatSummary(three)).toBe(
      [
        'Summary',
        '  stat-cold, 8 layers: stratafs ran',
        '    2.00 (2.00-2.00) times slower than overlayfs',
        '    3.00 (3.00-3.00) times faster than fuse-overlayfs',
        '',
      ].join('\n'),
    );
    expect(formatSummary(madeResult({ 'stat-cold': { 1: { stratafs: fast } } }))).toBe('');
  });

  it('agrees with the printed medians for any rounds', () => {
    // The first is faster in most rounds, but has the larger median.
    const [ours, theirs] = [
      [1, 2, 30, 31, 32, 33, 34],
      [2, 3, 25, 26, 27, 90, 91],
    ];
    const odd = madeResult({ 'stat-cold': { 1: { stratafs: ours, overlayfs: theirs } } });
    const [a, b] = odd.measurements.map(({ median }) => median) as [number, number];
    expect([a, b]).toEqual([31, 26]);
    expect(odd.measurements[0]?.ratio?.median).toBe(31 / 26);
    expect(formatSummary(odd)).toMatch(/1\.19 \(.*\) times slower than overlayfs; no difference was found/);
  });
});

describe('the table', () => {
  it('shows medians, ratios to the baseline, and growth with the layers', () => {
    const lines = formatBenchResult(result, undefined).split('\n');
    expect(lines[0]).toMatch(
      /^WORKLOAD +LAYERS +CONTENDER +MEDIAN +THAN OVERLAYFS +P50 +P95 +P99 +SPREAD +THAN FEWEST LAYERS$/,
    );
    expect(lines[1]).toMatch(/^stat-cold +1 +stratafs +1\.00 us +2\.00x faster \(2\.00-2\.00\) /);
    expect(lines[2]).toMatch(/^stat-cold +1 +overlayfs +2\.00 us /);
    expect(lines[3]).toMatch(
      /^stat-cold +8 +stratafs +1\.00 us .* 1\.00x slower \(1\.00-1\.00\), no difference$/,
    );
    expect(lines[4]).toMatch(/^stat-cold +8 +overlayfs +16\.0 us .* 8\.00x slower \(8\.00-8\.00\)$/);
    expect(lines.length).toBe(6);
  });

  it('has no columns for values that are the same in all rows', () => {
    const one = madeResult({ 'stat-cold': { 1: { stratafs: fast, overlayfs: fast } } });
    expect(formatBenchResult(one, undefined)).toMatch(
      /^WORKLOAD +CONTENDER +MEDIAN +THAN OVERLAYFS +P50 +P95 +P99 +SPREAD\n/,
    );
  });

  it('is printed with the machine and the meaning of cold', () => {
    expect(describeRun(result)).toMatch(
      /Cold is a fresh mount, and all caches dropped\. Seed 1\.\n.*Linux 6\.18\.0, 2 x A CPU, 1\.0 GiB, ext4; load 0\.50; 12 s\.\n$/,
    );
  });
});

it('the plot puts equal factors at equal distances', () => {
  const lines = plotBenchResult(result, 80).split('\n');
  expect(lines[0]).toBe('stat-cold');
  const places = lines
    .slice(1, 5)
    .map((line) => [line.trim().split(' |')[0], line.indexOf('o', line.indexOf('|'))]);
  expect(places.map(([label]) => label?.toString().trim())).toEqual([
    'stratafs 1',
    'stratafs 8',
    'overlayfs 1',
    'overlayfs 8',
  ]);
  const [a, b, c, d] = places.map(([, place]) => place as number) as [number, number, number, number];
  expect(a).toBe(b);
  // A factor of 2, and one of 16.
  expect(Math.abs((d - a) / (c - a) - 4)).toBeLessThan(0.3);
  expect(lines.every((line) => line.length <= 80)).toBe(true);
});

it('lists changes with the old ratios, and counts them', () => {
  const after = madeResult({
    'stat-cold': {
      1: { stratafs: times(1.5), overlayfs: times(2) },
      8: { stratafs: fast, overlayfs: times(16) },
    },
  });
  const text = formatChanges(compareResults(result, after, 1.1, 'old.json'), after, 1.1, undefined);
  expect(text).toMatch(
    /^CHANGE .*\nslower +stat-cold +1 +1 +stratafs +0\.50 +0\.75 +1\.50x slower \(1\.50-1\.50\)\n\n/,
  );
  expect(text).toMatch(/\nOf 2 ratios to overlayfs, by more than 1\.1: 1 slower, 0 faster\.\n$/);
});
