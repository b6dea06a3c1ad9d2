import { describe, expect, test } from 'vitest';
import { Overlay } from '../../../src/overlay/read/overlay.ts';
import { buildTree } from '../../../src/tree/merge.ts';
import { Attr, S_IFDIR, S_IFIFO, S_IFREG } from '../../../src/vfs/attr.ts';
import {
  EINVAL,
  EISDIR,
  ENAMETOOLONG,
  ENODATA,
  ENOENT,
  ENOTDIR,
  EOPNOTSUPP,
  ESTALE,
} from '../../../src/vfs/errno.ts';
import { type Entry, type NodeId, ROOT_NODE_ID, type StatFs } from '../../../src/vfs/filesystem.ts';
import { directory, file, layer, link, special, symlink } from '../../tree/layer-maker.ts';
import { latin1 } from '../../tree/tree-dump.ts';
import { MemoryReader } from '../memory-reader.ts';

const stack = [
  layer({ d: directory({ f: file({ size: 10, uid: 7, xattrs: { 'user.a': 'x' } }) }), l: symlink('d/f') }),
  layer({ d2: directory(), hard: link('d/f'), pipe: special(S_IFIFO | 0o600) }),
];
const readers = [new MemoryReader(new Uint8Array(4096)), new MemoryReader(new Uint8Array(4096))];
const overlay = new Overlay({
  tree: buildTree(stack),
  readers,
  syntheticXattr: (name) => (name === 'stats' ? Buffer.from('{}') : undefined),
});

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');
const newEntry = (): Entry => ({ nodeId: 0 as NodeId, generation: 9, attr: new Attr() });

function find(path: string): Entry {
  const entry = newEntry();
  entry.nodeId = ROOT_NODE_ID;
  for (const name of path.split('/')) expect(overlay.lookup(entry.nodeId, bytes(name), entry)).toBe(0);
  return entry;
}

describe('lookup', () => {
  test('a name is found with its attributes, its number the node ID', () => {
    const entry = find('d/f');
    expect(entry.attr).toMatchObject({
      ino: entry.nodeId,
      size: 10,
      uid: 7,
      mode: S_IFREG | 0o644,
      nlink: 2,
    });
    expect(entry.generation).toBe(0);
  });

  test('names of one inode are one node', () => {
    expect(find('hard').nodeId).toBe(find('d/f').nodeId);
  });

  test('what is missing is ENOENT, beneath a file ENOTDIR, over 255 bytes ENAMETOOLONG', () => {
    const entry = newEntry();
    expect(overlay.lookup(ROOT_NODE_ID, bytes('x'), entry)).toBe(-ENOENT);
    expect(overlay.lookup(ROOT_NODE_ID, bytes('x'.repeat(255)), entry)).toBe(-ENOENT);
    expect(overlay.lookup(ROOT_NODE_ID, bytes('x'.repeat(256)), entry)).toBe(-ENAMETOOLONG);
    expect(overlay.lookup(find('d/f').nodeId, bytes('x'), entry)).toBe(-ENOTDIR);
  });

  test('"." is the node itself, of any type, ".." a directory\'s parent', () => {
    const f = find('d/f');
    const d = find('d');
    const entry = newEntry();
    expect(overlay.lookup(f.nodeId, bytes('.'), entry)).toBe(0);
    expect(entry.nodeId).toBe(f.nodeId);
    expect(overlay.lookup(d.nodeId, bytes('..'), entry)).toBe(0);
    expect(entry.nodeId).toBe(ROOT_NODE_ID);
    expect(overlay.lookup(f.nodeId, bytes('..'), entry)).toBe(-ENOTDIR);
    expect(overlay.lookup(d.nodeId, bytes('..x'), entry)).toBe(-ENOENT);
  });
});

describe('attributes', () => {
  test('getattr answers what lookup did', () => {
    const entry = find('pipe');
    const attr = new Attr();
    expect(overlay.getattr(entry.nodeId, attr)).toBe(0);
    expect(attr).toEqual(entry.attr);
  });

  test('the root is node 1 and number 1, a directory', () => {
    const attr = new Attr();
    expect(overlay.getattr(ROOT_NODE_ID, attr)).toBe(0);
    expect(attr).toMatchObject({ ino: 1, mode: S_IFDIR | 0o755, nlink: 4, size: 4096 });
  });

  test('a node that never was is ESTALE everywhere', () => {
    for (const node of [0, 99, -1] as NodeId[]) {
      expect(overlay.lookup(node, bytes('.'), newEntry())).toBe(-ESTALE);
      expect(overlay.getattr(node, new Attr())).toBe(-ESTALE);
      expect(overlay.readlink(node)).toBe(-ESTALE);
      expect(overlay.read(node, 0, 1)).toBe(-ESTALE);
      expect(overlay.seek(node, 0, 3)).toBe(-ESTALE);
      expect(overlay.getxattr(node, bytes('user.a'))).toBe(-ESTALE);
      expect(overlay.listxattr(node)).toBe(-ESTALE);
      const sink = { wantsAttributes: false, add: (): boolean => true };
      expect(overlay.readdir(node, 0, sink)).toBe(-ESTALE);
    }
  });

  test('a node of the wrong type is refused', () => {
    const { nodeId: f } = find('d/f');
    const sink = { wantsAttributes: false, add: (): boolean => true };
    expect(overlay.readdir(f, 0, sink)).toBe(-ENOTDIR);
    expect(overlay.readlink(f)).toBe(-EINVAL);
    expect(overlay.read(ROOT_NODE_ID, 0, 1)).toBe(-EISDIR);
    expect(overlay.read(find('pipe').nodeId, 0, 1)).toBe(-EINVAL);
    expect(overlay.seek(ROOT_NODE_ID, 0, 3)).toBe(-EINVAL);
  });

  test('readlink answers the bytes of the target', () => {
    expect(latin1(overlay.readlink(find('l').nodeId) as Uint8Array)).toBe('d/f');
  });
});

