// Starts a program out of its bundle (scripts/bundle.js), with V8's code cache of it: to find, link and compile some hundred
// modules took longer than a mount.
//
// It runs as CommonJS, since in Node 20 nothing but a vm.Script takes V8's cache. A cache that is missing, or another
// version's, costs time only: V8 refuses what it did not make of this very file.
import { readFileSync } from 'node:fs';
import module from 'node:module';
import { fileURLToPath } from 'node:url';
import { type CachedScript, compileCached, makeCache } from './code-cache.ts';

const DIRECTORY = fileURLToPath(new URL('.', import.meta.url));
/** What all programs, and a mount, load. */
const MOUNTING = `${DIRECTORY}mounting.cjs`;

type Wrapped = (
  exports: unknown,
  require: NodeJS.Require,
  module: NodeJS.Module,
  file: string,
  place: string,
) => void;

/** The file is ASCII. */
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

/** Makes the cache beforehand, for scripts/code-cache.js. */
export function makeMountingCache(): void {
  makeCache(readMounting());
}
