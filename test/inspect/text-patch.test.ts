import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { formatPatch, type PatchSide } from '../../src/inspect/text-patch.ts';
import { scratchDirectory } from '../image/scratch.ts';
import { describeWith } from '../requirements.ts';
import { Random } from '../tree/random.ts';

const side = (text: string, mode = 0o100644): PatchSide => ({ mode, text });

describe('a patch', () => {
  it('has git headers, and is nothing where nothing differs', () => {
    expect(formatPatch('d/f', side('a\nb\n'), side('a\nc\n'))).toBe(
      'diff --git a/d/f b/d/f\n--- a/d/f\n+++ b/d/f\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n',
    );
    expect(formatPatch('f', side('a'), side('a'))).toBe('');
  });

  it('says what came and went, and modes', () => {
    expect(formatPatch('f', undefined, side('a\n'))).toBe(
      'diff --git a/f b/f\nnew file mode 100644\n--- /dev/null\n+++ b/f\n@@ -0,0 +1 @@\n+a\n',
    );
    expect(formatPatch('f', side('a\n'), undefined)).toMatch(
      /\ndeleted file mode 100644\n--- a\/f\n\+\+\+ \/dev\/null\n@@ -1 \+0,0 @@\n-a\n$/,
    );
    expect(formatPatch('f', side('a'), side('a', 0o100755))).toBe(
      'diff --git a/f b/f\nold mode 100644\nnew mode 100755\n',
    );
    expect(formatPatch('f', undefined, side(''))).toBe('diff --git a/f b/f\nnew file mode 100644\n');
  });

  it('only says that binary files differ', () => {
    expect(formatPatch('f', side('a\0b'), side('c'))).toBe(
      'diff --git a/f b/f\nBinary files a/f and b/f differ\n',
    );
  });

  it('quotes names as git does', () => {
    expect(formatPatch('a\n"\xff', undefined, side(''))).toMatch(
      /^diff --git "a\/a\\n\\"\\377" "b\/a\\n\\"\\377"\n/,
    );
  });

  it('gives up to find the fewest lines of what has nothing in common', () => {
    const text = (letter: string): string =>
      Array.from({ length: 5000 }, (_, i) => `${letter}${i}\n`).join('');
    const patch = formatPatch('f', side(text('a')), side(`${text('b')}end`));
    expect(patch).toMatch(/\n@@ -1,5000 \+1,5001 @@\n-a0\n/);
    expect(patch).toMatch(/\n\+end\n\\ No newline at end of file\n$/);
  });
});

describeWith([{ program: 'patch' }], 'patch(1)', () => {
  it('makes the new texts of the old ones', async () => {
    const random = new Random(7);
    const text = (): string => {
      const lines = Array.from({ length: random.below(40) }, () => `${random.below(6)}\xe9`);
      return lines.join('\n') + (random.oneIn(3) || lines.length === 0 ? '' : '\n');
    };
    for (let n = 0; n < 40; n++) {
      const root = await scratchDirectory();
      const [old, now] = [text(), text()];
      const path = join(root, 'd/f');
      mkdirSync(dirname(path));
      writeFileSync(path, old, 'latin1');
      const patch = formatPatch('d/f', side(old), side(now));
      if (patch === '') continue;
      execFileSync('patch', ['-p1', '-s', '-d', root], { input: Buffer.from(patch, 'latin1') });
      expect(readFileSync(path, 'latin1'), `${n}`).toBe(now);
    }
  });
});
