// Loads the native addon: the only file that does. Each part of it is typed and documented in a file beside this one.
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/** The addon's exports, untyped; the files of `sys/` give each part its type. */
export const addon: unknown = require('../../build/Release/stratafs.node');
