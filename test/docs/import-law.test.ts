import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { describeImportLaw } from '../../scripts/import-law.js';

it('docs/architecture.md shows the import law that the lint holds the code to', () => {
  const page = readFileSync(new URL('../../docs/architecture.md', import.meta.url), 'utf8');
  expect(page).toContain(`\n${describeImportLaw()}\n`);
});
