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
  test('finds a name and returns its attributes; the inode number is the node ID', () => {
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

  test('returns the same node for all names of an inode', () => {
    expect(find('hard').nodeId).toBe(find('d/f').nodeId);
  });

  test('is ENOENT for a missing name, ENOTDIR in a file, ENAMETOOLONG for over 255 bytes', () => {
    const entry = newEntry();
    expect(overlay.lookup(ROOT_NODE_ID, bytes('x'), entry)).toBe(-ENOENT);
    expect(overlay.lookup(ROOT_NODE_ID, bytes('x'.repeat(255)), entry)).toBe(-ENOENT);
    expect(overlay.lookup(ROOT_NODE_ID, bytes('x'.repeat(256)), entry)).toBe(-ENAMETOOLONG);
    expect(overlay.lookup(find('d/f').nodeId, bytes('x'), entry)).toBe(-ENOTDIR);
  });

  test('returns the node itself for ".", whatever its type, and the parent of a directory for ".."', () => {
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
  test('of getattr are those of lookup', () => {
    const entry = find('pipe');
    const attr = new Attr();
    expect(overlay.getattr(entry.nodeId, attr)).toBe(0);
    expect(attr).toEqual(entry.attr);
  });

  test('of the root are those of a directory; node ID and inode number are 1', () => {
    const attr = new Attr();
    expect(overlay.getattr(ROOT_NODE_ID, attr)).toBe(0);
    expect(attr).toMatchObject({ ino: 1, mode: S_IFDIR | 0o755, nlink: 4, size: 4096 });
  });

  test('a node ID that is not in the tree is ESTALE in every operation', () => {
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

  test('readlink returns the bytes of the target', () => {
    expect(latin1(overlay.readlink(find('l').nodeId) as Uint8Array)).toBe('d/f');
  });
});

describe('xattrs', () => {
  test('are read and listed; a missing one is ENODATA', () => {
    const { nodeId } = find('hard');
    expect(latin1(overlay.getxattr(nodeId, bytes('user.a')) as Uint8Array)).toBe('x');
    expect(latin1(overlay.listxattr(nodeId) as Uint8Array)).toBe('user.a\0');
    expect(overlay.getxattr(nodeId, bytes('user.b'))).toBe(-ENODATA);
    expect(overlay.listxattr(find('d').nodeId)).toHaveLength(0);
  });

  test('security.selinux is not supported if no inode has one', () => {
    expect(overlay.getxattr(find('hard').nodeId, bytes('security.selinux'))).toBe(-EOPNOTSUPP);
    const labels = layer({ a: file({ xattrs: { 'security.selinux': 'label' } }), b: file({}) });
    const labelled = new Overlay({ tree: buildTree([labels]), readers: readers.slice(0, 1) });
    const entry = newEntry();
    expect(labelled.lookup(ROOT_NODE_ID, bytes('b'), entry)).toBe(0);
    expect(labelled.getxattr(entry.nodeId, bytes('security.selinux'))).toBe(-ENODATA);
  });

  test('synthetic ones exist on the root only, and are not listed', () => {
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
  test('is an xattr that is not listed: the layer of the bytes or, for a directory, of the attributes', () => {
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
  test('statfs shows a full file system', () => {
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

  test('close does not close the readers', () => {
    overlay.close();
    expect(readers.map(({ isClosed }) => isClosed)).toEqual([false, false]);
  });

  test('each layer needs a reader', () => {
    expect(() => new Overlay({ tree: buildTree(stack), readers: [] })).toThrow('0 readers for 2 layers');
  });
});
