// Starts a program from its bundle (scripts/bundle.js) with V8's code cache: finding, linking and compiling a hundred modules
// takes longer than a mount.
//
// It runs as CommonJS, because in Node 20 only vm.Script accepts a code cache. A missing or outdated cache only costs time:
// V8 rejects a cache that it did not make from this file.
import { readFileSync, readdirSync } from 'node:fs';
import module from 'node:module';
import { fileURLToPath } from 'node:url';
import { type CachedScript, compileCached, makeCache } from './code-cache.ts';

const DIRECTORY = fileURLToPath(new URL('.', import.meta.url));

interface LoadedFile {
  exports: unknown;
}

type Wrapped = (
  exports: unknown,
  require: NodeJS.Require,
  module: LoadedFile,
  file: string,
  place: string,
) => void;

/** `name`: of a file of the bundle, which is ASCII. */
function readBundled(name: string): CachedScript {
  const file = DIRECTORY + name;
  const source = module.wrap(readFileSync(file, 'latin1'));
  return { file, source, cache: file.replace(/\.cjs$/, '.cache') };
}

/** Loads files of the bundle, each once, without Node's search for modules. */
class Bundle {
  readonly #loaded = new Map<string, LoadedFile>();
  readonly #require: NodeJS.Require;

  constructor() {
    const requireOfNode = module.createRequire(DIRECTORY);
    const require = (id: string): unknown =>
      id.startsWith('./') ? this.load(id.slice(2)) : (requireOfNode(id) as unknown);
    this.#require = Object.assign(require, requireOfNode);
  }

  /** What the file exports. If it is being loaded, what it has exported so far, as in Node. */
  load(name: string): unknown {
    const earlier = this.#loaded.get(name);
    if (earlier !== undefined) return earlier.exports;
    const loaded: LoadedFile = { exports: {} };
    this.#loaded.set(name, loaded);
    const script = readBundled(name);
    const run = compileCached(script).runInThisContext() as Wrapped;
    run(loaded.exports, this.#require, loaded, script.file, DIRECTORY);
    return loaded.exports;
  }
}

/** Runs the program of this name (programs.ts) with the arguments of the process. */
export function start(name: string): void {
  const { programs } = new Bundle().load('programs.cjs') as { programs: Record<string, () => Promise<void>> };
  void programs[name]?.();
}

/** Makes the caches of all files of the bundle at build time, for scripts/code-cache.js. */
export function makeCaches(): void {
  for (const name of readdirSync(DIRECTORY)) {
    if (name.endsWith('.cjs') && !name.endsWith('main.cjs') && name !== 'start.cjs')
      makeCache(readBundled(name));
  }
}
