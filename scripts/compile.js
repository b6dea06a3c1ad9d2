// Compiles the native code into build/Release, in parallel: the addon and the launcher, and with --bench the programs of
// `stratafs bench` too. Files that are up to date are not compiled again.
//
// usage: node scripts/compile.js [--bench]
// npm's variables apply (npm_config_nodedir, npm_config_python), as do those of make (CC, CXX, CXXFLAGS, LDFLAGS).
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync, realpathSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

const root = join(import.meta.dirname, '..');

/** The native code can't be compiled; the message says what to install. */
export class CompileError extends Error {}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false; // ENOENT, EACCES
  }
}

/** Finds a program by its name in PATH, or by its path. */
function findProgram(name) {
  if (name.includes('/')) return isExecutable(name) ? name : undefined;
  return (process.env.PATH ?? '')
    .split(delimiter)
    .map((directory) => join(directory, name))
    .find(isExecutable);
}

/** The programs that compiling needs and that are not installed. */
function missingPrograms(environment) {
  const compiler = environment.CXX?.split(' ')[0] || 'g++';
  const python = environment.npm_config_python || environment.PYTHON || 'python3';
  return [compiler, environment.MAKE || 'make', python].filter((name) => findProgram(name) === undefined);
}

/** Finds the directory that holds `include/node` with the headers of this major version of Node. */
export function findHeaders(places = [dirname(dirname(process.execPath)), '/usr', '/usr/local']) {
  const [major] = process.versions.node.split('.');
  return places.find((place) => {
    try {
      const header = readFileSync(join(place, 'include/node/node_version.h'), 'utf8');
      return /^#define NODE_MAJOR_VERSION (\d+)/m.exec(header)?.[1] === major;
    } catch {
      return false; // ENOENT
    }
  });
}

/** The command line of node-gyp; that of npm is preferred. */
function nodeGyp() {
  const inNpm = 'node_modules/node-gyp/bin/node-gyp.js';
  const npm = findProgram('npm');
  const script = [
    process.env.npm_config_node_gyp,
    join(dirname(dirname(process.execPath)), 'lib/node_modules/npm', inNpm),
    // PATH has a symlink to npm's bin/npm-cli.js.
    npm === undefined ? undefined : join(dirname(dirname(realpathSync(npm))), inNpm),
  ].find((path) => path !== undefined && existsSync(path));
  if (script !== undefined) return [process.execPath, script];
  const program = findProgram('node-gyp');
  if (program === undefined) throw new CompileError('node-gyp is not found; it comes with npm');
  return [program];
}

/**
 * Compiles what binding.gyp in `directory` describes. `environment` and `options` go to node-gyp. Throws CompileError if a
 * program is missing, or if the compiler fails; it has then written its errors to stderr.
 */
export function compile({ bench = false, directory = root, environment = process.env, options = [] } = {}) {
  const missing = missingPrograms(environment);
  if (missing.length > 0) {
    throw new CompileError(
      `compiling needs ${missing.join(', ')}; install a C++ compiler, make and python3 (Debian: apt install g++ make python3)`,
    );
  }
  const headers = environment.npm_config_nodedir === undefined ? findHeaders() : undefined;
  const [program, ...script] = nodeGyp();
  const args = [
    ...script,
    ...['configure', 'build', '--jobs=max', '--loglevel=warn'],
    ...(headers === undefined ? [] : [`--nodedir=${headers}`]),
    ...options,
  ];
  const env = { ...environment, ...(bench ? { GYP_DEFINES: 'bench_programs=1' } : {}) };
  const { status, error } = spawnSync(program, args, { cwd: directory, env, stdio: 'inherit' });
  if (status === 0) return;
  if (error !== undefined) throw new CompileError(`${program}: ${error.message}`);
  throw new CompileError(
    headers === undefined && environment.npm_config_nodedir === undefined
      ? "compiling failed; Node's headers are not installed beside it: if they can't be downloaded, name their directory with --nodedir"
      : 'compiling failed',
  );
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  try {
    compile({ bench: process.argv.includes('--bench') });
  } catch (error) {
    if (!(error instanceof CompileError)) throw error;
    console.error(`stratafs: ${error.message}`);
    process.exitCode = 1;
  }
}
