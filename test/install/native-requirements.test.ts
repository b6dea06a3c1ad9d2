// What the native files need of a system: the prebuilt ones where they were built (npm run prebuilds), and those compiled here.
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { compareVersions, glibcFloor, readRequirements } from '../../scripts/elf.js';
import { GLIBC_FLOOR, checkPrebuilt, nativeFiles } from '../../scripts/prebuild.js';

const file = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const { glibcVersionRuntime } = (
  process.report.getReport() as { header: { glibcVersionRuntime: string | undefined } }
).header;
/** The glibc of Debian 12: a newer one gives newer symbols to what is compiled with it. */
const BUILDER_GLIBC = '2.36';

it('docs/install.md states the glibc that the prebuilt files need', () => {
  expect(readFileSync(file('docs/install.md'), 'utf8')).toContain(`glibc ${GLIBC_FLOOR}`);
});

it('versions are compared by number, not by text', () => {
  const sorted = ['2.34', '2.4', '2.2.5', '3', '2.28'].sort(compareVersions);
  expect(sorted).toEqual(['2.2.5', '2.4', '2.28', '2.34', '3']);
});

it('a file that is not ELF is refused', () => {
  expect(() => readRequirements(file('package.json'))).toThrow(/expected a 64-bit little-endian ELF file$/);
});

for (const arch of ['x64', 'arm64']) {
  const present = nativeFiles.filter((name) => existsSync(file(`prebuilds/linux-${arch}/${name}`)));
  describe.skipIf(present.length === 0)(`the prebuilt files of linux-${arch} (npm run prebuilds)`, () => {
    it.each(present)('%s needs no newer glibc than is stated, and no libstdc++', (name) => {
      expect(() => checkPrebuilt(file(`prebuilds/linux-${arch}/${name}`), arch)).not.toThrow();
    });
  });
}

const isOldEnough =
  glibcVersionRuntime !== undefined && compareVersions(glibcVersionRuntime, BUILDER_GLIBC) <= 0;
describe.skipIf(!isOldEnough)(`the files compiled here (needs glibc ${BUILDER_GLIBC} or older)`, () => {
  it.each(nativeFiles)('%s needs no newer glibc than is stated', (name) => {
    const path = file(`build/Release/${name}`);
    expect(readRequirements(path).machine).toBe(process.arch);
    expect(compareVersions(glibcFloor(path) ?? '0', GLIBC_FLOOR)).toBeLessThanOrEqual(0);
  });
});
