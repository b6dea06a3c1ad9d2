import { describe, expect, test } from 'vitest';
import { InodeFlag, type LayerIndex } from '../../src/layer/layer-index.ts';
import { buildTree, MAX_LAYERS } from '../../src/tree/merge.ts';
import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFREG, S_IFSOCK, makeRdev } from '../../src/vfs/attr.ts';
import { InputError } from '../../src/vfs/input-error.ts';
import {
  carrier,
  directory,
  file,
  implicit,
  layer,
  makeLayer,
  opaque,
  special,
  symlink,
  whiteout,
} from './layer-maker.ts';
import { dumpInode, dumpTree, paths, resolve } from './tree-dump.ts';

function at(layers: LayerIndex[], path: string): ReturnType<typeof dumpInode> {
  const tree = buildTree(layers);
  const inode = resolve(tree, path);
  expect(inode, path).toBeGreaterThanOrEqual(0);
  return dumpInode(tree, inode);
}

describe('whiteouts', () => {
  test('a whiteout hides the name and its subtree in all lower layers', () => {
    const layers = [
      layer({ d: directory({ x: file() }), f: file() }),
      layer({ d: directory({ y: file() }) }),
      layer({ d: whiteout }),
    ];
    expect(paths(buildTree(layers))).toEqual(['f']);
  });

  test('a name that comes back above a whiteout shows nothing of what the whiteout hid', () => {
    const layers = [
      layer({ d: directory({ x: file() }, { mode: S_IFDIR | 0o700 }) }),
      layer({ d: whiteout }),
      layer({ d: implicit({ y: file() }) }),
    ];
    expect(paths(buildTree(layers))).toEqual(['d', 'd/y']);
    expect(at(layers, 'd').mode).toBe(S_IFDIR | 0o755);
  });

  test('a whiteout of a missing name is harmless', () => {
    const layers = [layer({ a: file() }), layer({ b: whiteout, d: opaque({ c: whiteout }) })];
    expect(paths(buildTree(layers))).toEqual(['a', 'd']);
  });

  test('a whiteout never makes its parents appear', () => {
    const layers = [layer({ a: file() }), layer({ p: carrier({ q: carrier({ x: whiteout }) }) })];
    expect(paths(buildTree(layers))).toEqual(['a']);
  });

  test('an opaque marker never makes its directory appear', () => {
    const layers = [layer({ a: file() }), layer({ p: carrier({}, InodeFlag.opaque) })];
    expect(paths(buildTree(layers))).toEqual(['a']);
  });

  test('a whiteout whose parent is a file, a fifo or a symlink below is void', () => {
    const fifo = special(S_IFIFO | 0o600);
    const layers = [
      layer({ f: file({ size: 3 }), l: symlink('d'), d: directory({ x: file() }), p: fifo }),
      layer({ f: carrier({ x: whiteout }), l: carrier({ x: whiteout }), p: carrier({ x: whiteout }) }),
    ];
    expect(paths(buildTree(layers))).toEqual(['d', 'd/x', 'f', 'l', 'p']);
    expect(at(layers, 'p').mode).toBe(S_IFIFO | 0o600);
    expect(at(layers, 'f').size).toBe(3);
    expect(at(layers, 'l').target).toBe('d');
  });

  test('a whiteout in a carrier hides what the directory below has, and changes no attribute of it', () => {
    const layers = [
      layer({ d: directory({ x: file(), y: file() }, { mode: S_IFDIR | 0o700, uid: 5 }) }),
      layer({ d: carrier({ x: whiteout }) }),
    ];
    expect(paths(buildTree(layers))).toEqual(['d', 'd/y']);
    expect(at(layers, 'd')).toMatchObject({ mode: S_IFDIR | 0o700, uid: 5 });
  });
});

