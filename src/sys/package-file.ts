// Where this package lies. This file is two folders below its root, as are all that it is compiled or bundled into.
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

/** The absolute path of a file of this package; its root by default. */
export function packageFile(path = ''): string {
  return path === '' ? ROOT : `${ROOT}/${path}`;
}
