// The page in Chromium, as its users have it: by pointer, by keyboard, in light and dark, wide and narrow.
import type { Browser, Page } from 'puppeteer-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { showDockerSize } from '../../src/inspect/docker-size.ts';
import type { ReportData } from '../../src/inspect/report-format.ts';
import { NodeTable } from '../../src/report/node-table.ts';
import { fixture } from '../mount/stratafs.ts';
import { describeWith } from '../requirements.ts';
import { focused, launchBrowser, openPage, Reports, type Scheme, textOf, textsOf } from './browser.ts';
import { textContrasts } from './contrast.ts';

const both = fixture('expressweb-both.tar');
const first = `${both}:expressweb`;
const second = `${both}:extending-expressweb`;

let browser: Browser;
let reports: Reports;
/** The reports of one image, of a smaller one, and of both. */
let one: string;
let small: string;
let two: string;

async function dataOf(page: Page): Promise<ReportData> {
  return JSON.parse(await page.$eval('#report-data', ({ textContent }) => textContent)) as ReportData;
}

/** The tiles, with their nodes, areas in pixels, and the tile of the frame around each. */
function tilesOf(page: Page): Promise<{ node: number; area: number; isRest: boolean }[]> {
  return page.$$eval('.tile', (tiles) =>
    tiles.map((tile) => {
      const { width, height } = tile.getBoundingClientRect();
      const node = Number(tile.getAttribute('data-node'));
      return { node, area: width * height, isRest: tile.classList.contains('rest') };
    }),
  );
}

const choose = (page: Page, which: string): Promise<void> => page.click(`#which input[value=${which}]`);

