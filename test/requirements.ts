// Requirements of tests beyond Node: FUSE, root, other programs. If one is missing, the tests are skipped with the
// reason in their title. With REQUIRE_FUSE=1, as in CI, they fail with it.
import { accessSync, constants, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { release } from 'node:os';
import { delimiter, join } from 'node:path';
import { describe, expect, it } from 'vitest';

export type Requirement =
  | 'fuse'
  | 'root'
  | { readonly program: string }
  /** A name in /proc/filesystems. */
  | { readonly filesystem: string }
  /** "MAJOR.MINOR": at least this version. */
  | { readonly kernel: string }
  /** An npm package that a plain `npm install` leaves out. */
  | { readonly package: string };

const isRoot = process.geteuid?.() === 0;

function canAccess(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false; // ENOENT or EACCES: it can't be used
  }
}

/** The path of a program; undefined if it isn't in PATH. */
export function findProgram(name: string): string | undefined {
  return (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((directory) => join(directory, name))
    .find((path) => canAccess(path, constants.X_OK));
}

function hasFilesystem(name: string): boolean {
  return readFileSync('/proc/filesystems', 'utf8').split(/\s+/).includes(name);
}

function isKernel(wanted: string): boolean {
  const [major = 0, minor = 0] = release()
    .split('.')
    .map((part) => Number.parseInt(part, 10));
  const [wantedMajor = 0, wantedMinor = 0] = wanted.split('.').map(Number);
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}

function canLoad(name: string): boolean {
  try {
    createRequire(import.meta.url)(name);
    return true;
  } catch {
    return false; // MODULE_NOT_FOUND, or a shared library is missing
  }
}

/** The reason why `requirement` is not met; undefined if it is met. */
function lack(requirement: Requirement): string | undefined {
  if (requirement === 'root') return isRoot ? undefined : 'needs root';
  if (requirement === 'fuse') {
    if (!canAccess('/dev/fuse', constants.R_OK | constants.W_OK)) return 'needs /dev/fuse';
    return isRoot || findProgram('fusermount3') !== undefined ? undefined : 'needs root or fusermount3';
  }
  if ('filesystem' in requirement) {
    const { filesystem } = requirement;
    return hasFilesystem(filesystem) ? undefined : `needs a kernel with ${filesystem}`;
  }
  if ('kernel' in requirement) {
    return isKernel(requirement.kernel) ? undefined : `needs Linux ${requirement.kernel}`;
  }
  if ('package' in requirement) {
    return canLoad(requirement.package) ? undefined : `needs the npm package ${requirement.package}`;
  }
  return findProgram(requirement.program) !== undefined
    ? undefined
    : `needs the program ${requirement.program}`;
}

/** A describe block whose tests need all of `requirements`. */
export function describeWith(requirements: readonly Requirement[], title: string, body: () => void): void {
  const reasons = requirements.map(lack).filter((reason) => reason !== undefined);
  if (reasons.length === 0) {
    describe(title, body);
  } else if (process.env['REQUIRE_FUSE'] === '1') {
    it(title, () => expect.fail(reasons.join(', ')));
  } else {
    describe.skip(`${title} (${reasons.join(', ')})`, body);
  }
}
