// Loads the native addon: the only file that does. Each part of it is typed and documented in a file beside this one.
import { createRequire } from 'node:module';
import { InputError } from '../vfs/input-error.ts';
import { packageFile } from './package-file.ts';

const require = createRequire(import.meta.url);

/** The addon's exports, untyped; the files of `sys/` give each part its type. */
export const addon: unknown = load();

/** InputError where it was not built (npm's --ignore-scripts), or for another system. */
function load(): unknown {
  try {
    return require(packageFile('build/Release/stratafs.node'));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason =
      code === 'MODULE_NOT_FOUND' ? 'was not built' : `can't be loaded: ${message.split('\n')[0] ?? ''}`;
    throw new InputError(`the native addon ${reason}; run: npm --prefix ${packageFile()} run install`, {
      cause: error,
    });
  }
}
