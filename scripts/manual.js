// Makes the manual pages into dist/man, or the directory that is given, after tsc has built dist/.
//
// Their date is SOURCE_DATE_EPOCH, else that of the last commit, else that of package.json, which an archive of the
// source keeps: one source gives the same bytes whenever it is built.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { manualPages } from '../dist/cli/manual/pages.js';

const root = join(import.meta.dirname, '..');

/** Seconds since 1970. */
function sourceDate() {
  const given = process.env.SOURCE_DATE_EPOCH;
  if (given !== undefined && given !== '') return Number(given);
  try {
    const stdio = ['ignore', 'pipe', 'ignore'];
    return Number(execFileSync('git', ['log', '-1', '--format=%ct'], { cwd: root, stdio }));
  } catch {
    // No clone, or no git.
    return statSync(join(root, 'package.json')).mtimeMs / 1000;
  }
}

const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const date = new Date(sourceDate() * 1000).toISOString().slice(0, 10);
const directory = process.argv[2] ?? join(root, 'dist/man');
mkdirSync(directory, { recursive: true });
for (const { file, text } of await manualPages({ version, date })) writeFileSync(join(directory, file), text);
