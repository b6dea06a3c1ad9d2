// The examples of docs/library.md and of the doc comments of src/library/.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));

export interface Example {
  /** File and line. */
  readonly place: string;
  readonly source: string;
  /** What it prints; undefined if the text does not say. */
  readonly output: string | undefined;
}

/** A block of TypeScript, and the block of its output if one follows. */
const BLOCK = /^```ts\n(.*?)^```$(?:\s+```text\n(.*?)^```$)?/gms;

function examplesOf(file: string): Example[] {
  const text = readFileSync(join(root, file), 'utf8');
  const plain = file.endsWith('.md') ? text : text.replace(/^ *\* ?/gm, '');
  return [...plain.matchAll(BLOCK)].map(({ 1: source = '', 2: output, index }) => ({
    place: `${file}:${plain.slice(0, index).split('\n').length}`,
    source,
    output,
  }));
}

/** All of them, in the order of files and lines. */
export function libraryExamples(): Example[] {
  const files = readdirSync(join(root, 'src/library')).map((name) => `src/library/${name}`);
  return ['docs/library.md', ...files].flatMap(examplesOf);
}