describe('opaque directories', () => {
  test('an opaque directory hides all lower children, and keeps its own and those above', () => {
    const layers = [
      layer({ d: directory({ a: file(), s: directory({ b: file() }) }) }),
      layer({ d: opaque({ c: file() }) }),
      layer({ d: directory({ e: file() }) }),
    ];
    expect(paths(buildTree(layers))).toEqual(['d', 'd/c', 'd/e']);
  });

  test('an opaque marker in a directory without an entry leaves the attributes of the one below', () => {
    const layers = [
      layer({ d: directory({ a: file() }, { mode: S_IFDIR | 0o711, gid: 9 }) }),
      layer({ d: carrier({}, InodeFlag.opaque) }),
      layer({ d: directory({ b: file() }, { flags: InodeFlag.implicit | InodeFlag.opaque }) }),
    ];
    expect(paths(buildTree(layers))).toEqual(['d', 'd/b']);
    expect(at(layers, 'd')).toMatchObject({ mode: S_IFDIR | 0o711, gid: 9 });
  });

  test('an opaque root hides everything below', () => {
    const layers = [layer({ a: file() }), layer({ b: file() }, { flags: InodeFlag.opaque })];
    expect(paths(buildTree(layers))).toEqual(['b']);
  });
});

describe('directories', () => {
  test('a directory over a directory gives it its mode, owner, time and xattrs; the children merge', () => {
    const layers = [
      layer({ d: directory({ a: file() }, { xattrs: { 'user.low': '1', 'user.both': '1' }, mtime: 5 }) }),
      layer({
        d: directory(
          { b: file() },
          { mode: S_IFDIR | 0o1777, uid: 1, gid: 2, mtime: 7.5, xattrs: { 'user.both': '2' } },
        ),
      }),
    ];
    expect(paths(buildTree(layers))).toEqual(['d', 'd/a', 'd/b']);
    expect(at(layers, 'd')).toMatchObject({
      mode: S_IFDIR | 0o1777,
      uid: 1,
      gid: 2,
      mtime: 7.5,
      xattrs: { 'user.both': '2' },
    });
  });

  test('a parent without an entry does not override a lower directory', () => {
    const layers = [
      layer({ d: directory({}, { mode: S_IFDIR | 0o700, xattrs: { 'user.x': 'y' } }) }),
      layer({ d: implicit({ a: file() }) }),
      layer({ d: implicit({ b: file() }) }),
    ];
    expect(at(layers, 'd')).toMatchObject({ mode: S_IFDIR | 0o700, xattrs: { 'user.x': 'y' } });
  });

  test('a parent that has an entry in no layer is root 0755', () => {
    const layers = [layer({ d: implicit({ a: file() }) }), layer({ d: implicit({ b: file() }) })];
    expect(at(layers, 'd')).toMatchObject({ mode: S_IFDIR | 0o755, uid: 0, gid: 0 });
  });

  test('the root takes its attributes from the topmost layer that has an entry for it', () => {
    const layers = [
      layer({}, { flags: 0, mode: S_IFDIR | 0o711 }),
      layer({ a: file() }, { flags: 0, mode: S_IFDIR | 0o750 }),
      layer({ b: file() }),
    ];
    expect(at(layers, '').mode).toBe(S_IFDIR | 0o750);
  });

  test('a directory has 2 links and one more for each subdirectory', () => {
    const layers = [
      layer({ d: directory({ a: directory(), b: directory(), f: file() }) }),
      layer({ d: implicit({ a: whiteout, c: directory(), b: directory() }) }),
    ];
    expect(at(layers, 'd').nlink).toBe(4);
    expect(at(layers, '').nlink).toBe(3);
    expect(at(layers, 'd/b').nlink).toBe(2);
  });
});

describe('replacing', () => {
  test('a file over a directory hides the subtree', () => {
    const layers = [layer({ d: directory({ a: file() }) }), layer({ d: file() })];
    expect(paths(buildTree(layers))).toEqual(['d']);
  });

  test('a directory above a file above a directory does not merge with the lowest', () => {
    const layers = [
      layer({ d: directory({ a: file() }, { mode: S_IFDIR | 0o700 }) }),
      layer({ d: file() }),
      layer({ d: implicit({ b: file() }) }),
    ];
    expect(paths(buildTree(layers))).toEqual(['d', 'd/b']);
    expect(at(layers, 'd').mode).toBe(S_IFDIR | 0o755);
  });

  test('an entry whose parent is a symlink below replaces the symlink', () => {
    const layers = [
      layer({ lib: symlink('usr/lib'), usr: directory({ lib: directory({ a: file() }) }) }),
      layer({ lib: implicit({ b: file() }) }),
    ];
    expect(paths(buildTree(layers))).toEqual(['lib', 'lib/b', 'usr', 'usr/lib', 'usr/lib/a']);
  });

  test('a file takes all from its own layer', () => {
    const layers = [
      layer({ f: file({ xattrs: { 'user.a': '1' }, size: 1, data: 512 }) }),
      layer({ f: file({ size: 2, uid: 3, mode: S_IFREG | 0o4755 }) }),
    ];
    expect(at(layers, 'f')).toMatchObject({ size: 2, uid: 3, mode: S_IFREG | 0o4755, xattrs: {}, layer: 1 });
  });
});

