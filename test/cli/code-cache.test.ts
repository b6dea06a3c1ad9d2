// V8's code cache of a script: when it is made, and when it is used.
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CachedScript, compileCached } from '../../src/cli/code-cache.ts';
import { describeWith } from '../requirements.ts';

const OTHER_USER = 65534;
let directory: string;
let script: CachedScript;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'stratafs-cache-'));
  const source = '(function () { return 42; })()';
  script = { file: join(directory, 'script.cjs'), source, cache: join(directory, 'script.cache') };
  writeFileSync(script.file, source);
});
afterEach(() => rmSync(directory, { recursive: true }));

const runScript = (): unknown => compileCached(script).runInThisContext();
/** True if the next compilation uses the existing cache. */
const isTaken = (): boolean => compileCached(script).cachedDataRejected === false;

describe('the code cache', () => {
  it('is made by the first command and used by the next', () => {
    expect(runScript()).toBe(42);
    expect(statSync(script.cache).mode & 0o777).toBe(0o644);
    expect(isTaken()).toBe(true);
    expect(runScript()).toBe(42);
    expect(readdirSync(directory).sort()).toEqual(['script.cache', 'script.cjs']);
  });

  it('is made again when V8 rejects it', () => {
    writeFileSync(script.cache, 'of another V8');
    expect(runScript()).toBe(42);
    expect(isTaken()).toBe(true);
  });

  it('is neither read nor made in a directory that other users may write to', () => {
    runScript();
    utimesSync(script.cache, 0, 0);
    for (const mode of [0o775, 0o777, 0o1777]) {
      chmodSync(directory, mode);
      expect(isTaken()).toBe(false);
      expect(runScript()).toBe(42);
      expect(statSync(script.cache).mtimeMs).toBe(0);
    }
  });

  it('is not read if other users may write to it, or if it is a symlink', () => {
    runScript();
    const bytes = readFileSync(script.cache);
    chmodSync(script.cache, 0o666);
    expect(compileCached(script).cachedDataRejected).toBe(undefined);
    // It was made again.
    expect(statSync(script.cache).mode & 0o777).toBe(0o644);
    rmSync(script.cache);
    writeFileSync(join(directory, 'elsewhere'), bytes);
    symlinkSync('elsewhere', script.cache);
    expect(compileCached(script).cachedDataRejected).toBe(undefined);
  });

  it('does not fail a command if it cannot be written', () => {
    const draft = `${script.cache}.${process.pid}`;
    writeFileSync(draft, '');
    expect(runScript()).toBe(42);
    expect(existsSync(script.cache)).toBe(false);
  });
});

describeWith(['root'], 'the code cache of another user', () => {
  it('is not made by root in a directory of that user', () => {
    chownSync(directory, OTHER_USER, OTHER_USER);
    expect(runScript()).toBe(42);
    expect(existsSync(script.cache)).toBe(false);
  });

  it('is only used if the same user owns the script', () => {
    runScript();
    chownSync(script.cache, OTHER_USER, OTHER_USER);
    expect(compileCached(script).cachedDataRejected).toBe(undefined);
    chownSync(directory, OTHER_USER, OTHER_USER);
    chownSync(script.cache, OTHER_USER, OTHER_USER);
    chownSync(script.file, OTHER_USER, OTHER_USER);
    expect(isTaken()).toBe(true);
  });
});
