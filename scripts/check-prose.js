// Keeps the banned turns (prose-turns.js) out of the files that ESLint doesn't read: C++, shell, Python, Markdown.
// Of C++ it reads comments and strings, of the others the whole text. A line with the words "prose: quoted", or the
// line after it, is a quotation of somebody else's text and stays as it is. Exit status 1 with a finding.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isHeldToProse } from './prose-places.js';
import { describeTurn, findTurns } from './prose-turns.js';

const blank = (text) => text.replace(/[^\n]/g, ' ');

/** A C++ source with everything but comments and strings blanked, line for line. */
function proseOfCpp(source) {
  const token = /\/\/[^\n]*|\/\*[^]*?\*\/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])+'/g;
  let [prose, end] = ['', 0];
  for (const { 0: words, index } of source.matchAll(token)) {
    prose += blank(source.slice(end, index)) + words.replace(/^\/[/*]|\*\/$|^["']|["']$/g, blank);
    end = index + words.length;
  }
  return prose + blank(source.slice(end));
}

/** The part of CHANGELOG.md that may still change: what comes before the first released version. */
function unreleased(text) {
  const released = text.search(/^## \[\d/m);
  return released < 0 ? text : text.slice(0, released);
}

/** The prose of a file, with the line structure of the file. */
export function proseOf(path, text) {
  if (/\.(?:cc|h)$/.test(path)) return proseOfCpp(text);
  if (basename(path) === 'CHANGELOG.md') return unreleased(text);
  return path.endsWith('.md') ? text : text.replace(/^([ \t]*)#+/gm, '$1');
}

/**
 * The findings in one file, as lines `path:line: message`.
 *
 * @param {string} path
 * @param {string} text
 * @returns {string[]}
 */
export function checkProse(path, text) {
  const lines = text.split('\n');
  const isQuoted = (line) =>
    [lines[line - 1], lines[line - 2]].some((each) => each?.includes('prose: quoted'));
  return findTurns(proseOf(path, text))
    .map((found) => ({ ...found, line: text.slice(0, found.index).split('\n').length }))
    .filter(({ line }) => !isQuoted(line))
    .map((found) => `${path}:${found.line}: ${describeTurn(found)}`);
}

/** The tracked files that this program checks: all but what ESLint reads, images and archives. */
function checkedFiles() {
  const tracked = execFileSync('git', ['ls-files', '-z'], { encoding: 'utf8' }).split('\0');
  const isText = (path) => /\.(?:cc|h|sh|py|md|gyp)$|^(?:\.ci|bin|share)\//.test(path);
  return tracked.filter((path) => isText(path) && isHeldToProse(path) && existsSync(path));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const findings = checkedFiles().flatMap((path) => checkProse(path, readFileSync(path, 'utf8')));
  for (const finding of findings) console.error(finding);
  if (findings.length > 0) process.exitCode = 1;
}
