// Writes the manual pages to dist/man, or to the directory in argv.
//
// A page's date is SOURCE_DATE_EPOCH, else the date of the last commit, else the mtime of package.json, which an archive
// of the source preserves. So a build is reproducible: the same source gives the same bytes.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'rolldown';

const root = join(import.meta.dirname, '..');

/** Seconds since 1970. */
function sourceDate() {
  const epoch = process.env.SOURCE_DATE_EPOCH;
  if (epoch !== undefined && epoch !== '') return Number(epoch);
  try {
    const stdio = ['ignore', 'pipe', 'ignore'];
    return Number(execFileSync('git', ['log', '-1', '--format=%ct'], { cwd: root, stdio }));
  } catch {
    // Not a clone, or git is not installed.
    return statSync(join(root, 'package.json')).mtimeMs / 1000;
  }
}

// Two folders below the root, as all that finds files of this package (src/sys/package-file.ts).
await build({
  cwd: root,
  input: { pages: 'src/cli/manual/pages.ts' },
  platform: 'node',
  transform: { target: 'node20.19' },
  checks: { ineffectiveDynamicImport: false },
  output: { dir: 'build/manual', format: 'esm', entryFileNames: '[name].mjs', chunkFileNames: '[name].mjs' },
});
const { manualPages } = await import('../build/manual/pages.mjs');

const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const date = new Date(sourceDate() * 1000).toISOString().slice(0, 10);
const directory = process.argv[2] ?? join(root, 'dist/man');
mkdirSync(directory, { recursive: true });
const sources = join(root, 'docs/man');
const prose = Object.fromEntries(
  readdirSync(sources).map((file) => [file.replace(/\.md$/, ''), readFileSync(join(sources, file), 'utf8')]),
);
for (const { file, text } of await manualPages({ version, date }, prose))
  writeFileSync(join(directory, file), text);
