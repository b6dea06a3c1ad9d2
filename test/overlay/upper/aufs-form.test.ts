// Uppers in fuse-overlayfs's form, tested without a kernel mount: the names that they hide, and their conversion.
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { holdsAufsNames } from '../../../src/overlay/upper/aufs-form.ts';
import { EEXIST, EPERM } from '../../../src/vfs/errno.ts';
import { describeWith } from '../../requirements.ts';
import { directory, file, layer } from '../../tree/layer-maker.ts';
import { MemoryReader } from '../memory-reader.ts';
import { Bench, check, plain, settle } from '../writable.ts';

const benches: Bench[] = [];
function open(takesAufsForm = true): Bench {
  const d = directory({
    f: file({ size: 10 }),
    g: file({ size: 1 }),
    e: directory({ x: file({ size: 1 }) }),
  });
  const bench = new Bench([layer({ d, keep: file({ size: 2 }) })], [new MemoryReader(Buffer.alloc(100))], {
    takesAufsForm,
  });
  benches.push(bench);
  return bench;
}
afterEach(async () => {
  for (const bench of benches.splice(0)) await bench.close();
});

/** Puts files in the upper, as another program would, and mounts it again. */
async function put(bench: Bench, ...paths: string[]): Promise<void> {
  for (const path of paths) {
    const at = join(bench.upper, path);
    mkdirSync(join(at, '..'), { recursive: true });
    if (path.endsWith('/')) mkdirSync(at, { recursive: true });
    else writeFileSync(at, '', { mode: 0o700 });
  }
  await bench.remount();
}
const names = (bench: Bench, path: string): string[] => [...bench.list(path).keys()].sort();
const stored = (bench: Bench, path: string): string[] => readdirSync(join(bench.upper, path)).sort();
const isDevice = (bench: Bench, path: string): boolean =>
  lstatSync(join(bench.upper, path)).isCharacterDevice();
const makeDirectory = (bench: Bench, path: string): number =>
  bench.at(path, (parent, name) =>
    bench.overlay.mkdir(parent, name, plain(0o755), bench.call(), bench.newEntry()),
  );
const rename = (bench: Bench, from: string, to: string): Promise<number> =>
  Promise.resolve(
    bench.at(from, (parent, name) =>
      bench.at(to, (newParent, newName) =>
        bench.overlay.rename(parent, name, newParent, newName, 0, bench.call()),
      ),
    ),
  );

describe("an upper in fuse-overlayfs's form", () => {
  test('hides NAME of the layers by .wh.NAME, but not a NAME in the same directory', async () => {
    const bench = open();
    await put(bench, 'd/.wh.f', 'd/.wh.new', 'd/new', 'd/.wh..wh.plnk', 'd/.wh.');
    expect(names(bench, 'd')).toEqual(['e', 'g', 'new']);
    expect([bench.exists('d/f'), bench.exists('d/.wh.f')]).toEqual([false, false]);
  });

  test('hides all lower names in a directory by .wh..wh..opq in it or by .wh.NAME next to it', async () => {
    const bench = open();
    await put(bench, 'd/.wh..wh..opq', 'd/own');
    expect(names(bench, 'd')).toEqual(['own']);
    const other = open();
    await put(other, 'd/e/own', 'd/.wh.e');
    expect(names(other, 'd/e')).toEqual(['own']);
  });

  test("is converted to the kernel's form in a changed directory, and a copy-up keeps the directory's times", async () => {
    const bench = open();
    await put(bench, 'd/.wh.f', 'd/.wh.gone', 'd/.wh.e', 'd/e/', 'd/.wh..wh.plnk/x');
    utimesSync(join(bench.upper, 'd'), 1e9, 1e9);
    expect(stored(bench, 'd')).toEqual(['.wh..wh.plnk', '.wh.e', '.wh.f', '.wh.gone', 'e']);
    await bench.write('d/g', 'x');
    expect(stored(bench, 'd')).toEqual(['.wh..wh.plnk', 'e', 'f', 'g']);
    expect(isDevice(bench, 'd/f')).toBe(true);
    expect(bench.lookup('d').attr.mtimeSec).toBe(1e9);
    await bench.remount();
    expect(names(bench, 'd')).toEqual(['e', 'g']);
    expect(names(bench, 'd/e')).toEqual([]);
  });

  test('allows a new file under a hidden name; a new directory is empty', async () => {
    const bench = open();
    await put(bench, 'd/.wh.f', 'd/.wh.e');
    check(makeDirectory(bench, 'd/e'), 'mkdir');
    await bench.write('d/f', 'x');
    expect(names(bench, 'd/e')).toEqual([]);
    await bench.remount();
    expect([names(bench, 'd'), names(bench, 'd/e')]).toEqual([['e', 'f', 'g'], []]);
  });

  test('allows rmdir(2) of a directory that shows no names, and rename(2) over it', async () => {
    const bench = open();
    const hiding = ['f', 'g', 'e'].map((name) => `d/.wh.${name}`);
    await put(bench, ...hiding, 'n/.wh..wh..opq');
    await settle(rename(bench, 'n', 'd'), 'rename');
    expect(names(bench, '')).toEqual(['d', 'keep']);
    const other = open();
    await put(other, ...hiding);
    check(
      other.at('d', (parent, name) => other.overlay.rmdir(parent, name)),
      'rmdir',
    );
    expect([names(other, ''), stored(other, '')]).toEqual([['keep'], ['d']]);
    await other.remount();
    expect(names(other, '')).toEqual(['keep']);
  });

  test('refuses a new name that would hide another', async () => {
    const bench = open();
    const { nodeId } = bench.lookup('keep');
    expect(makeDirectory(bench, '.wh.keep')).toBe(-EPERM);
    expect(await rename(bench, 'keep', 'd/.wh.g')).toBe(-EPERM);
    const linked = bench.at('.wh.x', (parent, name) =>
      bench.overlay.link(nodeId, parent, name, bench.call(), bench.newEntry()),
    );
    expect(await linked).toBe(-EPERM);
  });
});

