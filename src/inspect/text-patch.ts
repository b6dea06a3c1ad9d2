// Formats the difference of one file as a unified diff with git's headers, for patch(1) and git.
//
// Texts are latin1 strings, one character a byte, so that all bytes are written unchanged.
import { escapeByte } from '../vfs/show-text.ts';
import { structuredPatch } from 'diff';

/** One side of a difference; undefined if the file does not exist. */
export interface PatchSide {
  /** As st_mode. */
  readonly mode: number;
  /** Bytes as latin1. */
  readonly text: string;
}

/** Up to so many added and removed lines, the shortest difference is searched for. */
const MAX_EDITS = 4000;
/** As git: a NUL among the first bytes makes a file binary. */
const TEXT_SNIFF = 8000;

/**
 * The patch of a path (bytes as latin1, no leading slash), as bytes in latin1; '' if neither mode nor text differ. Binary
 * files only get the line "Binary files ... differ".
 */
export function formatPatch(
  path: string,
  before: PatchSide | undefined,
  after: PatchSide | undefined,
): string {
  const isSame = before?.text === after?.text;
  if (isSame && before?.mode === after?.mode) return '';
  const old = quote(`a/${path}`);
  const now = quote(`b/${path}`);
  const head = [`diff --git ${old} ${now}`, ...modeLines(before?.mode, after?.mode)];
  // For an added or removed empty file, too, the header is the whole patch.
  if ((before?.text ?? '') === (after?.text ?? '')) return lines(head);
  const from = before === undefined ? '/dev/null' : old;
  const to = after === undefined ? '/dev/null' : now;
  if (isBinary(before) || isBinary(after)) return lines([...head, `Binary files ${from} and ${to} differ`]);
  return lines([...head, `--- ${from}`, `+++ ${to}`, ...hunksOf(before?.text ?? '', after?.text ?? '')]);
}

const lines = (all: readonly string[]): string => all.map((line) => `${line}\n`).join('');

function modeLines(before: number | undefined, after: number | undefined): string[] {
  const octal = (mode: number): string => mode.toString(8).padStart(6, '0');
  if (before === undefined) return after === undefined ? [] : [`new file mode ${octal(after)}`];
  if (after === undefined) return [`deleted file mode ${octal(before)}`];
  return before === after ? [] : [`old mode ${octal(before)}`, `new mode ${octal(after)}`];
}

function isBinary(side: PatchSide | undefined): boolean {
  return side?.text.slice(0, TEXT_SNIFF).includes('\0') === true;
}

/** As git quotes a name with control characters, quotes or bytes above ASCII. */
function quote(name: string): string {
  if (/^[\x20-\x21\x23-\x5b\x5d-\x7e]*$/.test(name)) return name;
  const escaped = name.replace(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, (character) =>
    character === '"' || character === '\\' ? `\\${character}` : escapeByte(character.charCodeAt(0)),
  );
  return `"${escaped}"`;
}

function hunksOf(before: string, after: string): string[] {
  const patch = structuredPatch('a', 'b', before, after, undefined, undefined, {
    context: 3,
    maxEditLength: MAX_EDITS,
  });
  if (patch === undefined) return wholeHunk(before, after);
  return patch.hunks.flatMap(({ oldStart, oldLines, newStart, newLines, lines: body }) => [
    `@@ -${range(oldStart, oldLines)} +${range(newStart, newLines)} @@`,
    ...body,
  ]);
}

/** The position of an empty range is the line before it. */
const range = (start: number, count: number): string =>
  count === 1 ? `${start}` : `${count === 0 ? Math.max(0, start - 1) : start},${count}`;

/** All lines removed, all lines added. */
function wholeHunk(before: string, after: string): string[] {
  const old = splitLines(before);
  const now = splitLines(after);
  return [
    `@@ -${range(1, old.count)} +${range(1, now.count)} @@`,
    ...old.lines.map((line) => (line.startsWith('\\') ? line : `-${line.slice(1)}`)),
    ...now.lines.map((line) => (line.startsWith('\\') ? line : `+${line.slice(1)}`)),
  ];
}

/** Prefixes each line with one character. "\ No newline at end of file" follows a last line without a newline. */
function splitLines(text: string): { lines: string[]; count: number } {
  if (text === '') return { lines: [], count: 0 };
  const isEnded = text.endsWith('\n');
  const found = (isEnded ? text.slice(0, -1) : text).split('\n').map((line) => ` ${line}`);
  return { lines: isEnded ? found : [...found, '\\ No newline at end of file'], count: found.length };
}
