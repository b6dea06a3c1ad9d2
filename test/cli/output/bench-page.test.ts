// The page of a run: one self-contained file that neither runs nor loads anything.
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { formatBenchPage } from '../../../src/cli/output/bench-page/page.ts';
import { LogScale } from '../../../src/cli/output/bench-page/log-scale.ts';
import { Markup, element } from '../../../src/cli/output/bench-page/markup.ts';
import { madeResult } from '../../bench/made-result.ts';

const runs = [1000, 1010, 990, 1000, 1020, 980];
const result = madeResult({
  'stat-cold': { 1: { stratafs: runs, overlayfs: runs }, 8: { stratafs: runs, overlayfs: runs } },
  'find-warm': { 1: { stratafs: runs, overlayfs: runs }, 8: { stratafs: runs, overlayfs: runs } },
});

/** Tags are closed in the order in which they were opened. */
function expectBalanced(markup: string): void {
  const open: string[] = [];
  const withoutStyle = markup.replace(/<style>.*?<\/style>/s, '');
  for (const [, slash, name] of withoutStyle.matchAll(/<(\/?)([a-z][a-z0-9]*)\b[^>]*>/gi)) {
    if (name === 'meta') continue;
    if (slash === '') open.push(name as string);
    else expect(open.pop()).toBe(name);
  }
  expect(open).toEqual([]);
}

describe('the page', () => {
  const page = formatBenchPage(result);

  it('is one document, with a chart of layers and one of latencies for each workload', () => {
    expect(page).toMatch(/^<!doctype html>\n<html lang="en">/);
    expectBalanced(page);
    expect(page.match(/<p id="(?:stat|find)/g)?.length).toBe(2);
    // One more than workloads: the picture on top.
    expect(page.match(/<figcaption>Median time an operation, by the number of layers</g)?.length).toBe(3);
    expect(page.match(/<figcaption>How many operations took no longer</g)?.length).toBe(2);
    expect(page.match(/<tr><td/g)?.length).toBe(8);
    expect(page).not.toMatch(/NaN|undefined|Infinity/);
  });

  it('begins with the summary and one picture, and folds all else', () => {
    const [before = '', ...details] = page.split('<details>');
    expect(before).toMatch(/<h1>.*<h2 id="summary">How stratafs compares, at 8 layers<.*<figure>/s);
    expect(before).toContain('<th>stat-cold</th><td data-label="overlayfs"><b>1.00x slower</b>');
    expect(before).toContain('<small> 1.00-1.00, no difference</small>');
    expect(before.match(/<figure>/g)?.length).toBe(1);
    expect(details.map((each) => /<summary>([^<]*)</.exec(each)?.[1])).toEqual([
      ...['stat-cold', 'find-warm', 'Machine, settings and contenders'],
    ]);
    expect(page).not.toMatch(/<details [^>]*open/);
  });

  it('shows the picture of the workload that grows most with layers', () => {
    const slow = runs.map((each) => 5 * each);
    const grown = formatBenchPage(
      madeResult({
        'stat-cold': { 1: { stratafs: runs, overlayfs: runs }, 8: { stratafs: runs, overlayfs: runs } },
        'find-warm': { 1: { stratafs: runs, overlayfs: runs }, 8: { stratafs: runs, overlayfs: slow } },
      }),
    );
    expect(grown).toContain('<h2>find-warm, by the number of layers</h2>');
    expect(grown).toContain('<td class="faster" data-label="overlayfs"><b>5.00x faster</b>');
  });

  it('allows only its own style, and loads nothing', () => {
    const [, hash] = /content="default-src 'none'; style-src 'sha256-([^']+)'"/.exec(page) ?? [];
    const [, style = ''] = /<style>(.*?)<\/style>/s.exec(page) ?? [];
    expect(hash).toBe(createHash('sha256').update(style).digest('base64'));
    expect(page).not.toMatch(/<script|<link|<img|\bsrc=|url\(|https?:|\bstyle=|\bon\w+=/);
    expect(style).toContain('@media (prefers-color-scheme:dark)');
  });

  it('escapes names and notices', () => {
    expect(page).toContain('something &lt;b&gt;to know&lt;/b&gt;');
    expect(page).toContain('erofs does not take part: mkfs.erofs is not installed (apt install erofs-utils)');
  });

  it('puts contenders next to each other if there is one stack', () => {
    const one = formatBenchPage(madeResult({ 'stat-cold': { 3: { stratafs: runs, overlayfs: runs } } }));
    expectBalanced(one);
    expect(one).toContain('<figcaption>Median time an operation, and each run<');
    expect(one).not.toMatch(/NaN|undefined|Infinity/);
  });
});

describe('LogScale', () => {
  it('puts equal factors at equal distances, from one end to the other', () => {
    const scale = new LogScale([10, 1000], 0, 100);
    expect([10, 100, 1000].map((value) => scale.place(value))).toEqual([0, 50, 100]);
  });

  it('marks round values, more of them where the range is small', () => {
    expect(new LogScale([3, 40_000], 0, 1).ticks).toEqual([10, 100, 1000, 10_000]);
    expect(new LogScale([3, 60], 0, 1).ticks).toEqual([5, 10, 20, 50]);
  });

  it('puts a single value in the middle', () => expect(new LogScale([7], 0, 100).place(7)).toBe(50));
});

it('an element escapes its attributes and its text', () => {
  expect(element('a', { href: '"><b>', x: 1.26, y: undefined }, "it's <i>").text).toBe(
    '<a href="&quot;&gt;&lt;b&gt;" x="1.3">it&#39;s &lt;i&gt;</a>',
  );
  expect(element('g', {}, [new Markup('<b/>'), ['x']]).text).toBe('<g><b/>x</g>');
});
