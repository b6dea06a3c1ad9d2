import { closeSync, lstatSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import {
  RENAME_EXCHANGE,
  RENAME_NOREPLACE,
  RENAME_WHITEOUT,
  listxattrAt,
} from '../../../src/sys/upper-calls.ts';
import { S_IFCHR } from '../../../src/vfs/attr.ts';
import { EEXIST, EINVAL, ENODATA } from '../../../src/vfs/errno.ts';
import { bytesOf, latin1Of } from '../../../src/vfs/names.ts';
import { directory, file, layer } from '../../tree/layer-maker.ts';
import { MemoryReader } from '../memory-reader.ts';
import { Bench, check, plain, settle } from '../writable.ts';

const benches: Bench[] = [];
function open(): Bench {
  const device = { ...file(), mode: S_IFCHR | 0o640, uid: 0 };
  const bench = new Bench(
    [layer({ d: directory({ f: file({ size: 10 }), e: directory({ x: file({ size: 1 }) }), device }) })],
    [new MemoryReader(Buffer.alloc(100, 'lower'))],
  );
  benches.push(bench);
  return bench;
}
afterEach(async () => {
  for (const bench of benches.splice(0)) await bench.close();
});

const WHITEOUT = { mode: S_IFCHR, rdev: 0, size: 0, nlink: 1 };

function rename(bench: Bench, from: string, to: string, flags: number): Promise<number> {
  return Promise.resolve(
    bench.at(from, (parent, name) =>
      bench.at(to, (newParent, newName) =>
        bench.overlay.rename(parent, name, newParent, newName, flags, bench.call()),
      ),
    ),
  );
}

function makeDevice(bench: Bench, path: string, mode = S_IFCHR | 0o600): void {
  const status = bench.at(path, (parent, name) =>
    bench.overlay.mknod(parent, name, plain(mode), bench.call(), bench.newEntry()),
  );
  check(status, 'mknod', path);
}

/** The xattrs that are stored on an upper file. */
function storedXattrs(bench: Bench, path: string): string[] {
  const fd = openSync(join(bench.upper, path), 'r');
  try {
    const list = listxattrAt(fd, bytesOf(''));
    return typeof list === 'number' ? [String(list)] : latin1Of(list).split('\0');
  } finally {
    closeSync(fd);
  }
}

const NAMESPACE = process.geteuid?.() === 0 ? 'trusted' : 'user';

function shownXattrs(bench: Bench, path: string): string {
  const list = bench.overlay.listxattr(bench.node(path));
  return typeof list === 'number' ? String(list) : latin1Of(list);
}

describe('rename with RENAME_WHITEOUT', () => {
  for (const [what, from] of [
    ['a lower file', 'd/f'],
    ['a lower directory', 'd/e'],
    ['a file of the upper', 'd/new'],
    ['a merged directory', 'd'],
  ] as const) {
    test(`shows a device 0:0 under the old name of ${what}, also after a remount`, async () => {
      const bench = open();
      await bench.write('d/new', 'upper');
      const { ino } = bench.lookup(from).attr;
      expect(await settle(rename(bench, from, 'to', RENAME_WHITEOUT))).toBe(0);
      for (let i = 0; i < 2; i++) {
        expect(bench.lookup(from).attr).toMatchObject(WHITEOUT);
        expect(bench.lookup('to').attr.ino).toBe(ino);
        if (from === 'd/e') expect(bench.list('to').has('x')).toBe(true);
        if (from === 'd') expect([...bench.list('to').keys()].sort()).toEqual(['device', 'e', 'f', 'new']);
        const parent = from.includes('/') ? 'd' : '';
        expect(bench.list(parent, 1).has(from.slice(from.indexOf('/') + 1))).toBe(true);
        await bench.remount();
      }
      expect(bench.at(from, (parent, name) => bench.overlay.unlink(parent, name))).toBe(0);
      await bench.remount();
      expect(bench.exists(from)).toBe(false);
    });
  }

  test('replaces the file with the new name, except with RENAME_NOREPLACE', async () => {
    const bench = open();
    await bench.write('other', 'o');
    const flags = RENAME_WHITEOUT | RENAME_NOREPLACE;
    expect(await rename(bench, 'd/f', 'other', flags)).toBe(-EEXIST);
    expect(bench.lookup('d/f').attr.size).toBe(10);
    expect(await rename(bench, 'd/f', 'other', RENAME_WHITEOUT)).toBe(0);
    expect(bench.lookup('other').attr.size).toBe(10);
    expect(await rename(bench, 'other', 'd/f', RENAME_WHITEOUT | RENAME_EXCHANGE)).toBe(-EINVAL);
    // Over a shown whiteout, as when kernel overlayfs on top of our mount recreates a name.
    expect(await rename(bench, 'other', 'd/f', 0)).toBe(0);
    await bench.remount();
    expect(bench.lookup('d/f').attr.size).toBe(10);
    expect(bench.exists('other')).toBe(false);
  });

  test('moves a directory to a hidden name', async () => {
    const bench = open();
    check(
      bench.at('d/f', (parent, name) => bench.overlay.unlink(parent, name)),
      'unlink',
    );
    expect(await rename(bench, 'd/e', 'd/f', RENAME_WHITEOUT)).toBe(0);
    await bench.remount();
    expect(bench.lookup('d/e').attr).toMatchObject(WHITEOUT);
    expect(bench.list('d/f').has('x')).toBe(true);
  });
});

describe('a character device 0:0', () => {
  test('is created by mknod with its mode, and stored in the upper with escaped whiteout marks', async () => {
    const bench = open();
    makeDevice(bench, 'd/null', S_IFCHR | 0o640);
    await bench.remount();
    expect(bench.lookup('d/null').attr).toMatchObject({ ...WHITEOUT, mode: S_IFCHR | 0o640 });
    expect(lstatSync(join(bench.upper, 'd/null')).isFile()).toBe(true);
    expect(storedXattrs(bench, 'd/null')).toContain(`${NAMESPACE}.overlay.overlay.whiteout`);
    expect(storedXattrs(bench, 'd')).toContain(`${NAMESPACE}.overlay.overlay.opaque`);
    for (const path of ['d', 'd/null']) expect(shownXattrs(bench, path)).toBe('');
    for (const name of ['whiteout', 'opaque']) {
      const value = bench.overlay.getxattr(bench.node('d'), bytesOf(`${NAMESPACE}.overlay.${name}`));
      expect(value).toBe(-ENODATA);
    }
  });

  test('keeps the xattrs that a user has set on its directory', async () => {
    const bench = open();
    const name = bytesOf(`${NAMESPACE}.overlay.opaque`);
    const set = bench.overlay.setxattr(bench.node('d'), name, bytesOf('y'), 0, false, bench.call());
    expect(await settle(set)).toBe(0);
    makeDevice(bench, 'd/null');
    await bench.remount();
    expect(bench.overlay.getxattr(bench.node('d'), name)).toEqual(Buffer.from('y'));
  });

  test('can be linked and renamed, and its attributes can be changed', async () => {
    const bench = open();
    makeDevice(bench, 'd/null');
    const { ino } = bench.lookup('d/null').attr;
    const node = bench.node('d/null');
    const linked = bench.at('link', (parent, name) =>
      bench.overlay.link(node, parent, name, bench.call(), bench.newEntry()),
    );
    expect(await settle(linked)).toBe(0);
    expect(await rename(bench, 'd/null', 'd/e/moved', 0)).toBe(0);
    await bench.remount();
    for (const path of ['d/e/moved', 'link']) {
      expect(bench.lookup(path).attr).toMatchObject({ ...WHITEOUT, mode: S_IFCHR | 0o600, nlink: 2, ino });
    }
    for (const path of ['', 'd/e'])
      expect(storedXattrs(bench, path)).toContain(`${NAMESPACE}.overlay.overlay.opaque`);
  });

  test('of an image does not become a whiteout when it is copied up', async () => {
    const bench = open();
    const { ino } = bench.lookup('d/device').attr;
    const changes = { mode: 0o600 };
    expect(
      await settle(
        bench.overlay.setattr(bench.node('d/device'), changes, bench.call(), bench.newEntry().attr),
      ),
    ).toBe(0);
    await bench.remount();
    expect(bench.lookup('d/device').attr).toMatchObject({ ...WHITEOUT, mode: S_IFCHR | 0o600, ino });
  });
});
