// mkdir -p. Node's own (recursive: true) never returns where mkdir(2) answers ENOENT although the parent is there,
// as procfs does.
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';

/** Makes `path` (absolute) for the owner alone, and its parents; one that is there stays as it is. Throws Node's errors. */
export function makeDirectory(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return;
    if (code !== 'ENOENT' || dirname(path) === path) throw error;
    makeDirectory(dirname(path));
    mkdirSync(path, { mode: 0o700 });
  }
}
