import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { columns, HEADER_SIZE, TABLE_MAGIC, TABLE_VERSION, TreeTable } from '../../src/tree/layout.ts';
import { buildTree } from '../../src/tree/merge.ts';
import { S_IFCHR, S_IFREG } from '../../src/vfs/attr.ts';
import { directory, file, layer, special, symlink } from './layer-maker.ts';

const counts = { inodes: 5, dentries: 7, layers: 3, extentNumbers: 11, poolBytes: 13, xattrBytes: 17 };

test('the header has magic, version, counts, length and the offset of each column', () => {
  const table = TreeTable.create(counts);
  table.hasPosixAcl = true;
  table.totalSize = 2 ** 40;
  const header = new DataView(table.buffer);
  expect([0, 4, 8, 12, 16, 20].map((offset) => header.getUint32(offset, true))).toEqual([
    TABLE_MAGIC,
    TABLE_VERSION,
    5,
    7,
    3,
    1,
  ]);
  expect(Buffer.from(table.buffer).toString('latin1', 0, 4)).toBe('STRT');
  expect(header.getFloat64(24, true)).toBe(2 ** 40);
  expect(header.getFloat64(32, true)).toBe(table.buffer.byteLength);
  columns.forEach(([name, bytes, per], n) => {
    const column = table[name];
    expect(header.getFloat64(40 + 8 * n, true), name).toBe(column.byteOffset);
    expect(column.BYTES_PER_ELEMENT, name).toBe(bytes);
    expect(column.length, name).toBe(counts[per]);
    expect(column.byteOffset % 64, name).toBe(0);
  });
  expect(40 + 8 * columns.length).toBe(200);
  expect([200, 208, 216].map((offset) => header.getFloat64(offset, true))).toEqual([11, 13, 17]);
});

test('a table is opened only with the counts that its header has', () => {
  const { buffer } = TreeTable.create(counts);
  expect(TreeTable.open(counts, buffer)?.counts).toEqual(counts);
  expect(TreeTable.open(counts, buffer.slice(0, buffer.byteLength - 64))).toBeUndefined();
  for (const name of Object.keys(counts)) {
    expect(TreeTable.open({ ...counts, [name]: 2 }, buffer), name).toBeUndefined();
  }
  for (let at = 0; at < HEADER_SIZE; at++) {
    const changed = buffer.slice(0);
    new DataView(changed).setUint8(at, new DataView(buffer).getUint8(at) ^ 1);
    // Whether there are ACLs, and the sum of sizes.
    const isFree = at >= 20 && at < 32;
    expect(TreeTable.open(counts, changed) !== undefined, `byte ${at}`).toBe(isFree);
  }
});

test('the columns are disjoint, in order, and stand in one buffer', () => {
  const table = TreeTable.create(counts);
  let end = HEADER_SIZE;
  for (const [name] of columns) {
    expect(table[name].buffer).toBe(table.buffer);
    expect(table[name].byteOffset, name).toBeGreaterThanOrEqual(end);
    end = table[name].byteOffset + table[name].byteLength;
  }
  expect(end).toBeLessThanOrEqual(table.buffer.byteLength);
});

test("the table in the file's comment is the table in the code", () => {
  const source = readFileSync(new URL('../../src/tree/layout.ts', import.meta.url), 'utf8');
  const rows = [...source.matchAll(/^\/\/ \| (\d+) +\| (\w+) +\| (f64|u32|u16|u8) +\| (\w+) +\|/gm)];
  const size = { f64: 8, u32: 4, u16: 2, u8: 1 };
  const per = { inode: 'inodes', dentry: 'dentries', number: 'extentNumbers' };
  expect(
    rows.map(([, n, name, element, unit]) => [
      Number(n),
      name,
      size[element as keyof typeof size],
      unit === 'byte' ? `${name === 'pool' ? 'pool' : 'xattr'}Bytes` : per[unit as keyof typeof per],
    ]),
  ).toEqual(columns.map((column, n) => [n, ...column]));
});

test('an inode costs 64 bytes and a dentry 9', () => {
  const cost = (per: string): number =>
    columns.reduce((sum, [, bytes, unit]) => (unit === per ? sum + bytes : sum), 0);
  expect(cost('inodes')).toBe(64);
  expect(cost('dentries')).toBe(9);
});

test('a merged table is read as the layout says, without the Tree', () => {
  const tree = buildTree([
    layer({
      d: directory({ f: file({ size: 10, data: 1024, mode: S_IFREG | 0o640 }) }),
      l: symlink('d/f'),
      n: special(S_IFCHR | 0o666, 0x103),
    }),
  ]);
  const { buffer } = tree;
  const header = new DataView(buffer);
  const begin = (name: string): number =>
    header.getFloat64(40 + 8 * columns.findIndex(([column]) => column === name), true);
  const u32 = (name: string, n: number): number => header.getUint32(begin(name) + 4 * n, true);
  const f64 = (name: string, n: number): number => header.getFloat64(begin(name) + 8 * n, true);
  const text = (start: number, length: number): string =>
    Buffer.from(buffer, begin('pool') + start, length).toString();

  // Inode 0: the root, its parent itself, its children dentries 0 to 2.
  expect([u32('size', 0), u32('data', 0), u32('data', 1)]).toEqual([0, 0, 3]);
  const dentry = [0, 1, 2].map((n) => ({
    name: text(u32('nameOffset', n), header.getUint8(begin('nameLength') + n)),
    inode: u32('target', n),
  }));
  expect(dentry.map(({ name }) => name)).toEqual(['d', 'l', 'n']);
  const [d, l, n] = dentry.map(({ inode }) => inode) as [number, number, number];
  expect([u32('size', 2 * d), u32('data', 2 * d), u32('data', 2 * d + 1)]).toEqual([0, 3, 1]);
  const f = u32('target', 3);
  expect([f64('size', f), f64('data', f), u32('mode', f), u32('nlink', f)]).toEqual([
    10,
    1024,
    S_IFREG | 0o640,
    1,
  ]);
  expect(text(f64('data', l), f64('size', l))).toBe('d/f');
  expect(u32('data', 2 * n)).toBe(0x103);
  expect([...new Uint8Array(buffer, begin('pristine'), 5)]).toEqual([1, 1, 1, 1, 1]);
});
