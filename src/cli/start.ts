// Starts a program from its bundle (scripts/bundle.js) with V8's code cache: finding, linking and compiling a hundred modules
// takes longer than a mount.
//
// It runs as CommonJS, because in Node 20 only vm.Script accepts a code cache. A missing or outdated cache only costs time:
// V8 rejects a cache that it did not make from this file.
import { readFileSync } from 'node:fs';
import module from 'node:module';
import { fileURLToPath } from 'node:url';
import { type CachedScript, compileCached, makeCache } from './code-cache.ts';

const DIRECTORY = fileURLToPath(new URL('.', import.meta.url));
/** The bundle with everything that a mount needs; all programs load it. */
const MOUNTING = `${DIRECTORY}mounting.cjs`;

type Wrapped = (
  exports: unknown,
  require: NodeJS.Require,
  module: NodeJS.Module,
  file: string,
  place: string,
) => void;

/** latin1, since the file is ASCII. */
function readMounting(): CachedScript {
  const source = module.wrap(readFileSync(MOUNTING, 'latin1'));
  return { file: MOUNTING, source, cache: `${DIRECTORY}mounting.cache` };
}

/** Runs the program of this name (programs.ts) with the arguments of the process. */
export function start(name: string): void {
  const require = module.createRequire(MOUNTING);
  const mounting = new module.Module(MOUNTING);
  require.cache[MOUNTING] = mounting; // other files of the bundle require it too
  const run = compileCached(readMounting()).runInThisContext() as Wrapped;
  run(mounting.exports, require, mounting, MOUNTING, DIRECTORY);
  mounting.loaded = true;
  const { programs } = require('./programs.cjs') as { programs: Record<string, () => Promise<void>> };
  void programs[name]?.();
}

/** Makes the cache at build time, for scripts/code-cache.js. */
export function makeMountingCache(): void {
  makeCache(readMounting());
}
