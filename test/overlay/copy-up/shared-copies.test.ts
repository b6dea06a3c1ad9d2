// Copies of lower inodes with several names: every name shows the copy at once, and gets its link in the upper later.
import { linkSync, mkdirSync, readdirSync, rmSync, statSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { bytesOf } from '../../../src/vfs/names.ts';
import { describeWith } from '../../requirements.ts';
import { directory, file, layer, link } from '../../tree/layer-maker.ts';
import { MemoryReader } from '../memory-reader.ts';
import { Bench, check, settle } from '../writable.ts';

const EXT4_SUPER_MAGIC = 0xef53;
const EXT4_LINK_MAX = 65_000;

const benches: Bench[] = [];
afterEach(async () => {
  for (const bench of benches.splice(0)) await bench.close();
});

/** A file of 10 bytes with `count` names `d/n0`, `d/n1`, ... */
function withNames(count: number): Bench {
  const names = Array.from({ length: count - 1 }, (_, i) => [`n${i + 1}`, link('d/n0')] as const);
  const bench = new Bench(
    [layer({ d: directory({ n0: file({ size: 10 }) }) }), layer({ d: directory(Object.fromEntries(names)) })],
    [new MemoryReader(Buffer.alloc(4096, 'lower')), new MemoryReader(Buffer.alloc(0))],
  );
  benches.push(bench);
  return bench;
}

async function chmod(bench: Bench, path: string): Promise<void> {
  const { attr } = bench.newEntry();
  await settle(bench.overlay.setattr(bench.node(path), { mode: 0o600 }, bench.call(), attr));
}

const entries = (bench: Bench): string[] => readdirSync(join(bench.work, 'stratafs-links'));
const upperNames = (bench: Bench): number => readdirSync(join(bench.upper, 'd')).length;
const shown = (bench: Bench, path: string): { nlink: number; mode: number } => {
  const { nlink, mode } = bench.lookup(path).attr;
  return { nlink, mode: mode & 0o777 };
};

describe('a change of a file with many names', () => {
  it('shows under all names at once, before they have links in the upper', async () => {
    const bench = withNames(500);
    await chmod(bench, 'd/n7');
    expect(upperNames(bench)).toBeLessThan(500);
    for (const path of ['d/n0', 'd/n7', 'd/n499'])
      expect(shown(bench, path)).toEqual({ nlink: 500, mode: 0o600 });
  });

  it('gives all names links before the mount ends, and leaves nothing in the work directory', async () => {
    const bench = withNames(500);
    await chmod(bench, 'd/n7');
    await bench.remount();
    const { ino, nlink } = statSync(join(bench.upper, 'd/n0'));
    expect(nlink).toBe(500);
    for (let i = 0; i < 500; i++) expect(statSync(join(bench.upper, `d/n${i}`)).ino).toBe(ino);
    expect(entries(bench)).toEqual([]);
    expect(shown(bench, 'd/n499')).toEqual({ nlink: 500, mode: 0o600 });
  });

  it('allows a name without a link to be renamed, removed, replaced and linked', async () => {
    const bench = withNames(500);
    await chmod(bench, 'd/n7');
    const d = bench.node('d');
    const call = bench.call();
    const { overlay } = bench;
    await settle(overlay.rename(d, bytesOf('n490'), d, bytesOf('moved'), 0, call));
    check(overlay.unlink(d, bytesOf('n491')), 'unlink');
    await settle(overlay.link(bench.node('d/n492'), d, bytesOf('new'), call, bench.newEntry()));
    const plainFile = { mode: 0o644, rdev: 0, umask: 0 };
    check(
      overlay.mknod(d, bytesOf('other'), { ...plainFile, mode: 0o100644 }, call, bench.newEntry()),
      'mknod',
    );
    await settle(overlay.rename(d, bytesOf('other'), d, bytesOf('n493'), 0, call));
    const names = [...bench.list('d').keys()].sort();
    for (const isRemounted of [false, true]) {
      if (isRemounted) await bench.remount();
      expect([...bench.list('d').keys()].sort()).toEqual(names);
      expect(bench.exists('d/n490')).toBe(false);
      expect(bench.exists('d/n491')).toBe(false);
      for (const path of ['d/n0', 'd/moved', 'd/new']) {
        expect(shown(bench, path)).toEqual({ nlink: 499, mode: 0o600 });
      }
      expect(shown(bench, 'd/n493')).toEqual({ nlink: 1, mode: 0o644 });
    }
    expect(entries(bench)).toEqual([]);
  });

  it('leaves no entry when the last name is removed', async () => {
    const bench = withNames(100);
    await chmod(bench, 'd/n7');
    const node = bench.node('d/n1');
    for (let i = 0; i < 100; i++) check(bench.overlay.unlink(bench.node('d'), bytesOf(`n${i}`)), 'unlink');
    expect(bench.attr(node)).toMatchObject({ nlink: 0, size: 10 });
    await bench.remount();
    expect([...bench.list('d').keys()]).toEqual([]);
    expect(entries(bench)).toEqual([]);
  });
});

describe('a mount that was killed before all names had links', () => {
  /** Leaves the files of a daemon that was killed after `linked` of the names got their links. */
  async function killed(bench: Bench, linked: number, count: number): Promise<void> {
    await chmod(bench, 'd/n7');
    await bench.remount();
    const copy = join(bench.upper, 'd/n0');
    const lower = bench.node('d/n0') - 1;
    await bench.overlay.close();
    linkSync(copy, join(bench.work, 'stratafs-links', `${'07'.repeat(16)}-${lower}`));
    for (let i = linked; i < count; i++) rmSync(join(bench.upper, `d/n${i}`));
    if (linked === 0) rmSync(join(bench.upper, 'd'), { recursive: true });
  }

  it.each([0, 1, 40, 99, 100])(
    'shows the copy under all names, and adds the missing links: %i of 100 exist',
    async (linked) => {
      const bench = withNames(100);
      await killed(bench, linked, 100);
      bench.reopen();
      expect(entries(bench)).toEqual([]);
      for (const path of ['d/n0', 'd/n99']) expect(shown(bench, path)).toEqual({ nlink: 100, mode: 0o600 });
      expect(statSync(join(bench.upper, 'd/n99')).nlink).toBe(100);
    },
  );

  it('leaves files alone that are not entries of this tree', async () => {
    const bench = withNames(3);
    await bench.overlay.close();
    const links = join(bench.work, 'stratafs-links');
    mkdirSync(links);
    const names = ['x', `${'07'.repeat(16)}-99999`, `${'07'.repeat(16)}-0`, `${'08'.repeat(16)}-2`];
    for (const name of names) mkdirSync(join(links, name));
    bench.reopen();
    expect(entries(bench).sort()).toEqual(names.sort());
    expect(shown(bench, 'd/n0')).toEqual({ nlink: 3, mode: 0o644 });
  });
});

describeWith(['root'], "a file with more names than the upper's file system allows links", () => {
  it('changes under all of them, also for the next mount', async (context) => {
    const count = EXT4_LINK_MAX + 100;
    const bench = withNames(count);
    if (statfsSync(bench.upper).type !== EXT4_SUPER_MAGIC)
      context.skip('needs ext4 in the temporary directory');
    await chmod(bench, 'd/n7');
    for (const isRemounted of [false, true]) {
      if (isRemounted) await bench.remount();
      for (const path of ['d/n0', `d/n${count - 1}`]) {
        expect(shown(bench, path)).toEqual({ nlink: count, mode: 0o600 });
      }
    }
    expect(entries(bench)).toHaveLength(1);
    const d = bench.node('d');
    for (let i = 0; i < 100; i++) check(bench.overlay.unlink(d, bytesOf(`n${i}`)), 'unlink');
    check(bench.overlay.unlink(d, bytesOf(`n${count - 1}`)), 'unlink');
    expect(shown(bench, 'd/n200').nlink).toBe(count - 101);
    await bench.remount();
    expect(shown(bench, `d/n${count - 2}`)).toEqual({ nlink: count - 101, mode: 0o600 });
    expect(entries(bench)).toEqual([]);
  }, 300_000);
});
