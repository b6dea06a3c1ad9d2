// Builds the page of `stratafs report`: the built template with the data inserted.
import { readFileSync } from 'node:fs';
import { packageFile } from '../../sys/package-file.ts';
import type { ReportData } from '../../library/report.ts';

/** The empty data block of src/report/template.html. */
const DATA_BLOCK = '<script type="application/json" id="report-data"></script>';

/** The template that scripts/bundle-page.js has built. */
export function readPageTemplate(): string {
  return readFileSync(packageFile('dist/report/page.html'), 'utf8');
}

/** The whole page. The data can't end its block, because JSON without '<' contains no markup. */
export function fillPage(template: string, data: ReportData): string {
  const at = template.indexOf(DATA_BLOCK);
  if (at < 0) throw new Error('the template of the report has no place for its data');
  const inside = at + DATA_BLOCK.indexOf('>') + 1;
  const json = JSON.stringify(data).replaceAll('<', '\\u003c');
  return template.slice(0, inside) + json + template.slice(inside);
}
