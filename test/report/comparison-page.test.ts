// The page of `stratafs report --compare` in Chromium.
import type { Browser, Page } from 'puppeteer-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { showDockerSize } from '../../src/inspect/docker-size.ts';
import { fixture } from '../mount/stratafs.ts';
import { describeWith } from '../requirements.ts';
import { launchBrowser, openPage, Reports, type Scheme, textOf, textsOf } from './browser.ts';
import { textContrasts } from './contrast.ts';

const both = fixture('expressweb-both.tar');
const first = `${both}:expressweb`;
const second = `${both}:extending-expressweb`;

interface Comparison {
  readonly baseLayers: number;
  readonly differences: readonly { kind: string; path: string; sizeBefore?: number; sizeAfter?: number }[];
}

let browser: Browser;
let reports: Reports;
let compared: string;

const crumbs = (page: Page): Promise<string[]> => textsOf(page, '#compared-crumbs li');
const openIn = (page: Page, path: string): Promise<void> =>
  page.$$eval(
    '#compared-directories .link',
    (links, wanted) => (links as HTMLElement[]).find(({ innerText }) => innerText === wanted)?.click(),
    path,
  );

describeWith([{ program: 'chromium' }], 'the page of two images', () => {
  beforeAll(async () => {
    browser = await launchBrowser();
    reports = new Reports();
    compared = await reports.make('compared.html', '--compare', first, second);
  });
  afterAll(async () => {
    await browser.close();
    reports.remove();
  });

  it('lists the differences of diff with their sizes, and marks the common base', () =>
    openPage(browser, compared, async (page) => {
      const { baseLayers, differences } = (await reports.json(
        'report',
        '--compare',
        first,
        second,
      )) as Comparison;
      expect(await page.$$eval('.compared-stack li.base', ({ length }) => length)).toBe(2 * baseLayers);
      const rows = await page.$$eval('#differences tbody tr', (all) =>
        all.map(({ cells }) => [...cells].map(({ innerText }) => innerText.split('\n').at(-1) ?? '')),
      );
      const shown = (bytes: number | undefined): string => (bytes === undefined ? '' : showDockerSize(bytes));
      expect(rows.length).toBe(Math.min(20, differences.length));
      for (const [path, before, after] of rows) {
        const found = differences.find((each) => each.path === path);
        expect([before, after]).toEqual([shown(found?.sizeBefore), shown(found?.sizeAfter)]);
      }
    }));

  it('opens a directory in both maps, and goes back with the browser', () =>
    openPage(browser, compared, async (page) => {
      await openIn(page, '/usr');
      expect(await crumbs(page)).toEqual(['/', 'usr']);
      const names = await page.$$eval('#compared-maps .treemap', (maps) =>
        maps.map((map) => map.querySelector('.tile .name')?.textContent),
      );
      expect(names).toEqual(['bin', 'bin']);
      await page.$eval('#compared-maps .tile.frame', (frame) => (frame as HTMLElement).click());
      expect(await crumbs(page)).toEqual(['/', 'usr', 'bin']);
      await page.goBack();
      expect(await crumbs(page)).toEqual(['/', 'usr']);
      await page.goBack();
      expect(await crumbs(page)).toEqual(['/']);
      await page.goForward();
      expect(await crumbs(page)).toEqual(['/', 'usr']);
    }));

  it('adds up sizes by directory and by type', () =>
    openPage(browser, compared, async (page) => {
      const lastRow = (id: string): Promise<string[]> =>
        page.$eval(`#${id} tbody tr:last-child`, (row) => [...row.cells].map(({ innerText }) => innerText));
      const { totalBytes, wastedBytes } = (await reports.json('waste', second)) as {
        totalBytes: number;
        wastedBytes: number;
      };
      expect((await lastRow('compared-directories'))[2]).toBe(showDockerSize(totalBytes - wastedBytes));
      expect((await textsOf(page, '#compared-types tbody th')).sort()).toContain('Programs');
    }));

  it.each(['A', 'C', 'D'])('shows only the paths that are chosen: %s', (kind) =>
    openPage(browser, compared, async (page) => {
      await page.click(`#differences-which input[value=${kind}]`);
      const kinds = new Set(await textsOf(page, '#differences .chip'));
      expect([...kinds].filter((each) => each !== kind)).toEqual([]);
    }),
  );

  it('says that equal images are equal', async () => {
    const page = await reports.make('equal.html', '--compare', first, first);
    await openPage(browser, page, async (shown) => {
      expect(await textOf(shown, '#compared-summary')).toBe('Both images have the same files.');
      expect(await shown.$$eval('.tile.leaf:not(.grey)', ({ length }) => length)).toBe(0);
    });
  });

  it.each(['light', 'dark'] as Scheme[])(
    'has text of at least 4.5 to 1 against its background: %s',
    (scheme) =>
      openPage(
        browser,
        compared,
        async (page) => {
          const contrasts = await textContrasts(page);
          expect(contrasts.length).toBeGreaterThan(100);
          expect(contrasts.filter(({ ratio }) => ratio < 4.5)).toEqual([]);
        },
        { scheme },
      ),
  );

  it('has one map below the other on a phone, and nothing scrolls sideways', () =>
    openPage(
      browser,
      compared,
      async (page) => {
        const tops = await page.$$eval('#compared-maps .treemap', (maps) =>
          maps.filter((map) => map.checkVisibility()).map((map) => map.getBoundingClientRect().top),
        );
        expect((tops[1] ?? 0) - (tops[0] ?? 0)).toBeGreaterThan(280);
        const wide = await page.$$eval('html, .scrolling', (all) =>
          all.filter((each) => each.scrollWidth > each.clientWidth + 1).map(({ className }) => className),
        );
        expect(wide).toEqual([]);
      },
      { width: 360 },
    ));
});