describeWith([{ program: 'chromium' }], "the report's page", () => {
  beforeAll(async () => {
    browser = await launchBrowser();
    reports = new Reports();
    one = await reports.make('one.html', second);
    small = await reports.make('small.html', first);
    two = await reports.make('two.html', first, second);
  });
  afterAll(async () => {
    await browser.close();
    reports.remove();
  });

  it('shows the figures that waste and layers print', () =>
    openPage(browser, one, async (page) => {
      const waste = (await reports.json('waste', second)) as {
        totalBytes: number;
        wastedBytes: number;
        efficiency: number;
        paths: { path: string; bytes: number }[];
      };
      const layers = (await reports.json('layers', second)) as {
        number: number;
        size: number;
        instruction: string;
      }[];
      const figures = await textsOf(page, '#figures dd');
      expect(figures.map((each) => each.split('\n')[0])).toEqual([
        showDockerSize(waste.totalBytes),
        showDockerSize(waste.totalBytes - waste.wastedBytes),
        showDockerSize(waste.wastedBytes),
        `${(100 * waste.efficiency).toFixed(2)} %`,
        String(layers.length),
      ]);
      expect(await textsOf(page, '#stack b')).toEqual(
        layers.map(({ size }) => showDockerSize(size)).reverse(),
      );
      expect(await textsOf(page, '#stack button code')).toEqual(
        layers.map(({ instruction }) => instruction).reverse(),
      );
      const wasted = await page.$$eval('#waste-table tbody tr', (rows) =>
        rows.map(({ cells }) => [cells[1]?.innerText, cells[0]?.innerText]),
      );
      expect(wasted).toEqual(waste.paths.map(({ path, bytes }) => [path, showDockerSize(bytes)]));
    }));

  it('gives each tile of a directory area by its bytes', () =>
    openPage(browser, small, async (page) => {
      const { images } = await dataOf(page);
      const table = new NodeTable(images[0]?.nodes ?? expect.fail('no image'));
      const sums = table.sum({ layer: 0, which: 'all' });
      const tiles = (await tilesOf(page)).filter(({ isRest }) => !isRest);
      const bin = tiles.filter(({ node }) => table.pathOf(table.parentOf(node)) === '/usr/bin');
      expect(bin.length).toBeGreaterThan(15);
      const perByte = bin.map(({ node, area }) => area / (sums[node] ?? 0));
      expect(Math.max(...perByte) / Math.min(...perByte)).toBeLessThan(1.01);
    }));

  it('finds paths, and takes to one of them by keys alone', () =>
    openPage(browser, one, async (page) => {
      await page.keyboard.press('/');
      await page.keyboard.type('DEBUG/package');
      await page.waitForSelector('#found [aria-selected=true]');
      expect(await textOf(page, '#found')).toMatch(/\/usr\/src\/app\/node_modules\/debug\/package\.json/);
      expect(await textsOf(page, '#found mark')).toEqual(['debug/package']);
      expect(await textOf(page, '#found .tag')).toBe('wasted');
      expect(await textOf(page, '#found-count')).toBe('1 path');
      await page.keyboard.press('Enter');
      expect(await textOf(page, '#crumbs')).toMatch(/debug$/);
      expect(await focused(page)).toBe('package.json, wasted: deleted by layer 7, 40B, 38.1 %, layer 3');
      expect(await textOf(page, '#details .path')).toBe('/usr/src/app/node_modules/debug/package.json');
      await page.focus('#search');
      await page.keyboard.press('Escape');
      await page.keyboard.type('no such path');
      await page.waitForFunction(() =>
        document.getElementById('found-count')?.innerText.startsWith('no path'),
      );
    }));

  it('lets the keyboard reach every tile, go into directories and back', () =>
    openPage(browser, small, async (page) => {
      await page.focus('#search');
      const isInside = (): Promise<boolean> =>
        page.$eval('#treemap', (map) => map.contains(document.activeElement));
      for (let i = 0; i < 5 && !(await isInside()); i++) await page.keyboard.press('Tab');
      const labels = await page.$$eval('.tile', (tiles) =>
        tiles.map((tile) => tile.getAttribute('aria-label')),
      );
      const reached = new Set<string>();
      const press = async (key: 'ArrowDown' | 'ArrowUp' | 'ArrowRight'): Promise<boolean> => {
        const before = await focused(page);
        await page.keyboard.press(key);
        return (await focused(page)) !== before;
      };
      const walk = async (): Promise<void> => {
        do {
          reached.add(await focused(page));
          if (!(await press('ArrowDown'))) continue;
          await walk();
          await press('ArrowUp');
        } while (await press('ArrowRight'));
      };
      await walk();
      expect([...reached].sort()).toEqual(labels.sort());
      expect(reached.size).toBeGreaterThan(20);

      await page.keyboard.press('Home');
      expect(await focused(page)).toMatch(/^usr, directory, 319kB/);
      await page.keyboard.press('ArrowDown');
      await page.keyboard.press('Enter');
      expect(await textOf(page, '#crumbs')).toMatch(/bin$/);
      expect(await focused(page)).toMatch(/^sh, file, 66\.9kB, \d+\.\d %, layer 1$/);
      await page.keyboard.press('Backspace');
      expect(await textOf(page, '#crumbs')).toMatch(/usr$/);
      expect(await focused(page)).toMatch(/^bin, directory, 243kB/);
      expect(await page.$$eval('#treemap [tabindex="0"]', ({ length }) => length)).toBe(1);
    }));

  it('shows the bytes of one layer, or only what is wasted, and says so', () =>
    openPage(browser, one, async (page) => {
      await page.focus('button[data-layer="4"]');
      await page.keyboard.press('Space');
      expect(await page.$eval('button[data-layer="4"]', (button) => button.ariaPressed)).toBe('true');
      expect(await textOf(page, '#scope')).toBe('481B of layer 4, of 319kB');
      expect(await textOf(page, '.facts:not([hidden])')).toMatch(
        /457B, hidden by higher layers[^]*COPY dir:8659f1f879bc5d18/,
      );
      await choose(page, 'wasted');
      expect(await textOf(page, '#scope')).toBe('457B wasted of layer 4, of 319kB');
      expect(await page.$$eval('.tile.leaf:not(.wasted)', ({ length }) => length)).toBe(0);
      expect(await page.$$eval('.tile.leaf.wasted', ({ length }) => length)).toBe(4);
      await page.click('button[data-layer="1"]');
      expect(await textOf(page, '#treemap-empty')).toBe('There are no bytes wasted of layer 1 here.');
      await page.click('button[data-layer="1"]');
      expect(await textOf(page, '#scope')).toBe('562B wasted, of 319kB');
      const style = await page.$eval('.tile.wasted', (tile) => getComputedStyle(tile).backgroundImage);
      expect(style).toContain('repeating-linear-gradient');
    }));

  it('takes from a wasted path to its tile, whatever is chosen', () =>
    openPage(browser, one, async (page) => {
      await choose(page, 'shown');
      await page.click('button[data-layer="1"]');
      await page.click('#waste-table .link');
      expect(await focused(page)).toMatch(/^server\.js, wasted: overwritten by layer 5, 241B/);
      expect(await page.$eval('input[value=all]', (radio) => radio.checked)).toBe(true);
    }));

  it('with several sources shows what images prints, each image, and the layers that they share', () =>
    openPage(browser, two, async (page) => {
      const { images, totalSize } = (await reports.json('images', first, second)) as {
        images: { source: string; size: number; sharedSize: number; uniqueSize: number }[];
        totalSize: number;
      };
      const rows = await page.$$eval('#images-table tbody tr', (found) =>
        found.map(({ cells }) => [...cells].map(({ innerText }) => innerText)),
      );
      for (const { source, size, sharedSize, uniqueSize } of images) {
        const row = rows.find(([name]) => name?.includes(source));
        expect(row?.slice(2, 5)).toEqual(
          [size, sharedSize, uniqueSize].map((bytes) => showDockerSize(bytes)),
        );
      }
      expect(await textOf(page, '#images-total')).toContain(
        `Together ${showDockerSize(totalSize)}, each layer once`,
      );
      expect(await textsOf(page, '#shared-table tbody th')).toEqual([
        'ADD file:5cbcf9e04c61 /',
        'COPY file:f8029b713cc1 /usr/src/app/',
        'RUN npm install',
        'COPY dir:8659f1f879bc /usr/src/app',
      ]);
      expect(await textOf(page, 'h1')).toBe('expressweb:latest');
      await page.focus('#images-table input:checked');
      await page.keyboard.press('ArrowDown');
      expect(await textOf(page, 'h1')).toBe('extending-expressweb:latest');
      expect((await textsOf(page, '#stack b')).length).toBe(8);
      expect(await page.title()).toBe('extending-expressweb:latest - stratafs report');
    }));

  it.each(['light', 'dark'] as const)('has text of at least 4.5 to 1 against its background: %s', (scheme) =>
    openPage(
      browser,
      two,
      async (page) => {
        await page.click('#images-table tr:last-child input');
        await page.click('#steps-toggle');
        await page.click('button[data-layer="4"]');
        await page.click('#search');
        await page.keyboard.type('e');
        await page.waitForSelector('#found [aria-selected=true]');
        const contrasts = await textContrasts(page);
        expect(contrasts.length).toBeGreaterThan(100);
        expect(contrasts.filter(({ place }) => place === 'CODE ').length).toBeGreaterThan(8);
        expect(contrasts.filter(({ ratio }) => ratio < 4.5)).toEqual([]);
      },
      { scheme },
    ),
  );

  it.each(['light', 'dark'] as Scheme[])(
    'shows where the focus is, at 3 to 1 against each tile: %s',
    (scheme) =>
      openPage(
        browser,
        one,
        async (page) => {
          await choose(page, 'wasted');
          await page.focus('.tile.leaf');
          const outline = await page.$eval('.tile.leaf', (tile) => {
            const { outlineStyle, outlineWidth, outlineColor } = getComputedStyle(tile);
            return { outlineStyle, outlineWidth, outlineColor };
          });
          expect(outline).toMatchObject({ outlineStyle: 'solid', outlineWidth: '3px' });
          // As text of that colour on the tile.
          await page.$$eval(
            '.chip.tinted',
            (chips, colour) => chips.forEach((chip) => ((chip as HTMLElement).style.color = colour)),
            outline.outlineColor,
          );
          const chips = (await textContrasts(page)).filter(({ place }) => place.includes('tinted'));
          expect(chips.length).toBeGreaterThan(8);
          expect(chips.filter(({ ratio }) => ratio < 3)).toEqual([]);
        },
        { scheme },
      ),
  );

  it('is light or dark as the system, or as the user says', () =>
    openPage(
      browser,
      small,
      async (page) => {
        const background = (): Promise<string> =>
          page.evaluate(() => getComputedStyle(document.body).backgroundColor);
        const dark = await background();
        await page.click('#theme');
        expect(await textOf(page, '#theme')).toBe('Colours: light');
        const light = await background();
        expect(light).not.toBe(dark);
        await page.click('#theme');
        expect(await background()).toBe(dark);
        await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: 'light' }]);
        expect(await background()).toBe(dark);
        await page.click('#theme');
        expect(await background()).toBe(light);
      },
      { scheme: 'dark' },
    ));

  it('goes back with the browser, to the directory, the layer and the image before', () =>
    openPage(browser, two, async (page) => {
      const state = async (): Promise<string[]> => [
        await textOf(page, 'h1'),
        await textOf(page, '#crumbs'),
        await textOf(page, '#scope'),
      ];
      const steps: (() => Promise<unknown>)[] = [
        () => page.$eval('.tile.frame', (frame) => (frame as HTMLElement).click()),
        () => page.click('button[data-layer="1"]'),
        () => page.click('#images-table tr:last-child input'),
        () => page.click('button[data-layer="4"]'),
      ];
      const seen = [await state()];
      for (const step of steps) {
        await step();
        const after = await state();
        expect(after).not.toEqual(seen.at(-1));
        seen.push(after);
      }
      for (const before of seen.slice(0, -1).reverse()) {
        await page.goBack();
        expect(await state()).toEqual(before);
        expect(await page.$eval('#images-table input:checked', ({ value }) => value)).toBe(
          before[0]?.startsWith('extending') ? '1' : '0',
        );
      }
      await page.goForward();
      expect(await state()).toEqual(seen[1]);
    }));

  it('colours tiles by file type, and sums up the types of the directory', () =>
    openPage(browser, small, async (page) => {
      const hue = (): Promise<string> =>
        page.$$eval('.tile.leaf', (tiles) => {
          const tile = (tiles as HTMLElement[]).find(({ innerText }) => innerText.startsWith('sh\n'));
          return tile === undefined ? '' : tile.style.getPropertyValue('--hue');
        });
      const ofLayer = await hue();
      expect(await page.$eval('#type-legend', (list) => list.checkVisibility())).toBe(false);
      await page.click('#colours input[value=type]');
      expect(await hue()).not.toBe(ofLayer);
      const lines = await textsOf(page, '#type-legend li');
      expect(lines[0]).toMatch(/^Programs\s+243kB, 76\.\d %$/);
      expect(lines[1]).toMatch(/^Libraries\s+74\.7kB, 23\.\d %$/);
      await page.click('#colours input[value=layer]');
      expect(await hue()).toBe(ofLayer);
    }));

  it('scrolls nothing sideways on a telephone, and cuts no instruction of a chosen layer', () =>
    openPage(
      browser,
      two,
      async (page) => {
        await page.click('#images-table tr:last-child input');
        await page.click('#steps-toggle');
        await page.click('button[data-layer="4"]');
        const cut = await page.$$eval(
          '.scrolling, .layer[aria-pressed=true] code, .facts dd, .step code',
          (all) =>
            all
              .filter(
                (each) =>
                  each.scrollWidth > each.clientWidth + 1 || each.scrollHeight > each.clientHeight + 1,
              )
              .map(({ tagName, className }) => `${tagName} ${className}`),
        );
        expect(cut).toEqual([]);
        expect(await textsOf(page, '#images-table td')).toContain('8');
      },
      { width: 360 },
    ));

  it('fits paper, with all tiles and without what needs a pointer', () =>
    openPage(browser, two, async (page) => {
      await page.emulateMediaType('print');
      await page.setViewport({ width: 718, height: 1000 });
      const { right, tiles, width } = await page.evaluate(() => ({
        right: document.getElementById('treemap')?.getBoundingClientRect().right ?? 0,
        tiles: [...document.querySelectorAll('.tile')].map((tile) => tile.getBoundingClientRect().right),
        width: document.documentElement.scrollWidth,
      }));
      expect(width).toBeLessThanOrEqual(718);
      expect(Math.max(...tiles)).toBeLessThanOrEqual(right + 3);
      expect(await page.$eval('#search', (input) => input.checkVisibility())).toBe(false);
    }));

  it('is no wider than a telephone', () =>
    openPage(
      browser,
      two,
      async (page) => {
        const width = await page.evaluate(() => document.documentElement.scrollWidth);
        expect(width).toBeLessThanOrEqual(360);
      },
      { width: 360 },
    ));
});
