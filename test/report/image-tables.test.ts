import { expect, it } from 'vitest';
import type { ReportImage } from '../../src/inspect/report-format.ts';
import { distinctTitles } from '../../src/report/image-tables.ts';

const image = (source: string, ...names: string[]): ReportImage =>
  ({ source, names }) as unknown as ReportImage;

it('images are distinguished by name, and by source if two have the same name, or none', () => {
  const images = [
    image('old.tar', 'app:1'),
    image('new.tar', 'app:1'),
    image('c.tar', 'c:1'),
    image('d.tar'),
  ];
  expect(distinctTitles(images)).toEqual(['old.tar', 'new.tar', 'c:1', 'd.tar']);
});
