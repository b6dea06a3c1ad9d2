// Writes the import law (import-law.js) into docs/architecture.md, between its two markers.
import { readFileSync, writeFileSync } from 'node:fs';
import { describeImportLaw } from './import-law.js';

const PAGE = 'docs/architecture.md';
const [BEGIN, END] = [
  '<!-- import law: written by scripts/write-import-law.js -->',
  '<!-- end of the import law -->',
];
const page = readFileSync(PAGE, 'utf8');
const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
if (begin < 0 || end < begin) throw new Error(`${PAGE}: expected ${BEGIN} and ${END}`);
writeFileSync(PAGE, `${page.slice(0, begin + BEGIN.length)}\n\n${describeImportLaw()}\n\n${page.slice(end)}`);
