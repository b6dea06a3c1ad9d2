// V8's code cache of a script: its compiled functions, in a file next to the script. A user who can write that file can run
// code, so the cache is only used if it is as trustworthy as the script: written by the script's owner or by root.
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { Script } from 'node:vm';

/** A script: its file, the text that V8 compiles, and the path of its cache in the same directory. */
export interface CachedScript {
  readonly file: string;
  readonly source: string;
  readonly cache: string;
}

/** Mode bits: writable by group or others. */
const OTHERS_WRITE = 0o022;

/** Compiles with the cache. If the cache is missing or from another V8, writes it, provided that the user owns the directory. */
export function compileCached(script: CachedScript): Script {
  const cachedData = readCache(script);
  const { file: filename, source } = script;
  const compiled = new Script(source, { filename, ...(cachedData === undefined ? {} : { cachedData }) });
  if (compiled.cachedDataRejected === false || !mayWriteCache(script)) return compiled;
  try {
    return makeCache(script);
  } catch {
    return compiled; // ENOSPC, EROFS, EDQUOT: the cache only saves time
  }
}

/** Compiles all functions, including those that start-up doesn't call, and writes the cache. Throws if it can't be written. */
export function makeCache({ file, source, cache }: CachedScript): Script {
  let script: Script;
  setFlagsFromString('--no-lazy');
  try {
    script = new Script(source, { filename: file });
  } finally {
    // V8 compares the flags that a cache was made with.
    setFlagsFromString('--lazy');
  }
  writeAtomically(cache, script.createCachedData());
  return script;
}

/** undefined if there is no cache, or if another user may have written it. */
function readCache({ file, cache }: CachedScript): Buffer | undefined {
  let fd: number | undefined;
  try {
    fd = openSync(cache, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const { uid } = statSync(file);
    const isTrusted = [statSync(dirname(cache)), fstatSync(fd)].every(
      (each) => (each.uid === uid || each.uid === 0) && (each.mode & OTHERS_WRITE) === 0,
    );
    return isTrusted ? readFileSync(fd) : undefined;
  } catch {
    return undefined; // ENOENT, EACCES, ELOOP: the script is compiled without a cache
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** True if the user owns the directory: root writes nothing that another user could redirect. */
function mayWriteCache({ cache }: CachedScript): boolean {
  try {
    const { uid, mode } = statSync(dirname(cache));
    return uid === process.geteuid?.() && (mode & OTHERS_WRITE) === 0;
  } catch {
    return false; // EACCES
  }
}

function writeAtomically(path: string, bytes: Uint8Array): void {
  const draft = `${path}.${process.pid}`;
  const fd = openSync(draft, 'wx', 0o644);
  try {
    try {
      fchmodSync(fd, 0o644); // regardless of the umask, since other users read it
      writeFileSync(fd, bytes);
    } finally {
      closeSync(fd);
    }
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
}
