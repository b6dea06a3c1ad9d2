// emptyDirectory: removes everything in a directory that other users have filled.
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { emptyDirectory } from '../../../src/overlay/upper/empty-directory.ts';
import { getFlags, mkdirAt, openAt, setFlags } from '../../../src/sys/upper-calls.ts';
import { check } from '../writable.ts';

const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY;
const FS_IMMUTABLE_FL = 0x10;
let place = '';
let fd = -1;
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'stratafs-empty-'));
  mkdirSync(join(place, 'full'));
  fd = openSync(join(place, 'full'), DIRECTORY);
});
afterEach(() => {
  closeSync(fd);
  rmSync(place, { recursive: true });
});

function expectEmptied(): void {
  expect(emptyDirectory(fd)).toBe(0);
  expect(readdirSync(join(place, 'full'))).toEqual([]);
}

test('files, FIFOs and directories are removed, and an empty directory stays empty', () => {
  mkdirSync(join(place, 'full/a/b'), { recursive: true });
  for (const name of ['f', 'a/f', 'a/b/f']) writeFileSync(join(place, 'full', name), '');
  execFileSync('mkfifo', [join(place, 'full/a/fifo')]);
  expectEmptied();
  expectEmptied();
});

test('a symlink is removed, and its target stays', () => {
  mkdirSync(join(place, 'other'));
  writeFileSync(join(place, 'other/f'), '');
  symlinkSync('../other', join(place, 'full/link'));
  expectEmptied();
  expect(existsSync(join(place, 'other/f'))).toBe(true);
});

test('directories without search permission are removed', () => {
  mkdirSync(join(place, 'full/a/b'), { recursive: true });
  writeFileSync(join(place, 'full/a/b/f'), '');
  for (const name of ['full/a/b', 'full/a']) chmodSync(join(place, name), 0);
  expectEmptied();
});

test('directories are moved up even if the names for that exist', () => {
  for (const name of ['#removed.0', '#removed.1'])
    mkdirSync(join(place, 'full', name, 'a/b'), { recursive: true });
  expectEmptied();
});

test('directories that are deeper than PATH_MAX are removed', () => {
  const name = Buffer.alloc(255, 'x');
  let at = openSync(join(place, 'full'), DIRECTORY);
  for (let depth = 0; depth < 100; depth++) {
    check(mkdirAt(at, name, 0o700, 0), 'mkdirat');
    const child = check(openAt(at, name, DIRECTORY), 'openat');
    closeSync(at);
    at = child;
  }
  closeSync(at);
  expectEmptied();
});

test('an immutable file is removed', (context) => {
  writeFileSync(join(place, 'full/f'), '');
  const file = openSync(join(place, 'full/f'), constants.O_RDONLY);
  const flags = getFlags(file);
  const status = flags < 0 ? flags : setFlags(file, flags | FS_IMMUTABLE_FL);
  closeSync(file);
  if (status < 0) context.skip('needs root, and a file system with FS_IOC_SETFLAGS');
  expectEmptied();
});
