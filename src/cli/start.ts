// Starts a program out of its bundle (scripts/bundle.js), with what V8 made of it before: to find, link and compile some hundred
// modules took longer than a mount.
//
// It runs as CommonJS, since in Node 20 nothing but a vm.Script takes V8's cache. A cache that is missing, or another
// version's, costs time only: V8 refuses what it did not make of this very file.
import { readFileSync, writeFileSync } from 'node:fs';
import module from 'node:module';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { Script } from 'node:vm';

const DIRECTORY = fileURLToPath(new URL('.', import.meta.url));
/** What all programs, and a mount, load. */
const MOUNTING = `${DIRECTORY}mounting.cjs`;
const CACHE = `${DIRECTORY}mounting.cache`;

type Wrapped = (
  exports: unknown,
  require: NodeJS.Require,
  module: NodeJS.Module,
  file: string,
  place: string,
) => void;

/** The file is ASCII. */
function compile(cachedData?: Buffer): Script {
  const source = module.wrap(readFileSync(MOUNTING, 'latin1'));
  return new Script(source, { filename: MOUNTING, ...(cachedData === undefined ? {} : { cachedData }) });
}

function readCache(): Buffer | undefined {
  try {
    return readFileSync(CACHE);
  } catch {
    return undefined;
  }
}

/** Runs the program of this name (programs.ts) with the arguments of the process. */
export function start(name: string): void {
  const require = module.createRequire(MOUNTING);
  const mounting = new module.Module(MOUNTING);
  require.cache[MOUNTING] = mounting; // other files of the bundle require it too
  const run = compile(readCache()).runInThisContext() as Wrapped;
  run(mounting.exports, require, mounting, MOUNTING, DIRECTORY);
  mounting.loaded = true;
  const { programs } = require('./programs.cjs') as { programs: Record<string, () => Promise<void>> };
  void programs[name]?.();
}

/** Makes the cache, of all functions: what a mount calls would be compiled when it is called, else. */
export function makeCache(): void {
  setFlagsFromString('--no-lazy');
  const script = compile();
  // V8 compares the flags that a cache was made with.
  setFlagsFromString('--lazy');
  writeFileSync(CACHE, script.createCachedData());
}
