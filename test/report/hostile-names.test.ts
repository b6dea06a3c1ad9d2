// The builder of an image chooses the names of its files, its instructions and its own name. None of it runs in the page.
import type { Browser } from 'puppeteer-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type SampleLayer, SampleLayout } from '../image/sample-images.ts';
import { sha256, tarFile } from '../image/scratch.ts';
import { describeWith } from '../requirements.ts';
import { directory, file, type InodeSpec, whiteout } from '../tree/layer-maker.ts';
import { layerTar } from '../tree/layer-tar.ts';
import { Random } from '../tree/random.ts';
import { launchBrowser, openPage, Reports, textOf, textsOf } from './browser.ts';

const attack = 'globalThis.owned=1';
const names = [
  `<script>${attack}<`,
  `<img src=x onerror=${attack}>`,
  `"'><svg onload=${attack}>`,
  '<script>',
  '<!--<script>',
  '${attack}`$&$1',
  '\\u003c]]>',
  '\xff\xfe\x1b[31m\n',
  Buffer.from('\u202egpj.exe').toString('latin1'),
  Buffer.from('\u540d\u524d').toString('latin1'),
];

/** In the directory `<` its path ends the block that holds the data, and begins an element. */
const closing = `script><img src=x onerror=${attack}>`;

const sampleOf = (root: InodeSpec): SampleLayer => {
  const tar = layerTar(root, 'ordered', new Random(1));
  return { tar, diffId: `sha256:${sha256(tar)}` };
};

/** Names below, one of them a directory's, and hidden ones. */
async function hostileImage(): Promise<string> {
  const files = (): Record<string, InodeSpec> =>
    Object.fromEntries(names.map((name, i) => [name, file({ size: 5000 + i, data: i })]));
  const base = sampleOf(
    directory({ ...files(), '<': directory({ ...files(), [closing]: file({ size: 6000 }) }) }),
  );
  const top = sampleOf(directory(Object.fromEntries(names.slice(0, 3).map((name) => [name, whiteout]))));
  const words = `</script><script>${attack}</script><img src=x onerror=${attack}>\u202e`;
  const layout = new SampleLayout();
  const history = [
    { created_by: words, comment: words, created: words },
    { created_by: `ENV A=${words}`, empty_layer: true },
    { created_by: words },
  ];
  const image = layout.image([base, top], { history, created: words });
  return tarFile(layout.add(image, words.slice(0, 40)).members());
}

describeWith([{ program: 'chromium' }], 'hostile names', () => {
  let browser: Browser;
  let reports: Reports;
  beforeAll(async () => {
    browser = await launchBrowser();
    reports = new Reports();
  });
  afterAll(async () => {
    await browser.close();
    reports.remove();
  });

  it('are shown unchanged, other bytes than text in octal, and do nothing', async () => {
    const path = await reports.make('hostile.html', await hostileImage());
    await openPage(browser, path, async (page) => {
      const labels = await page.$$eval('.tile', (tiles) =>
        tiles.map((tile) => tile.getAttribute('aria-label')),
      );
      expect(labels).toContainEqual(
        expect.stringContaining(`<img src=x onerror=${attack}>, wasted: deleted`),
      );
      expect(labels).toContainEqual(expect.stringContaining('\\377\\376\\033[31m\\n, file'));
      expect(labels).toContainEqual(expect.stringContaining('\u540d\u524d, file'));
      await page.type('#search', 'onerror');
      await page.waitForSelector('#found [aria-selected=true]');
      expect((await textsOf(page, '#found code')).sort()).toEqual(
        [`/<img src=x onerror=${attack}>`, `/</<img src=x onerror=${attack}>`, `/</${closing}`].sort(),
      );
      await page.keyboard.press('Enter');
      await page.click('#steps-toggle');
      await page.click('button[data-layer="1"]');
      expect(await textOf(page, '.facts:not([hidden])')).toContain('<img src=x onerror=');
      const elements = await page.evaluate(() => ({
        scripts: document.querySelectorAll('script').length,
        images: document.querySelectorAll('img, svg, iframe, object').length,
        owned: 'owned' in globalThis,
        text: document.body.innerText,
      }));
      expect(elements).toMatchObject({ scripts: 2, images: 0, owned: false });
      expect(elements.text).not.toMatch(/\p{Cf}/u);
    });
  });

  it("would not run if they stood in the page's own markup, nor reach a network: its policy", async () => {
    const path = await reports.make('policy.html', await hostileImage());
    await openPage(
      browser,
      path,
      async (page) => {
        const outcome = await page.evaluate(async (code) => {
          const violated: string[] = [];
          const all = new Promise<void>((resolve) => {
            document.addEventListener('securitypolicyviolation', ({ effectiveDirective }) => {
              violated.push(effectiveDirective);
              if (violated.length === 5) resolve();
            });
          });
          const script = document.createElement('script');
          script.textContent = code;
          const style = document.createElement('style');
          style.textContent = 'body { background: url(https://stratafs.invalid/x) }';
          const box = document.createElement('div');
          box.innerHTML = `<p onclick="${code}"></p><img src="https://stratafs.invalid/y">`;
          document.body.append(script, style, box);
          box.querySelector('p')?.click();
          const fetched = await fetch('https://stratafs.invalid/z').then(
            () => 'fetched',
            () => 'refused',
          );
          await all;
          return { violated: violated.sort(), fetched, owned: 'owned' in globalThis };
        }, attack);
        expect(outcome).toEqual({
          violated: ['connect-src', 'img-src', 'script-src-attr', 'script-src-elem', 'style-src-elem'],
          fetched: 'refused',
          owned: false,
        });
      },
      { expectsComplaints: true },
    );
  });
});
