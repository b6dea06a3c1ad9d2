// A LayerIndex as lines of text, for tests: walks it as a reader must, and checks its invariants on the way.
import { expect } from 'vitest';
import { DentryKind, InodeFlag, type LayerIndex } from '../../src/layer/layer-index.ts';
import { LayerIndexBuilder } from '../../src/layer/index-builder.ts';
import { compareNames } from '../../src/vfs/names.ts';
import { frameTar } from '../tar/framing.ts';

export function indexTar(tar: Buffer, maxEntries?: number): LayerIndex {
  const records = frameTar(tar);
  const builder = new LayerIndexBuilder('test.tar', maxEntries);
  builder.add(records, records.length);
  return builder.finish();
}

export const nameOf = (index: LayerIndex, dentry: number): Buffer => {
  const start = index.nameOffset[dentry] as number;
  return Buffer.from(index.pool.subarray(start, start + (index.nameLength[dentry] as number)));
};

/** Every name of the layer by its path, root excluded: "" is the root itself. */
export function dentriesByPath(index: LayerIndex): Map<string, number> {
  const paths = new Map<string, number>([['', 0]]);
  const visit = (inode: number, path: string): void => {
    const first = index.firstChild[inode] as number;
    const count = index.childCount[inode] as number;
    expect(first + count).toBeLessThanOrEqual(index.dentryCount);
    for (let dentry = first; dentry < first + count; dentry++) {
      if (dentry > first) {
        const [a, b] = [nameOf(index, dentry - 1), nameOf(index, dentry)];
        expect(compareNames(a, 0, a.length, b, 0, b.length)).toBeLessThan(0);
      }
      const child = (path === '' ? '' : path + '/') + nameOf(index, dentry).toString('latin1');
      paths.set(child, dentry);
      if (index.dentryKind[dentry] !== DentryKind.inode) continue;
      const target = index.dentryTarget[dentry] as number;
      expect(target).toBeLessThan(index.inodeCount);
      if (isDirectory(index, target)) visit(target, child);
    }
  };
  visit(0, '');
  expect(paths.size).toBe(index.dentryCount);
  return paths;
}

export const isDirectory = (index: LayerIndex, inode: number): boolean =>
  ((index.mode[inode] as number) & 0o170000) === 0o040000;

/** The inode of a path. */
export function inodeAt(index: LayerIndex, path: string): number {
  const dentry = dentriesByPath(index).get(path);
  if (dentry === undefined) throw new Error(`no ${path}`);
  expect(index.dentryKind[dentry]).toBe(DentryKind.inode);
  return index.dentryTarget[dentry] as number;
}

export function linkTarget(index: LayerIndex, link: number): string {
  const start = index.links[2 * link] as number;
  return Buffer.from(index.pool.subarray(start, start + (index.links[2 * link + 1] as number))).toString(
    'latin1',
  );
}

export function symlinkTarget(index: LayerIndex, inode: number): Buffer {
  const start = index.dataOffset[inode] as number;
  return Buffer.from(index.pool.subarray(start, start + (index.size[inode] as number)));
}

/** Attributes by name (latin1) of an inode. */
export function xattrsOf(index: LayerIndex, inode: number): Record<string, Buffer> {
  const place = index.xattr[inode] as number;
  if (place === 0) return {};
  const bytes = Buffer.from(index.xattrs);
  let at = place - 1;
  const count = bytes.readUInt16LE(at);
  at += 2;
  const found: Record<string, Buffer> = {};
  for (let i = 0; i < count; i++) {
    const nameLength = bytes.readUInt8(at);
    const valueLength = bytes.readUInt32LE(at + 1);
    at += 5;
    found[bytes.toString('latin1', at, at + nameLength)] = bytes.subarray(
      at + nameLength,
      at + nameLength + valueLength,
    );
    at += nameLength + valueLength;
  }
  return found;
}

export function extentsOf(index: LayerIndex, inode: number): number[][] {
  expect((index.inodeFlags[inode] as number) & InodeFlag.sparse).not.toBe(0);
  const list = index.dataOffset[inode] as number;
  return Array.from({ length: index.extents[list] as number }, (_, i) =>
    Array.from(index.extents.subarray(list + 1 + 3 * i, list + 4 + 3 * i)),
  );
}

/**
 * One line a name, the lines sorted as text: "d PATH", "- PATH", "l PATH -> TARGET", "w PATH" (whiteout), "h PATH => TARGET" (link to a
 * lower name), with the flags of a directory in brackets and hard links marked by "=N", their group in order of paths.
 */
export function showIndex(index: LayerIndex): string[] {
  const paths = [...dentriesByPath(index)]
    .filter(([path]) => path !== '')
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const uses = new Map<number, number>();
  for (const [, dentry] of paths) {
    if (index.dentryKind[dentry] !== DentryKind.inode) continue;
    const inode = index.dentryTarget[dentry] as number;
    uses.set(inode, (uses.get(inode) ?? 0) + 1);
  }
  const groups = new Map<number, number>();
  const lines = paths.map(([path, dentry]) => {
    const target = index.dentryTarget[dentry] as number;
    if (index.dentryKind[dentry] === DentryKind.whiteout) return `w ${path}`;
    if (index.dentryKind[dentry] === DentryKind.lowerLink) return `h ${path} => ${linkTarget(index, target)}`;
    const type = '?pc?d?b?-?l?s???'.charAt((index.mode[target] as number) >>> 12);
    let group = '';
    if (uses.get(target) !== 1) {
      if (!groups.has(target)) groups.set(target, groups.size + 1);
      group = ` =${groups.get(target)}`;
    }
    const link = type === 'l' ? ` -> ${symlinkTarget(index, target).toString('latin1')}` : '';
    return `${type} ${path}${showFlags(index, target)}${link}${group}`;
  });
  return lines.sort();
}

export function showFlags(index: LayerIndex, inode: number): string {
  const flags = index.inodeFlags[inode] as number;
  const names = Object.entries(InodeFlag)
    .filter(([, bit]) => (flags & bit) !== 0)
    .map(([name]) => name);
  return names.length === 0 ? '' : ` [${names.join(' ')}]`;
}
