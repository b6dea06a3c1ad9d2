// The oracle is git.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createPalette } from '../../../src/cli/output/color.ts';
import { paintPatch } from '../../../src/cli/output/patch-colors.ts';
import { describeWith } from '../../requirements.ts';

/** git's patch of two texts; undefined is a file that does not exist. */
function diffWithGit(before: string | undefined, after: string | undefined, color: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'stratafs-patch-colors-'));
  const write = (name: string, text: string | undefined): string => {
    if (text === undefined) return '/dev/null';
    writeFileSync(join(directory, name), text, 'latin1');
    return name;
  };
  const options = [`--color=${color}`, '--ws-error-highlight=none', '--no-index'];
  const files = [write('a', before), write('b', after)];
  try {
    const { stdout } = spawnSync('git', ['diff', ...options, ...files], {
      cwd: directory,
      encoding: 'latin1',
      env: { PATH: process.env['PATH'], GIT_CONFIG_NOSYSTEM: '1', HOME: directory },
    });
    return stdout;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const numbers = Array.from({ length: 30 }, (_, i) => `${i}\n`).join('');

describeWith([{ program: 'git' }], 'a patch has the colours of git', () => {
  it.each([
    ['a change', 'a\nb\nc\n', 'a\nB\nc\n'],
    ['several hunks', numbers, numbers.replace('2\n', 'two\n').replace('27\n', '')],
    ['no newline at the end', 'a\nb', 'a\nc'],
    ['lines like headers', '-- a\n@@ x\n+++ b\n', '++ a\n@@ y\n--- c\n'],
    ['blank lines', 'a\n\n\nb\n', 'a\n\n\n\nc\n'],
    ['an added file', undefined, 'a\n'],
    ['a removed file', 'a\n', undefined],
    ['an added empty file', undefined, ''],
    ['binary files', 'a\0b', 'a\0c'],
    ['escape sequences and bytes that are not UTF-8', 'a\x1b[31m\n', 'a\xff\x1b[32mb\n'],
  ])('%s', (_, before, after) => {
    const plain = diffWithGit(before, after, 'never');
    expect(plain).not.toBe('');
    expect(paintPatch(plain, createPalette(undefined))).toBe(diffWithGit(before, after, 'always'));
  });
});
