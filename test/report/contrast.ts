// Contrast as WCAG 2 counts it (section 1.4.3), of what a page shows: colours are resolved by a canvas of the browser.
import type { Page } from 'puppeteer-core';

export interface TextContrast {
  readonly text: string;
  readonly place: string;
  readonly ratio: number;
}

/** All text that is visible, each against the colours beneath it; 0 if it is translucent. */
export function textContrasts(page: Page): Promise<TextContrast[]> {
  return page.evaluate(() => {
    const context = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
    if (context === null) throw new Error('no canvas');
    /** Red, green and blue of colours one over the other, the lowest first. */
    const blend = (colours: readonly string[]): readonly number[] => {
      context.clearRect(0, 0, 1, 1);
      for (const colour of ['white', ...colours]) {
        context.fillStyle = colour;
        context.fillRect(0, 0, 1, 1);
      }
      return [...context.getImageData(0, 0, 1, 1).data].slice(0, 3);
    };
    const luminance = (rgb: readonly number[]): number => {
      const [red = 0, green = 0, blue = 0] = rgb.map((each) => {
        const value = each / 255;
        return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const contrast = (a: number, b: number): number => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const isShown = (element: Element): boolean =>
      element.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true });
    const found: { text: string; place: string; ratio: number }[] = [];
    for (const element of document.body.querySelectorAll('*')) {
      const text = [...element.childNodes]
        .filter((node) => node.nodeType === Node.TEXT_NODE)
        .map((node) => node.textContent?.trim() ?? '')
        .join('');
      if (text === '' || !isShown(element) || element.closest('script, style, noscript') !== null) continue;
      const backgrounds: string[] = [];
      let isOpaque = true;
      for (let at: Element | null = element; at !== null; at = at.parentElement) {
        isOpaque &&= getComputedStyle(at).opacity === '1';
        backgrounds.unshift(getComputedStyle(at).backgroundColor);
      }
      const { color } = getComputedStyle(element);
      const ratio =
        Number(isOpaque) * contrast(luminance(blend(backgrounds)), luminance(blend([...backgrounds, color])));
      found.push({ text: text.slice(0, 40), place: `${element.tagName} ${element.className}`, ratio });
    }
    return found;
  });
}
