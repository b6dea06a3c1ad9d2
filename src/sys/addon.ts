// Loads the native addon. No other file does; the other files of this folder type and document its parts.
import { createRequire } from 'node:module';
import { InputError } from '../vfs/input-error.ts';
import { nativeFile, packageFile } from './package-file.ts';

const require = createRequire(import.meta.url);

/** The addon's exports, without types. */
export const addon: unknown = load();

/** Throws InputError if there is no addon for this architecture, or it does not load because it was built for another system. */
function load(): unknown {
  try {
    return require(nativeFile('stratafs.node'));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason =
      code === 'MODULE_NOT_FOUND' ? 'was not built' : `can't be loaded: ${message.split('\n')[0] ?? ''}`;
    throw new InputError(`the native addon ${reason}; run: npm --prefix ${packageFile()} run install`, {
      cause: error,
    });
  }
}