describe('hard links within a layer', () => {
  test('names of one inode stay one inode, counted by the names that are visible', () => {
    const shared = file({ size: 4 });
    const layers = [
      layer({ a: shared, d: directory({ b: shared, c: shared }) }),
      layer({ a: file({ size: 9 }), e: whiteout }),
    ];
    const dump = dumpTree(buildTree(layers));
    expect(dump.get('d/b')).toMatchObject({ nlink: 2, size: 4 });
    expect(dump.get('d/b')?.ino).toBe(dump.get('d/c')?.ino);
    expect(dump.get('a')).toMatchObject({ nlink: 1, size: 9 });
  });

  test('a group that a higher layer has again, in part, is another inode under those names', () => {
    const lower = file({ size: 4 });
    const upper = file({ size: 9 });
    const dump = dumpTree(
      buildTree([layer({ a: lower, b: lower, c: lower, d: lower }), layer({ a: upper, c: upper, e: upper })]),
    );
    for (const name of ['a', 'c', 'e']) expect(dump.get(name)).toMatchObject({ nlink: 3, size: 9, layer: 1 });
    for (const name of ['b', 'd']) expect(dump.get(name)).toMatchObject({ nlink: 2, size: 4, layer: 0 });
  });

  test('symlinks and fifos can have several names', () => {
    const target = symlink('x');
    const fifo = special(S_IFIFO | 0o600);
    const dump = dumpTree(buildTree([layer({ a: target, b: target, c: fifo, d: fifo })]));
    expect(dump.get('b')).toMatchObject({ nlink: 2, target: 'x' });
    expect(dump.get('c')?.ino).toBe(dump.get('d')?.ino);
  });
});

describe('inodes', () => {
  test('devices, fifos and sockets come through, a 0:0 device too', () => {
    const layers = [
      layer({
        null: special(S_IFCHR | 0o666, makeRdev(1, 3)),
        disk: special(S_IFBLK | 0o660, makeRdev(259, 70000)),
        zero: special(S_IFCHR, 0),
        pipe: special(S_IFIFO | 0o600),
        sock: special(S_IFSOCK | 0o755),
      }),
    ];
    const dump = dumpTree(buildTree(layers));
    expect(dump.get('null')).toMatchObject({ mode: S_IFCHR | 0o666, rdev: makeRdev(1, 3), size: 0 });
    expect(dump.get('disk')).toMatchObject({ mode: S_IFBLK | 0o660, rdev: makeRdev(259, 70000) });
    expect(dump.get('zero')).toMatchObject({ mode: S_IFCHR, rdev: 0 });
    expect(dump.get('pipe')).toMatchObject({ mode: S_IFIFO | 0o600, rdev: 0 });
    expect(dump.get('sock')).toMatchObject({ mode: S_IFSOCK | 0o755 });
  });

  test('xattr values are bytes, and inodes of several layers keep their own', () => {
    const capability = '\x01\0\0\x02\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0';
    const layers = [
      layer({ a: file({ xattrs: { 'security.capability': capability, 'user.e': '' } }) }),
      layer({ b: file({ xattrs: { 'user.z': '\xff\xfe' } }), c: file() }),
    ];
    const dump = dumpTree(buildTree(layers));
    expect(dump.get('a')?.xattrs).toEqual({ 'security.capability': capability, 'user.e': '' });
    expect(dump.get('b')?.xattrs).toEqual({ 'user.z': '\xff\xfe' });
    expect(dump.get('c')?.xattrs).toEqual({});
  });

  test('a POSIX ACL anywhere sets hasPosixAcl', () => {
    expect(buildTree([layer({ a: file({ xattrs: { 'user.a': 'b' } }) })]).hasPosixAcl).toBe(false);
    const acl = { xattrs: { 'system.posix_acl_default': '\x02\0\0\0' } };
    expect(buildTree([layer({}), layer({ d: directory({}, acl) })]).hasPosixAcl).toBe(true);
  });

  test('the same layers give the same numbers, and the root is 0', () => {
    const stack = (): LayerIndex[] => [
      layer({ d: directory({ x: file() }), a: file() }),
      layer({ b: file(), d: implicit({ y: file() }) }),
    ];
    const dump = dumpTree(buildTree(stack()));
    expect(dump).toEqual(dumpTree(buildTree(stack())));
    expect(dump.get('')?.ino).toBe(0);
  });

  test('the total size counts each inode once, and only what is visible', () => {
    const shared = file({ size: 100 });
    const layers = [layer({ a: shared, b: shared, c: file({ size: 7 }) }), layer({ c: file({ size: 1 }) })];
    expect(buildTree(layers).totalSize).toBe(101);
  });
});

