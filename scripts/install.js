// What npm runs when the package is installed. Where a prebuilt addon and launcher fit this system, nothing is compiled; a clone
// is always compiled. Then comes what depends on the Node that runs this (code-cache.js).
//
// Without it (npm's --ignore-scripts) the prebuilt files work as well. `--build-from-source` compiles in any case.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { CompileError, compile } from './compile.js';

const root = join(import.meta.dirname, '..');
const prebuilt = join(root, `prebuilds/linux-${process.arch}`);
/** What the launcher exits with when it is called without a command. */
const LAUNCHER_USAGE = 2;

/** Why the prebuilt files are not used; undefined where they fit. */
function whyCompile() {
  // A package has no sources of TypeScript.
  if (existsSync(join(root, 'src'))) return 'this is a clone';
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
  await import('./code-cache.js');
} catch (error) {
  if (!(error instanceof CompileError)) throw error;
  console.error(`stratafs: ${error.message} (${reason})`);
  process.exitCode = 1;
}