describe('xattrs', () => {
  test('a value, a list, and what is not there', () => {
    const { nodeId } = find('hard');
    expect(latin1(overlay.getxattr(nodeId, bytes('user.a')) as Uint8Array)).toBe('x');
    expect(latin1(overlay.listxattr(nodeId) as Uint8Array)).toBe('user.a\0');
    expect(overlay.getxattr(nodeId, bytes('user.b'))).toBe(-ENODATA);
    expect(overlay.listxattr(find('d').nodeId)).toHaveLength(0);
  });

  test('SELinux labels are not supported where no inode has one', () => {
    expect(overlay.getxattr(find('hard').nodeId, bytes('security.selinux'))).toBe(-EOPNOTSUPP);
    const labels = layer({ a: file({ xattrs: { 'security.selinux': 'label' } }), b: file({}) });
    const labelled = new Overlay({ tree: buildTree([labels]), readers: readers.slice(0, 1) });
    const entry = newEntry();
    expect(labelled.lookup(ROOT_NODE_ID, bytes('b'), entry)).toBe(0);
    expect(labelled.getxattr(entry.nodeId, bytes('security.selinux'))).toBe(-ENODATA);
  });

  test('the synthetic xattrs are answered for the root alone, and never listed', () => {
    expect(latin1(overlay.getxattr(ROOT_NODE_ID, bytes('user.stratafs.stats')) as Uint8Array)).toBe('{}');
    expect(overlay.getxattr(ROOT_NODE_ID, bytes('user.stratafs.other'))).toBe(-ENODATA);
    expect(overlay.getxattr(ROOT_NODE_ID, bytes('user.stratafs'))).toBe(-ENODATA);
    expect(overlay.getxattr(find('d').nodeId, bytes('user.stratafs.stats'))).toBe(-ENODATA);
    expect(overlay.listxattr(ROOT_NODE_ID)).toHaveLength(0);
    const plain = new Overlay({ tree: buildTree(stack), readers });
    expect(plain.getxattr(ROOT_NODE_ID, bytes('user.stratafs.stats'))).toBe(-ENODATA);
  });
});

describe('the layer of a node', () => {
  test('is answered as an xattr that is not listed: whose bytes, or whose attributes of a directory', () => {
    const named = new Overlay({
      tree: buildTree([...stack, layer({ d: directory({ new: file() }) })]),
      readers: [...readers, new MemoryReader(new Uint8Array())],
      nameLayer: (number) => bytes(`layer ${Number(number) + 1}`),
    });
    const layerOf = (...path: string[]): string => {
      const entry = newEntry();
      entry.nodeId = ROOT_NODE_ID;
      for (const name of path) expect(named.lookup(entry.nodeId, bytes(name), entry)).toBe(0);
      return latin1(named.getxattr(entry.nodeId, bytes('user.stratafs.layer')) as Uint8Array);
    };
    expect([layerOf('hard'), layerOf('pipe'), layerOf('d'), layerOf('d', 'new')]).toEqual([
      'layer 1',
      'layer 2',
      'layer 3',
      'layer 3',
    ]);
    expect(named.listxattr(ROOT_NODE_ID)).toHaveLength(0);
    expect(overlay.getxattr(ROOT_NODE_ID, bytes('user.stratafs.layer'))).toBe(-ENODATA);
  });
});

describe('the whole', () => {
  test('statfs tells a full file system', () => {
    const out: StatFs = {
      blocks: 0,
      blocksFree: 9,
      blocksAvailable: 9,
      files: 0,
      filesFree: 9,
      blockSize: 0,
      nameLength: 0,
    };
    expect(overlay.statfs(out)).toBe(0);
    expect(out).toEqual({
      blocks: 1,
      blocksFree: 0,
      blocksAvailable: 0,
      files: 6,
      filesFree: 0,
      blockSize: 4096,
      nameLength: 255,
    });
  });

  test('close leaves the readers to who opened them', () => {
    overlay.close();
    expect(readers.map(({ isClosed }) => isClosed)).toEqual([false, false]);
  });

  test('each layer needs its reader', () => {
    expect(() => new Overlay({ tree: buildTree(stack), readers: [] })).toThrow('0 readers for 2 layers');
  });
});
