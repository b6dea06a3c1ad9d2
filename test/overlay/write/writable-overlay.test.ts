import { lstatSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { S_IFDIR, S_IFREG } from '../../../src/vfs/attr.ts';
import { ENOTEMPTY } from '../../../src/vfs/errno.ts';
import { OpenFile } from '../../../src/vfs/operation.ts';
import { directory, file, layer, link } from '../../tree/layer-maker.ts';
import { MemoryReader } from '../memory-reader.ts';
import { Bench, plain, settle } from '../writable.ts';

const content = Buffer.alloc(8192, 'lower');
const benches: Bench[] = [];
function open(options = {}): Bench {
  const bench = new Bench(
    [
      layer({
        d: directory({
          f: file({ size: 10 }),
          g: file({ size: 20 }),
          e: directory({ x: file({ size: 1 }) }),
        }),
      }),
      layer({ d: directory({ h: file({ size: 5 }) }), hard: link('d/f'), top: file({ size: 100 }) }),
    ],
    [new MemoryReader(content), new MemoryReader(content)],
    options,
  );
  benches.push(bench);
  return bench;
}
afterEach(async () => {
  for (const bench of benches.splice(0)) await bench.close();
});

describe('names', () => {
  test('a new file exists after a remount too, with the same inode number', async () => {
    const bench = open();
    await bench.write('d/new', 'hello');
    const { attr } = bench.lookup('d/new');
    expect(attr).toMatchObject({ size: 5, mode: S_IFREG | 0o644, nlink: 1 });
    expect([...bench.list('d').keys()].sort()).toEqual(['e', 'f', 'g', 'h', 'new']);
    expect(readFileSync(join(bench.upper, 'd/new'), 'utf8')).toBe('hello');
    const { ino } = attr;
    await bench.remount();
    expect(bench.lookup('d/new').attr.ino).toBe(ino);
  });

  test('a directory keeps its inode number and times when it is copied up', async () => {
    const bench = open();
    const before = bench.lookup('d/e').attr;
    await bench.write('d/e/new', '1');
    const parent = bench.lookup('d').attr;
    const after = bench.lookup('d/e').attr;
    expect(after.ino).toBe(before.ino);
    expect(parent.mtimeSec).toBe(0);
    expect(bench.list('d').get('e')).toBe(before.ino);
  });

  test('unlink of a lower name leaves a whiteout, which a new file or directory replaces', async () => {
    const bench = open();
    for (const name of ['f', 'g', 'h']) {
      expect(bench.at(`d/${name}`, (parent, last) => bench.overlay.unlink(parent, last))).toBe(0);
    }
    expect([...bench.list('d').keys()]).toEqual(['e']);
    expect(lstatSync(join(bench.upper, 'd/f')).isCharacterDevice()).toBe(true);
    await bench.write('d/f', 'again');
    const entry = bench.newEntry();
    const status = bench.at('d/g', (parent, last) =>
      bench.overlay.mkdir(parent, last, plain(S_IFDIR | 0o755), bench.call(), entry),
    );
    expect(status).toBe(0);
    expect([...bench.list('d', 1).keys()].sort()).toEqual(['e', 'f', 'g']);
    await bench.remount();
    expect([...bench.list('d', 1).keys()].sort()).toEqual(['e', 'f', 'g']);
    expect(bench.lookup('hard').attr.nlink).toBe(1);
  });

  test('rmdir of a merged directory succeeds if it is empty, and else is ENOTEMPTY', async () => {
    const bench = open();
    const rmdir = (): number => bench.at('d/e', (parent, name) => bench.overlay.rmdir(parent, name));
    expect(rmdir()).toBe(-ENOTEMPTY);
    bench.at('d/e/x', (parent, name) => bench.overlay.unlink(parent, name));
    expect(rmdir()).toBe(0);
    expect(bench.exists('d/e')).toBe(false);
    await bench.remount();
    expect(bench.exists('d/e')).toBe(false);
    expect(readdirSync(join(bench.work, 'work'))).toEqual([]);
  });

  test('a lower directory can be renamed with its contents, also twice', async () => {
    const bench = open();
    const { ino } = bench.lookup('d/e/x').attr;
    const move = (from: string, to: string) =>
      bench.at(from, (parent, name) =>
        bench.at(to, (newParent, newName) =>
          bench.overlay.rename(parent, name, newParent, newName, 0, bench.call()),
        ),
      );
    expect(await settle(move('d/e', 'moved'))).toBe(0);
    expect(bench.lookup('moved/x').attr.ino).toBe(ino);
    expect(bench.exists('d/e')).toBe(false);
    expect(await settle(move('d', 'moved/d'))).toBe(0);
    await bench.remount();
    expect(bench.lookup('moved/x').attr.ino).toBe(ino);
    expect([...bench.list('moved/d').keys()].sort()).toEqual(['f', 'g', 'h']);
    expect(await settle(move('moved/d/f', 'd'))).toBe(0);
    expect(bench.lookup('d').attr.size).toBe(10);
  });
});

describe('copy-up', () => {
  test('a write through one name of a lower hard link is seen through all, also after a remount', async () => {
    const bench = open();
    const before = bench.lookup('hard').attr.ino;
    await bench.write('d/f', 'changed');
    for (let i = 0; i < 2; i++) {
      for (const path of ['hard', 'd/f']) {
        expect(bench.lookup(path).attr).toMatchObject({ size: 7, ino: before, nlink: 2 });
      }
      await bench.remount();
    }
  });

  test('chmod copies no bytes; the first write does', async () => {
    const bench = open();
    const node = bench.node('top');
    const attr = bench.newEntry().attr;
    await settle(bench.overlay.setattr(node, { mode: 0o600 }, bench.call(), attr));
    expect(attr).toMatchObject({ mode: S_IFREG | 0o600, size: 100, ino: node });
    expect(readFileSync(join(bench.upper, 'top'))).toEqual(Buffer.alloc(100));
    await bench.remount();
    expect(await bench.overlay.read(bench.node('top'), 0, 5)).toEqual(content.subarray(0, 5));
    const opened = new OpenFile();
    await settle(bench.overlay.open(node, 2, false, bench.call(), opened));
    expect(bench.overlay.write(node, 100, Buffer.from('!'), undefined)).toBe(1);
    bench.overlay.release(node);
    expect(readFileSync(join(bench.upper, 'top'), 'latin1')).toBe(`${content.toString('latin1', 0, 100)}!`);
    await bench.remount();
    expect(bench.lookup('top').attr).toMatchObject({ size: 101, mode: S_IFREG | 0o600 });
  });
});

describe('opens that native code has counted', () => {
  /** Opens `path` for writing. Returns whether it was open before. */
  async function openToWrite(bench: Bench, path: string): Promise<boolean> {
    const opened = new OpenFile();
    expect(await bench.overlay.open(bench.node(path), 2, false, bench.call(), opened)).toBe(0);
    expect(opened.backingFd).toBeGreaterThanOrEqual(0);
    return opened.wasOpen;
  }

  test('are seen by an open that copies up, and ended by a release', async () => {
    const bench = open();
    const node = bench.node('d/g');
    const { opens } = bench.overlay.answerTable;
    (opens as Uint32Array)[node - 1] = 1;
    expect(await openToWrite(bench, 'd/g')).toBe(true);
    expect(opens?.[node - 1]).toBe(2);
    bench.overlay.release(node);
    expect(await openToWrite(bench, 'd/g')).toBe(true);
    bench.overlay.release(node);
    bench.overlay.release(node);
    expect(opens?.[node - 1]).toBe(0);
    expect(await openToWrite(bench, 'd/g')).toBe(false);
    bench.overlay.release(node);
  });

  test('a release of a file that is not open does nothing', async () => {
    const bench = open();
    const node = bench.node('d/g');
    bench.overlay.release(node);
    expect(await openToWrite(bench, 'd/g')).toBe(false);
    bench.overlay.release(node);
    bench.overlay.release(node);
    expect(bench.overlay.answerTable.opens?.[node - 1]).toBe(0);
  });
});

describe('changes of hard links by an earlier mount', () => {
  test('a name that it has hidden is not counted', async () => {
    const bench = open();
    await settle(bench.at('d/f', (parent, name) => bench.overlay.unlink(parent, name)));
    expect(bench.lookup('hard').attr.nlink).toBe(1);
    await bench.remount();
    expect(bench.lookup('hard').attr.nlink).toBe(1);
  });

  test('a name in a directory that it has moved is found there: all names are copied up together', async () => {
    const bench = open();
    const root = bench.node('');
    const [from, to] = [Buffer.from('d'), Buffer.from('moved')];
    await settle(bench.overlay.rename(root, from, root, to, 0, bench.call()));
    await bench.remount();
    expect(bench.lookup('hard').attr.nlink).toBe(2);
    await bench.write('hard', 'changed');
    expect(readFileSync(join(bench.upper, 'moved/f'), 'utf8')).toBe('changed');
    await bench.remount();
    expect([...bench.list('moved').keys()].sort()).toEqual(['e', 'f', 'g', 'h']);
    expect(bench.lookup('moved/f').attr).toMatchObject({ nlink: 2, ino: bench.lookup('hard').attr.ino });
    expect(readdirSync(bench.upper).sort()).toEqual(['d', 'hard', 'moved']);
  });
});
