// A hostile process exchanges files and directories of the upper for symlinks that lead out of it, and the upper itself
// for one, while every call is made on them: none reaches what lies outside.
import { type ChildProcess, spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import * as upper from '../../src/sys/upper-calls.ts';
import { type FileStat, statAt } from '../../src/sys/stat-at.ts';
import { EEXIST, ELOOP, ENOTDIR } from '../../src/vfs/errno.ts';
import { S_IFIFO, S_IFLNK, S_IFMT } from '../../src/vfs/attr.ts';
import { bytes, EMPTY, O_PATH, UpperDirectory } from './upper-directory.ts';

const { O_RDONLY, O_RDWR, O_WRONLY, O_TRUNC, O_DIRECTORY } = fs.constants;
/** Each of two kinds is met so often before a test ends, and no test takes more rounds than the second. */
const MEETINGS = 100;
const ROUNDS = 1_000_000;
const SECRET = bytes('user.secret');

/** `file` and `link`, `dir` and `dirlink`, change places without end; so do the upper and a symlink to `away`. */
const attack = `
  const { closeSync, openSync } = require('node:fs');
  const { renameAt } = require(process.cwd() + '/build/Release/stratafs.node');
  const [root] = process.argv.slice(1);
  const parent = process.ppid;
  const [upper, top] = [root + '/upper', root].map((path) => openSync(path, 0o10000000));
  const pairs = [[upper, 'file', 'link'], [upper, 'dir', 'dirlink'], [top, 'upper', 'upperlink']];
  const named = pairs.map(([dir, a, b]) => [dir, Buffer.from(a), Buffer.from(b)]);
  process.stdout.write('ready');
  while (process.ppid === parent) {
    for (let i = 0; i < 500; i++) for (const [dir, a, b] of named) renameAt(dir, a, dir, b, 2);
  }`;

let u: UpperDirectory;
let attacker: ChildProcess;
let away: string;
let before: unknown;
beforeEach(async () => {
  u = new UpperDirectory();
  away = join(u.root, 'away');
  fs.mkdirSync(away);
  fs.writeFileSync(join(away, 'secret'), 'secret');
  fs.writeFileSync(u.path('file'), 'inside');
  fs.symlinkSync(u.outside, u.path('link'));
  fs.mkdirSync(u.path('dir'));
  fs.writeFileSync(u.path('dir/inside'), '');
  fs.symlinkSync(away, u.path('dirlink'));
  fs.symlinkSync(away, join(u.root, 'upperlink'));
  const outside = fs.openSync(u.outside, O_PATH);
  expect(upper.setxattrAt(outside, EMPTY, SECRET, bytes('secret'), 0)).toBe(0);
  fs.closeSync(outside);
  before = stateOutside();
  attacker = spawn(process.execPath, ['-e', attack, u.root], { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((resolve) => attacker.stdout?.once('data', resolve));
});
afterEach(async () => {
  const gone = new Promise((resolve) => attacker.once('exit', resolve));
  attacker.kill('SIGKILL');
  await gone;
  try {
    expect(stateOutside()).toEqual(before);
  } finally {
    u.close();
  }
});

/** All that could change outside, but access times. */
function stateOutside(): unknown {
  const states = ['outside', 'away', 'away/secret'].map((name) => {
    const fd = fs.openSync(join(u.root, name), O_RDONLY);
    try {
      const stat = fs.fstatSync(fd, { bigint: true });
      const attributes = (upper.listxattrAt(fd, EMPTY) as Buffer).toString('latin1');
      return [
        name,
        stat.mode,
        stat.uid,
        stat.gid,
        stat.nlink,
        stat.size,
        stat.mtimeNs,
        stat.ctimeNs,
        attributes,
      ];
    } finally {
      fs.closeSync(fd);
    }
  });
  return [states, fs.readdirSync(away), fs.readFileSync(u.outside, 'latin1')];
}

const [file, link, dir, found] = ['file', 'link', 'dir', 'found'].map(bytes) as [
  Buffer,
  Buffer,
  Buffer,
  Buffer,
];

/** Calls until both kinds were met often. `round` returns the kind that it met; other results don't count. */
function untilBothAreMet(round: () => 'inside' | 'link' | undefined): void {
  const met = { inside: 0, link: 0 };
  for (let i = 0; i < ROUNDS && (met.inside < MEETINGS || met.link < MEETINGS); i++) {
    const kind = round();
    if (kind !== undefined) met[kind]++;
  }
  expect(Math.min(met.inside, met.link)).toBeGreaterThanOrEqual(MEETINGS);
}

function kindOf(dirFd: number, name: Buffer): 'inside' | 'link' {
  return kindOfStat(statAt(dirFd, name));
}

function kindOfStat(stat: FileStat | number): 'inside' | 'link' {
  if (typeof stat === 'number') throw new Error(`statAt: ${stat}`);
  return (stat.mode & S_IFMT) === S_IFLNK ? 'link' : 'inside';
}

test.each([
  ['reading', O_RDONLY],
  ['writing', O_RDWR],
  ['writing from nothing', O_WRONLY | O_TRUNC],
])('a file opened for %s is the upper one', (_title, flags) => {
  const outside = fs.statSync(u.outside).ino;
  untilBothAreMet(() => {
    const fd = upper.openAt(u.dir, file, flags);
    if (fd === -ELOOP) return 'link';
    expect(fd).toBeGreaterThan(0);
    try {
      expect(fs.fstatSync(fd).ino).not.toBe(outside);
      if (flags !== O_RDONLY) upper.writeFile(fd, bytes('inside'), 0);
    } finally {
      fs.closeSync(fd);
    }
    return 'inside';
  });
});

test('a file opened by its O_PATH descriptor is the upper one', () => {
  untilBothAreMet(() => {
    const path = upper.openAt(u.dir, file, O_PATH);
    expect(path).toBeGreaterThan(0);
    const fd = upper.reopen(path, O_RDONLY);
    try {
      if (fd === -ELOOP) return 'link';
      expect(fs.readFileSync(fd, 'latin1')).toBe('inside');
      fs.closeSync(fd);
      return 'inside';
    } finally {
      fs.closeSync(path);
    }
  });
});

test('a directory opened is the upper one, and so is what is made, listed and removed in it', () => {
  untilBothAreMet(() => {
    const fd = upper.openAt(u.dir, dir, O_PATH | O_DIRECTORY);
    if (fd === -ENOTDIR || fd === -ELOOP) return 'link';
    expect(fd).toBeGreaterThan(0);
    try {
      const createdFd = upper.createAt(fd, bytes('new'), O_WRONLY, 0o600, 0);
      expect(createdFd).toBeGreaterThan(0);
      fs.closeSync(createdFd);
      expect(upper.symlinkAt(bytes('x'), fd, bytes('s'))).toBe(0);
      expect((upper.listNames(fd) as Buffer).toString('latin1')).toContain('inside');
      expect(upper.renameAt(fd, bytes('s'), fd, bytes('new'), 0)).toBe(0);
      expect(upper.unlinkAt(fd, bytes('new'))).toBe(0);
      expect(statAt(fd, bytes('secret'))).toBeLessThan(0);
    } finally {
      fs.closeSync(fd);
    }
    return 'inside';
  });
});

test('what is named is changed, never what it leads to', () => {
  untilBothAreMet(() => {
    upper.chmodAt(u.dir, file, 0o4777);
    upper.chownAt(u.dir, file, 5, 6);
    upper.utimensAt(u.dir, file, 1, 2, 3, 4);
    upper.setxattrAt(u.dir, file, bytes('user.a'), bytes('1'), 0);
    upper.setxattrAt(u.dir, file, bytes('trusted.a'), bytes('1'), 0);
    upper.removexattrAt(u.dir, file, bytes('user.a'));
    upper.chmodAt(u.dir, dir, 0o777);
    upper.setxattrAt(u.dir, dir, bytes('user.a'), bytes('1'), 0);
    return kindOf(u.dir, file);
  });
});

test('what is changed by an O_PATH descriptor is what it stands for', () => {
  untilBothAreMet(() => {
    const path = upper.openAt(u.dir, file, O_PATH);
    try {
      upper.chmodAt(path, EMPTY, 0o4777);
      upper.chownAt(path, EMPTY, 5, 6);
      upper.utimensAt(path, EMPTY, 1, 2, 3, 4);
      upper.setxattrAt(path, EMPTY, bytes('user.a'), bytes('1'), 0);
      upper.setxattrAt(path, EMPTY, bytes('trusted.a'), bytes('1'), 0);
      return kindOf(path, EMPTY);
    } finally {
      fs.closeSync(path);
    }
  });
});

test('nothing is read through a symlink', () => {
  const size = fs.statSync(u.outside).size;
  untilBothAreMet(() => {
    const stat = statAt(u.dir, file);
    const kind = kindOfStat(stat);
    if (kind === 'inside') expect((stat as FileStat).size).not.toBe(size);
    expect(upper.getxattrAt(u.dir, file, SECRET)).toBeLessThan(0);
    expect(upper.listxattrAt(u.dir, file)).toEqual(EMPTY);
    const target = upper.readlinkAt(u.dir, file);
    if (typeof target !== 'number') expect(target).toEqual(bytes(u.outside));
    return kind;
  });
});

test('nothing is made in the place of a name, nor where a symlink leads', () => {
  untilBothAreMet(() => {
    for (const name of [file, dir]) {
      expect(upper.createAt(u.dir, name, O_RDWR | O_TRUNC, 0o666, 0)).toBe(-EEXIST);
      expect(upper.mkdirAt(u.dir, name, 0o777, 0)).toBe(-EEXIST);
      expect(upper.mknodAt(u.dir, name, S_IFIFO | 0o666, 0, 0)).toBe(-EEXIST);
      expect(upper.symlinkAt(bytes('x'), u.dir, name)).toBe(-EEXIST);
    }
    return kindOf(u.dir, file);
  });
});

test('a link or a move takes the symlink itself along', () => {
  untilBothAreMet(() => {
    expect(upper.linkAt(u.dir, file, u.other, found)).toBe(0);
    expect(upper.unlinkAt(u.other, found)).toBe(0);
    expect(upper.renameAt(u.dir, file, u.other, found, 0)).toBe(0);
    const kind = kindOf(u.other, found);
    expect(upper.renameAt(u.other, found, u.dir, file, 0)).toBe(0);
    return kind;
  });
});

test('what is removed is the name itself', () => {
  untilBothAreMet(() => {
    expect(upper.unlinkAt(u.dir, file)).toBe(0);
    // Without it nothing is exchanged: the other one shows which it was.
    const isLinkLeft = kindOf(u.dir, link) === 'link';
    if (isLinkLeft) fs.closeSync(upper.createAt(u.dir, file, O_WRONLY, 0o600, 0));
    else upper.symlinkAt(bytes(u.outside), u.dir, file);
    upper.rmdirAt(u.dir, dir);
    return isLinkLeft ? 'inside' : 'link';
  });
});
