// Finds the files of this package. This file lies two folders below the package root, as does every file that it is
// compiled or bundled into.
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

/** The absolute path of a file of this package; its root by default. */
export function packageFile(path = ''): string {
  return path === '' ? ROOT : `${ROOT}/${path}`;
}