describe('names', () => {
  test('names are bytes, sorted as such, one may begin another, and 255 bytes fit', () => {
    const long = 'n'.repeat(255);
    const names = ['\xff', 'a', 'ab', 'a\n', long, '\x01', 'b\xc3\xa9'];
    const children = (list: string[]): Record<string, ReturnType<typeof file>> =>
      Object.fromEntries(list.map((name) => [name, file()]));
    const tree = buildTree([layer(children(names.slice(0, 4))), layer(children(names.slice(3)))]);
    const listed = [...dumpTree(tree).keys()].slice(1);
    expect(listed).toEqual(names.toSorted());
    expect(tree.lookup(0, Buffer.alloc(0))).toBe(-1);
    expect(tree.lookup(0, Buffer.from(`${long}n`))).toBe(-1);
  });
});

describe('bounds', () => {
  test('an image without layers is an empty root', () => {
    const tree = buildTree([]);
    expect(dumpInode(tree, 0)).toMatchObject({ mode: S_IFDIR | 0o755, nlink: 2 });
    expect(paths(tree)).toEqual([]);
  });

  test('a hundred thousand nested directories merge without recursion', () => {
    let deep = directory({ end: file() });
    for (let depth = 0; depth < 100_000; depth++) deep = directory({ d: deep });
    const tree = buildTree([makeLayer(deep), makeLayer(directory({ d: directory({ top: file() }) }))]);
    expect(tree.inodeCount).toBe(100_003);
  });

  test('thousands of layers merge', () => {
    const layers = Array.from({ length: 3000 }, (_, n) =>
      layer({ [`own${n}`]: file(), same: file({ size: n }), d: implicit({ [`f${n}`]: file() }) }),
    );
    const tree = buildTree(layers);
    expect(tree.childCount(0)).toBe(3002);
    expect(dumpInode(tree, resolve(tree, 'same')).size).toBe(2999);
    expect(tree.childCount(resolve(tree, 'd'))).toBe(3000);
  });

  test('more layers than the table can number are refused', () => {
    const one = layer({});
    const layers = new Array<LayerIndex>(MAX_LAYERS + 1).fill(one);
    expect(() => buildTree(layers)).toThrow(InputError);
    expect(() => buildTree(layers)).toThrow('65536 layers, expected at most 65535');
  });

  test('more inodes or names than the bound are refused, hidden ones not counted', () => {
    const shared = file();
    const layers = [layer({ a: file(), b: file() }), layer({ a: shared, b: shared, c: shared })];
    expect(buildTree(layers, { maxEntries: 3 }).inodeCount).toBe(2);
    expect(() => buildTree(layers, { maxEntries: 2 })).toThrow(InputError);
    expect(() => buildTree(layers, { maxEntries: 2 })).toThrow('more than 2 files');
    expect(() => buildTree([layer({ a: file(), b: file() })], { maxEntries: 2 })).toThrow(
      'more than 2 files',
    );
  });

  test('a damaged index whose directory is its own child is refused, not walked for ever', () => {
    const loop = directory();
    loop.children.set('d', loop);
    expect(() => buildTree([makeLayer(loop)])).toThrow('under two names');
  });
});
