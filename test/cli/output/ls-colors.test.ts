// The oracle is ls(1).
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { paint } from '../../../src/cli/output/color.ts';
import { parseLsColors } from '../../../src/cli/output/ls-colors.ts';
import { S_IFBLK, S_IFCHR, S_IFREG } from '../../../src/vfs/attr.ts';

let directory: string;

function makeFile(name: string, mode = 0o644): void {
  writeFileSync(join(directory, name), '');
  chmodSync(join(directory, name), mode);
}

function makeDirectory(name: string, mode: number): void {
  mkdirSync(join(directory, name));
  chmodSync(join(directory, name), mode);
}

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'stratafs-ls-colors-'));
  for (const name of ['plain', 'a.tar', 'B.TAR', 'c.tar.gz', 'README', '.gz', 'gz', 'd.txt~', 'e.', '='])
    makeFile(name);
  makeFile('run.sh', 0o755);
  makeFile('others.sh', 0o641);
  makeFile('setuid', 0o4755);
  makeFile('setgid', 0o2755);
  makeFile('setuid-only', 0o4644);
  makeFile('name-1');
  linkSync(join(directory, 'name-1'), join(directory, 'name-2'));
  makeDirectory('directory', 0o755);
  makeDirectory('directory.tar', 0o755);
  makeDirectory('sticky', 0o1755);
  makeDirectory('writable', 0o777);
  makeDirectory('both', 0o1777);
  symlinkSync('plain', join(directory, 'link'));
  symlinkSync('run.sh', join(directory, 'link.tar'));
  symlinkSync('a.tar', join(directory, 'link-to-tar'));
  symlinkSync('sticky', join(directory, 'link-to-sticky'));
  symlinkSync('nowhere', join(directory, 'orphan'));
  const { status } = spawnSync('mkfifo', [join(directory, 'fifo')]);
  expect(status).toBe(0);
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

function targetOf(path: string): number | 'missing' {
  return statSync(path, { throwIfNoEntry: false })?.mode ?? 'missing';
}

function listOurselves(colors: string): string[] {
  const { fileStyle } = parseLsColors(colors);
  return readdirSync(directory)
    .sort()
    .map((name) => {
      const path = join(directory, name);
      const { mode, nlink } = lstatSync(path);
      return paint(fileStyle({ name, mode, linkCount: nlink, target: targetOf(path) }), name);
    });
}

function listWithLs(colors: string): string[] {
  const { status, stdout } = spawnSync('ls', ['--color=always', '-1A', directory], {
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C', TERM: 'xterm', LS_COLORS: colors },
  });
  expect(status).toBe(0);
  return stdout
    .trimEnd()
    .split('\n')
    .map(withoutEmptyStyle)
    .sort((a, b) => (stripVTControlCharacters(a) < stripVTControlCharacters(b) ? -1 : 1));
}

/** ls writes the reset before the first style, and before a name whose style is "0" or empty. */
function withoutEmptyStyle(line: string): string {
  const reset = '\x1b[0m';
  const rest = line.startsWith(reset) ? line.slice(reset.length) : line;
  const isStyled = rest.startsWith('\x1b') && !rest.startsWith('\x1b[m');
  return isStyled ? rest.replaceAll(reset, '\x1b[m') : stripVTControlCharacters(rest);
}

describe('file names have the colours of ls', () => {
  it.each([
    ['by default', ''],
    ['by suffix', '*.tar=31:*.gz=01;35:*README=32:*~=00;90'],
    ['of the last suffix that fits', '*.gz=31:*.tar.gz=32:*.tar=33:*tar=34:*z=35'],
    ['of regular files', 'fi=36:*.tar=31:ex='],
    ['of hard links', 'mh=44;37'],
    ['of orphans', 'or=40;31;01:mi=01;05;37;41'],
    ['of the targets of symlinks', 'ln=target:*.tar=31:st=37;44'],
    ['of orphans among targets', 'ln=target:or=41'],
    ['of symlinks whose style is empty', 'ln=:or=00'],
    ['without special types', 'su=:sg=0:ex=00:tw=00:ow=0:st=:di=01;34'],
    ['without directories', 'di=0:ow=0:tw=44'],
  ])('%s', (_, colors) => {
    expect(listOurselves(colors)).toEqual(listWithLs(colors));
  });

  it('of dircolors', () => {
    const { stdout } = spawnSync('dircolors', ['-b'], {
      encoding: 'utf8',
      env: { ...process.env, TERM: 'xterm-256color' },
    });
    const [, colors = ''] = /LS_COLORS='(.*)';/.exec(stdout) ?? [];
    expect(colors).not.toBe('');
    expect(listOurselves(colors)).toEqual(listWithLs(colors));
  });
});

describe('LS_COLORS', () => {
  const styleOf = (colors: string, name: string, mode = S_IFREG | 0o644): string =>
    parseLsColors(colors).fileStyle({ name, mode });

  it('distinguishes the case of suffixes that have two styles', () => {
    const colors = '*.c=31:*.C=32';
    expect(['x.c', 'x.C'].map((name) => styleOf(colors, name))).toEqual(['31', '32']);
  });

  it('styles devices', () => {
    expect(styleOf('bd=1:cd=2', 'sda', S_IFBLK | 0o660)).toBe('1');
    expect(styleOf('bd=1:cd=2', 'tty', S_IFCHR | 0o660)).toBe('2');
  });

  it('styles files with capabilities', () => {
    const file = { name: 'ping', mode: S_IFREG | 0o755, hasCapabilities: true };
    expect(parseLsColors('ca=30;41').fileStyle(file)).toBe('30;41');
  });

  it('ignores entries that are not SGR parameters, so that nothing else reaches the terminal', () => {
    const colors = 'fi=31m\x1b]0;title\x07:*.a=\\e[5m:nonsense:=1:rs:lc=\x1b]:*.b=32';
    expect(styleOf(colors, 'x')).toBe('');
    expect(styleOf(colors, 'x.a')).toBe('');
    expect(styleOf(colors, 'x.b')).toBe('32');
  });

  it('matches the bytes of a suffix', () => {
    const name = Buffer.from('x.\u00e9').toString('latin1');
    expect(styleOf('*.\u00e9=31', name)).toBe('31');
  });
});
