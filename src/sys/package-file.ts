// Finds the files of this package. This file lies two folders below the package root, as does every file that it is
// compiled or bundled into.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

/** The absolute path of a file of this package; its root by default. */
export function packageFile(path = ''): string {
  return path === '' ? ROOT : `${ROOT}/${path}`;
}

/**
 * The absolute path of a native file: the one in build/Release, else the prebuilt one of the npm package. If neither exists,
 * the path in build/Release. bin/stratafs applies the same rule to the launcher.
 */
export function nativeFile(name: string): string {
  const compiled = packageFile(`build/Release/${name}`);
  if (existsSync(compiled)) return compiled;
  const prebuilt = packageFile(`prebuilds/linux-${process.arch}/${name}`);
  return existsSync(prebuilt) ? prebuilt : compiled;
}
