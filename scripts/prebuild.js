// Builds the prebuilt native files of the npm package, prebuilds/linux-<arch>/: the addon, the launcher and the programs of
// `stratafs bench`, for each architecture that this machine has a compiler for.
//
// usage: node scripts/prebuild.js [ARCH]...   default: x64 and arm64
// The files also run on older systems: libstdc++ is linked statically, with hidden symbols, and no symbol is newer than
// glibc GLIBC_FLOOR, which this script checks. Cross compilers are Debian's g++-aarch64-linux-gnu and g++-x86-64-linux-gnu.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, renameSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { CompileError, compile } from './compile.js';
import { compareVersions, glibcFloor, readRequirements } from './elf.js';

const root = join(import.meta.dirname, '..');

/** The oldest glibc that the prebuilt files run on; docs/install.md states it. */
export const GLIBC_FLOOR = '2.34';
export const nativeFiles = ['stratafs.node', 'stratafs-launch', 'stratafs-load', 'stratafs-bare'];
const triplets = { x64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' };
/** The shared libraries that a prebuilt file may need: those that Node needs too, and the loader. */
const allowedLibraries = /^(?:libc\.so\.6|libgcc_s\.so\.1|libdl\.so\.2|libpthread\.so\.0|ld-linux-.*)$/;
const linkerFlags = [
  ...['-static-libstdc++', '-Wl,--exclude-libs,ALL', '-Wl,--gc-sections', '-Wl,--as-needed', '-s'],
];

/** The variables that name the tools for `arch`: none for this machine's own; undefined if a tool is missing. */
function tools(arch) {
  if (arch === process.arch) return {};
  const triplet = triplets[arch];
  const names = { CC: 'gcc', CXX: 'g++', AR: 'ar', LINK: 'g++' };
  const tools = Object.entries(names).map(([name, tool]) => [name, `${triplet}-${tool}`]);
  const isHere = ([, tool]) => spawnSync(tool, ['--version'], { stdio: 'ignore' }).status === 0;
  return tools.every(isHere) ? Object.fromEntries(tools) : undefined;
}

/** Throws if the file does not run on every system that docs/install.md names. */
export function checkPrebuilt(path, arch) {
  const { machine, libraries } = readRequirements(path);
  if (machine !== arch) throw new Error(`${path}: is for ${machine}, expected ${arch}`);
  const foreign = libraries.filter((library) => !allowedLibraries.test(library));
  if (foreign.length > 0) throw new Error(`${path}: needs ${foreign.join(', ')}`);
  const floor = glibcFloor(path);
  if (compareVersions(floor, GLIBC_FLOOR) > 0) {
    throw new Error(`${path}: needs glibc ${floor}, expected ${GLIBC_FLOOR} at most (build it on Debian 12)`);
  }
}

/** Builds for `arch` and returns the directory; undefined if there is no compiler for it. */
export function prebuild(arch) {
  const environment = tools(arch);
  if (environment === undefined) return undefined;
  // A separate directory leaves build/Release as it is; with symlinks only changed files are compiled again.
  const workshop = join(root, 'build/prebuilt', arch);
  mkdirSync(workshop, { recursive: true });
  for (const name of ['binding.gyp', 'package.json', 'native', 'node_modules']) {
    rmSync(join(workshop, name), { force: true });
    symlinkSync(join(root, name), join(workshop, name));
  }
  compile({
    bench: true,
    directory: workshop,
    environment: { ...process.env, ...environment, CXXFLAGS: '-Werror', LDFLAGS: linkerFlags.join(' ') },
    options: [`--arch=${arch}`],
  });
  const place = join(root, `prebuilds/linux-${arch}`);
  mkdirSync(place, { recursive: true });
  for (const name of nativeFiles) {
    const built = join(workshop, 'build/Release', name);
    checkPrebuilt(built, arch);
    const draft = join(place, `.${name}`);
    copyFileSync(built, draft);
    renameSync(draft, join(place, name));
  }
  return place;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [, , ...named] = process.argv;
  try {
    for (const arch of named.length > 0 ? named : Object.keys(triplets)) {
      const place = prebuild(arch);
      if (place === undefined) {
        console.error(
          `linux-${arch}: skipped: no ${triplets[arch]}-g++ (Debian: apt install g++-${triplets[arch].replace('_', '-')})`,
        );
        if (named.length > 0) process.exitCode = 1;
      } else {
        const sizes = nativeFiles.map(
          (name) => `${name} ${Math.round(statSync(join(place, name)).size / 1024)} KiB`,
        );
        console.log(`linux-${arch}: ${sizes.join(', ')}`);
      }
    }
  } catch (error) {
    if (!(error instanceof CompileError)) throw error;
    console.error(`prebuild: ${error.message}`);
    process.exitCode = 1;
  }
}
