// The package's install script. It compiles the native code unless the prebuilt files work on this system; a clone is always
// compiled, and so is a package with npm's option --build-from-source. Then it runs code-cache.js.
//
// The package also works without this script (--ignore-scripts), from its prebuilt files.
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { CompileError, compile } from './compile.js';

const root = join(import.meta.dirname, '..');
const prebuilt = join(root, `prebuilds/linux-${process.arch}`);
/** Exit status of the launcher when it is called without a command. */
const LAUNCHER_USAGE = 2;

// A package has no sources of TypeScript.
const isClone = existsSync(join(root, 'src'));

/** The reason for compiling; undefined if the prebuilt files work. */
function whyCompile() {
  if (isClone) return 'this is a clone';
  if (process.env.npm_config_build_from_source) return '--build-from-source is given';
  if (!existsSync(prebuilt)) return `no prebuilt addon for linux-${process.arch}`;
  try {
    createRequire(import.meta.url)(join(prebuilt, 'stratafs.node'));
  } catch (error) {
    return `the prebuilt addon does not fit this system: ${error.message.split('\n')[0]}`;
  }
  const { status } = spawnSync(join(prebuilt, 'stratafs-launch'), { stdio: 'ignore' });
  return status === LAUNCHER_USAGE ? undefined : 'the prebuilt launcher does not run on this system';
}

const reason = whyCompile();
try {
  if (reason !== undefined) compile();
  // npm builds dist/ after this script. The one of an earlier build may not fit the scripts of today.
  if (isClone) rmSync(join(root, 'dist'), { recursive: true, force: true });
  await import('./code-cache.js');
} catch (error) {
  if (!(error instanceof CompileError)) throw error;
  console.error(`stratafs: ${error.message} (${reason})`);
  process.exitCode = 1;
}
