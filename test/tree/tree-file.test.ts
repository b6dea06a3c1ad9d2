// The file of a merged tree: it comes back bit for bit, and anything else than the whole file of these layers doesn't.
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  mkdtempSync,
  openSync,
  closeSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { INDEX_FILE_VERSION } from '../../src/layer/index-file.ts';
import { TABLE_VERSION } from '../../src/tree/layout.ts';
import { buildTree } from '../../src/tree/merge.ts';
import {
  loadTreeFile,
  saveTreeFile,
  TREE_FILE_HEADER_SIZE,
  TREE_FILE_VERSION,
  TreeFileField,
} from '../../src/tree/tree-file.ts';
import { S_IFCHR } from '../../src/vfs/attr.ts';
import { documentedFields, tableRows } from '../docs/formats-table.ts';
import { directory as dir, file, layer, link, special, symlink, whiteout } from './layer-maker.ts';
import { dumpTree } from './tree-dump.ts';

const KEY = 'ab'.repeat(32);
const shared = file({ size: 5, data: 512 });
const tree = buildTree([
  layer({ d: dir({ one: shared, two: shared, gone: file() }), lower: file({ size: 7, data: 4096 }) }),
  layer({
    d: dir({ gone: whiteout, 's\xff': symlink('one') }),
    acl: file({ xattrs: { 'system.posix_acl_access': 'x', 'user.a': '\0\xff' } }),
    hard: link('lower'),
    null: special(S_IFCHR | 0o666, 0x103),
    sparse: file({ size: 1000, mtime: -1.5, extents: [[100, 50, 4096]] }),
  }),
]);

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'stratafs-tree-'));
  path = join(directory, 'x.tree');
});
afterEach(() => rmSync(directory, { recursive: true }));

describe('a tree file', () => {
  test('comes back as it went, to the last bit', async () => {
    await saveTreeFile(path, KEY, { tree, layersSize: 2 ** 40 + 1 });
    const saved = (await loadTreeFile(path, KEY)) ?? expect.fail('nothing was loaded');
    expect(saved.layersSize).toBe(2 ** 40 + 1);
    expect(Buffer.from(saved.tree.buffer).equals(Buffer.from(tree.buffer))).toBe(true);
    expect(dumpTree(saved.tree)).toEqual(dumpTree(tree));
    expect(saved.tree.counts).toEqual(tree.counts);
    expect(readdirSync(directory)).toEqual(['x.tree']);
  });

  test('of an image without layers comes back', async () => {
    const empty = buildTree([]);
    await saveTreeFile(path, KEY, { tree: empty, layersSize: 0 });
    const saved = (await loadTreeFile(path, KEY)) ?? expect.fail('nothing was loaded');
    expect(dumpTree(saved.tree)).toEqual(dumpTree(empty));
  });

  test('that is missing is undefined', async () => {
    expect(await loadTreeFile(path, KEY)).toBeUndefined();
  });

  test('of other layers is undefined', async () => {
    await saveTreeFile(path, KEY, { tree, layersSize: 0 });
    expect(await loadTreeFile(path, 'ac'.repeat(32))).toBeUndefined();
  });

  test.each(['version', 'tableVersion', 'indexVersion'] as const)(
    'of another %s is undefined, its checksum being right',
    async (field) => {
      await saveTreeFile(path, KEY, { tree, layersSize: 0 });
      const bytes = readFileSync(path);
      bytes.writeUInt32LE(bytes.readUInt32LE(TreeFileField[field]) + 1, TreeFileField[field]);
      writeFileSync(path, bytes);
      expect(await loadTreeFile(path, KEY)).toBeUndefined();
    },
  );

  test('with any bit changed is undefined', async () => {
    await saveTreeFile(path, KEY, { tree, layersSize: 0 });
    const bytes = readFileSync(path);
    const fd = openSync(path, 'r+');
    try {
      for (const [at, byte] of bytes.entries()) {
        writeSync(fd, Uint8Array.of(byte ^ (1 << (at % 8))), 0, 1, at);
        expect(await loadTreeFile(path, KEY), `byte ${at}`).toBeUndefined();
        writeSync(fd, Uint8Array.of(byte), 0, 1, at);
      }
    } finally {
      closeSync(fd);
    }
    expect(await loadTreeFile(path, KEY)).toBeDefined();
  });

  test('that is cut anywhere, or longer than it says, is undefined', async () => {
    await saveTreeFile(path, KEY, { tree, layersSize: 0 });
    const { length } = readFileSync(path);
    appendFileSync(path, Buffer.alloc(64));
    expect(await loadTreeFile(path, KEY)).toBeUndefined();
    truncateSync(path, length);
    expect(await loadTreeFile(path, KEY)).toBeDefined();
    for (let end = length - 1; end >= 0; end--) {
      truncateSync(path, end);
      expect(await loadTreeFile(path, KEY), `${end} bytes`).toBeUndefined();
    }
  });

  test('that claims more than memory holds is undefined, and takes none', async () => {
    await saveTreeFile(path, KEY, { tree, layersSize: 0 });
    const bytes = readFileSync(path);
    for (const count of [2 ** 52, -1, 0.5, NaN, Infinity]) {
      bytes.writeDoubleLE(count, TreeFileField.inodes);
      writeFileSync(path, bytes);
      expect(await loadTreeFile(path, KEY), String(count)).toBeUndefined();
    }
  });

  test('leaves no descriptor open, whatever it holds', async () => {
    await saveTreeFile(path, KEY, { tree, layersSize: 0 });
    const before = readdirSync('/proc/self/fd').length;
    await loadTreeFile(path, KEY);
    truncateSync(path, 200);
    await loadTreeFile(path, KEY);
    expect(readdirSync('/proc/self/fd')).toHaveLength(before);
  });
});

describe('docs/formats.md', () => {
  test('has the fields of the header as they are', () => {
    expect(documentedFields(tableRows('Tree file'))).toEqual({
      fields: TreeFileField,
      end: TREE_FILE_HEADER_SIZE,
    });
  });

  test('says what the header holds', async () => {
    await saveTreeFile(path, KEY, { tree, layersSize: 99 });
    const bytes = readFileSync(path);
    expect(bytes.toString('latin1', 0, 8)).toBe('stratree');
    expect(bytes.readUInt32LE(8)).toBe(TREE_FILE_VERSION);
    expect(bytes.readUInt32LE(12)).toBe(TABLE_VERSION);
    expect(bytes.readUInt32LE(16)).toBe(INDEX_FILE_VERSION);
    expect(bytes.subarray(24, 56)).toEqual(createHash('sha256').update(bytes.subarray(56)).digest());
    expect(bytes.toString('hex', 56, 88)).toBe(KEY);
    expect(bytes.readDoubleLE(88)).toBe(99);
    expect(bytes.readDoubleLE(96)).toBe(tree.inodeCount);
    expect(bytes.readDoubleLE(112)).toBe(2);
    expect(bytes.subarray(144).equals(Buffer.from(tree.buffer))).toBe(true);
    const version = tableRows('Tree file').find(([, , field]) => field === 'version');
    expect(version?.[3]).toMatch(`u32; ${TREE_FILE_VERSION}. `);
  });
});
