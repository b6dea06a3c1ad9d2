// The system's Chromium, and pages of `stratafs report` in it. What a page logs, asks for or breaks is kept: a test that
// ends well has seen none of it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import puppeteer, { type Browser, type Page } from 'puppeteer-core';
import { expect } from 'vitest';
import { findProgram } from '../requirements.ts';
import { Workplace } from '../mount/stratafs.ts';

export type Scheme = 'light' | 'dark';

export interface PageOptions {
  readonly scheme?: Scheme;
  readonly width?: number;
  /** The browser says what it refused. */
  readonly expectsComplaints?: boolean;
}

/** Chromium refuses its sandbox to root. */
export function launchBrowser(): Promise<Browser> {
  return puppeteer.launch({
    executablePath: findProgram('chromium') ?? '',
    headless: true,
    timeout: 300_000,
    args: process.geteuid?.() === 0 ? ['--no-sandbox'] : [],
  });
}

/** Reports that several tests look at, each made once, and the place where they lie. */
export class Reports {
  readonly place = new Workplace(mkdtempSync(join(tmpdir(), 'stratafs-report-')));

  /** Writes the report of `sources` to a file of that name; its path. Fails where the command says anything. */
  async make(name: string, ...sources: string[]): Promise<string> {
    const { status, stderr } = await this.place.stratafs(['report', '-o', name, ...sources]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    return this.place.path(name);
  }

  /** What a command prints with --json. */
  async json(...args: string[]): Promise<unknown> {
    return JSON.parse((await this.place.stratafs([...args, '--json'])).stdout);
  }

  remove(): void {
    rmSync(this.place.directory, { recursive: true, force: true });
  }
}

/** Runs `body` with a page open; fails where it complained, or asked for anything but itself. */
export async function openPage(
  browser: Browser,
  path: string,
  body: (page: Page) => Promise<void>,
  { scheme = 'light', width = 1200, expectsComplaints = false }: PageOptions = {},
): Promise<void> {
  const page = await browser.newPage();
  try {
    const complaints: string[] = [];
    const requestedUrls: string[] = [];
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('dialog', (dialog) => {
      complaints.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on('requestfinished', (request) => requestedUrls.push(request.url()));
    page.on('requestfailed', (request) => {
      // What the page's own policy refuses was never sent: it is reported without a failure.
      if (request.failure() !== null) requestedUrls.push(request.url());
    });
    await page.setViewport({ width, height: 900 });
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
    const url = pathToFileURL(path).href;
    await page.goto(url);
    await page.waitForSelector('.tile, #treemap-empty:not([hidden])');
    await body(page);
    expect(complaints.length > 0, complaints.join('; ')).toBe(expectsComplaints);
    expect(requestedUrls.filter((each) => each !== url && !each.startsWith('data:'))).toEqual([]);
  } finally {
    await page.close();
  }
}

export function textOf(page: Page, selector: string): Promise<string> {
  return page.$eval(selector, (found) => (found instanceof HTMLElement ? found.innerText : ''));
}

export function textsOf(page: Page, selector: string): Promise<string[]> {
  return page.$$eval(selector, (found) => found.map((each) => (each as HTMLElement).innerText));
}

/** The label of what has the focus. */
export function focused(page: Page): Promise<string> {
  return page.evaluate(
    () => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.id ?? '',
  );
}