describeWith([{ program: 'setfattr' }], "fuse-overlayfs's marks", () => {
  const mark = (bench: Bench, path: string, name: string, value: string): void => {
    execFileSync('setfattr', ['-n', `user.fuseoverlayfs.${name}`, '-v', value, join(bench.upper, path)]);
  };

  test('mark a directory as opaque, and a file as a copy, also after a rename', async () => {
    const bench = open();
    const { ino } = bench.lookup('d/f').attr;
    await put(bench, 'd/e/', 'd/.wh.f', 'moved', 'd/g');
    mark(bench, 'd/e', 'opaque', 'y');
    mark(bench, 'moved', 'origin', '0x642f6600');
    mark(bench, 'd/g', 'origin', '../../etc/passwd');
    await bench.remount();
    expect(names(bench, 'd/e')).toEqual([]);
    expect(bench.lookup('moved').attr.ino).toBe(ino);
    expect(bench.lookup('d/g').attr.ino).toBeGreaterThan(10);
    await settle(rename(bench, 'd/e', 'd/elsewhere'), 'rename');
    expect(names(bench, 'd/elsewhere')).toEqual([]);
  });
});

describe('an upper of our own', () => {
  test('shows a file .wh.NAME like any other', async () => {
    const bench = open(false);
    await bench.write('d/.wh.f', 'x');
    await put(bench, 'd/.wh.g');
    expect(names(bench, 'd')).toEqual(['.wh.f', '.wh.g', 'e', 'f', 'g']);
    expect(makeDirectory(bench, 'd/.wh.g')).toBe(-EEXIST);
  });
});

describe('an upper without our mark', () => {
  const holds = (...files: [path: string, mode: number, text?: string][]): boolean => {
    const root = mkdtempSync(join(tmpdir(), 'stratafs-aufs-'));
    try {
      for (const [path, mode, text = ''] of files) {
        mkdirSync(join(root, path, '..'), { recursive: true });
        writeFileSync(join(root, path), text, { mode });
      }
      const fd = openSync(root, 'r');
      try {
        return holdsAufsNames(fd);
      } finally {
        closeSync(fd);
      }
    } finally {
      rmSync(root, { recursive: true });
    }
  };

  test("is in fuse-overlayfs's form if it holds files that fuse-overlayfs creates", () => {
    expect(holds(['a/b', 0o644], ['a/c/.wh.x', 0o700])).toBe(true);
    expect(holds(['a/.wh..wh..opq', 0o700])).toBe(true);
  });

  test("is not in fuse-overlayfs's form because of a file that a user created", () => {
    expect(
      holds(['.wh.x', 0o644], ['.wh.y', 0o700, 'text'], ['.wh..wh.plnk', 0o700], ['x.wh.y', 0o700]),
    ).toBe(false);
  });
});
