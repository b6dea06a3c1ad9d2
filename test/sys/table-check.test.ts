// The check of tables: all that this program makes passes, and each thing that can be wrong in one is refused by name.
import { describe, expect, it } from 'vitest';
import {
  bytesOfLayerIndex,
  columnOrder,
  countsOf,
  layerIndexLength,
  viewLayerIndex,
} from '../../src/layer/layer-index-layout.ts';
import { InodeFlag, type LayerIndex } from '../../src/layer/layer-index.ts';
import { checkLayerIndex, checkTree, indexColumns } from '../../src/sys/table-check.ts';
import { TreeTable } from '../../src/tree/layout.ts';
import { buildTree } from '../../src/tree/merge.ts';
import { S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFREG } from '../../src/vfs/attr.ts';
import { indexTar } from '../layer/show-index.ts';
import { pax, rawTar } from '../tar/raw-tar.ts';
import { layerTar } from '../tree/layer-tar.ts';
import { directory, file, layer, makeLayer, special, symlink } from '../tree/layer-maker.ts';
import { Random } from '../tree/random.ts';
import { randomStack } from '../tree/random-layers.ts';

/**
 * Inodes: 0 the root, 1 d, 2 empty, 3 fifo, 4 link, 5 sparse, 6 d/one (also d/two), 7 d/xattrs. Dentries: 0 to 4 of the
 * root in this order, 5 d/one, 6 d/two, 7 d/xattrs.
 */
const shared = file({ size: 5, data: 512 });
const tree = buildTree([
  layer({
    d: directory({
      one: shared,
      two: shared,
      xattrs: file({ xattrs: { 'user.a': 'v', 'user.b': 'w' } }),
    }),
    empty: directory(),
    fifo: special(S_IFIFO | 0o600),
    link: symlink('d/one'),
    sparse: file({
      size: 1000,
      extents: [
        [0, 10, 1024],
        [100, 50, 2048],
      ],
    }),
  }),
]);

function copyOfTree(): TreeTable {
  return TreeTable.open(tree.counts, tree.buffer.slice(0)) ?? expect.fail('no table');
}

describe('the check of a tree', () => {
  it('passes what a merge makes', async () => {
    expect(await checkTree(tree.buffer)).toBeUndefined();
    expect(await checkTree(buildTree([]).buffer)).toBeUndefined();
    for (let seed = 0; seed < 100; seed++) {
      const { roots } = randomStack(new Random(seed));
      expect(await checkTree(buildTree(roots.map(makeLayer)).buffer), `seed ${seed}`).toBeUndefined();
    }
  });

  it.each<[rule: string, change: (table: TreeTable) => void]>([
    ['the root is not a directory', (t) => (t.mode[0] = S_IFREG)],
    ['the root is not a directory', (t) => (t.sizeWords[0] = 1)],
    ["a directory's entries are not where they must be", (t) => (t.dataWords[2] = 0xf000_0000)],
    ["a directory's entries are not where they must be", (t) => (t.dataWords[3] = 0xf000_0000)],
    ["a directory's entries are not where they must be", (t) => (t.dataWords[2] = 0)],
    ["a directory's parent is wrong", (t) => (t.sizeWords[2] = 2)],
    ["a directory's parent is wrong", (t) => (t.sizeWords[2] = 0xffff_ffff)],
    ["a directory's link count is wrong", (t) => (t.nlink[0] = 5)],
    ['a name is not where it must be', (t) => (t.nameOffset[3] = 0xf000_0000)],
    ['a name is not where it must be', (t) => (t.nameOffset[3] = 0)],
    ['a name is not where it must be', (t) => (t.nameLength[3] = 255)],
    ['a name is not a file name', (t) => (t.nameLength[0] = 0)],
    ['a name is not a file name', (t) => (t.pool[0] = 0x2f)],
    ['a name is not a file name', (t) => (t.pool[0] = 0)],
    ['a name is not a file name', (t) => (t.pool[0] = 0x2e)],
    ['names are not in order', (t) => (t.pool[0] = 0x7a)],
    ['a name leads nowhere', (t) => (t.target[5] = 0xf000_0000)],
    ['a name leads nowhere', (t) => (t.target[5] = 8)],
    ['a directory has two names', (t) => (t.target[5] = 1)],
    ['a directory has two names', (t) => (t.target[5] = 0)],
    ['a link count is wrong', (t) => (t.target[6] = 7)],
    ['an inode has no type', (t) => (t.mode[7] = 0o644)],
    ['an inode has no type', (t) => (t.mode[7] = 0xf000_0000 | S_IFREG)],
    ['a directory is in no directory', (t) => void ((t.dataWords[1] = 0), (t.nlink[0] = 2))],
    ["a directory's link count is wrong", (t) => (t.mode[4] = S_IFDIR)],
    ['an inode has a wrong time', (t) => (t.mtimeNsec[7] = 1e9)],
    ['an inode has a wrong time', (t) => (t.atimeSec[7] = NaN)],
    ['an inode has a wrong time', (t) => (t.mtimeSec[7] = -(2 ** 60))],
    ["an inode's layer does not exist", (t) => (t.layer[7] = 1)],
    ['an inode is not as it was merged', (t) => (t.pristine[7] = 0)],
    ["an inode's xattrs do not exist", (t) => (t.xattr[6] = 0xf000_0000)],
    ["an inode's xattrs do not exist", (t) => (t.xattr[6] = 2)],
    ['a link count is wrong', (t) => (t.nlink[6] = 1)],
    ['an inode has a wrong flag', (t) => (t.flags[4] = 1)],
    ['an inode has a wrong flag', (t) => (t.flags[6] = 2)],
    ['an inode has a wrong flag', (t) => (t.flags[4] = 16)],
    ['an inode has a wrong flag', (t) => (t.flags[5] = 17)],
    ["a file's bytes are nowhere", (t) => (t.data[6] = -1)],
    ['a special file has a size', (t) => (t.size[3] = 1)],
    ["a symlink's target has a wrong length", (t) => (t.size[4] = 4096)],
    ["a symlink's target has a wrong length", (t) => (t.size[4] = 0.5)],
    ["a symlink's target is not where it must be", (t) => (t.data[4] = 0)],
    ["a symlink's target is not where it must be", (t) => (t.size[4] = 100)],
    ["a symlink's target has a NUL", (t) => (t.pool[t.pool.length - 1] = 0)],
    ["a sparse file's extents are not where they must be", (t) => (t.data[5] = 0xf000_0000)],
    ['a sparse file has a wrong count of extents', (t) => (t.extents[0] = 3)],
    ['a sparse file has a wrong count of extents', (t) => (t.extents[0] = Infinity)],
    ['a sparse file has a wrong extent', (t) => (t.extents[5] = 5)],
    ['a sparse file has a wrong extent', (t) => (t.extents[6] = 901)],
    ['a sparse file has a wrong extent', (t) => (t.extents[3] = 0)],
    ['a sparse file has a wrong extent', (t) => (t.extents[4] = NaN)],
    ['a sparse file has a wrong sum of extents', (t) => (t.extents[1] = 61)],
    ['extent lists do not fill their column', (t) => t.extents.set([1, 10])],
    ['an xattr block has a wrong count', (t) => (t.xattrs[1] = 0xff)],
    ['an xattr block is cut off', (t) => (t.xattrs[0] = 3)],
    ['an xattr block is cut off', (t) => (t.xattrs[2] = 255)],
    ['the value of an xattr is too long', (t) => (t.xattrs[6] = 255)],
    ['an xattr has a malformed name', (t) => (t.xattrs[7] = 0)],
    ['an ACL is not announced', (t) => t.xattrs.set(aclBlock(t.xattrs.length))],
    ['the sum of sizes is wrong', (t) => (t.totalSize = 1)],
  ])('refuses: %s (%s)', async (rule, change) => {
    const table = copyOfTree();
    change(table);
    expect(await checkTree(table.buffer)).toMatch(rule);
  });

  it('refuses bytes that are not a table', async () => {
    expect(await checkTree(new ArrayBuffer(8))).toMatch('it is not a table');
  });
});

/** One block of `length` bytes with an ACL. */
function aclBlock(length: number): Buffer {
  const name = 'system.posix_acl_x'.slice(0, length - 7);
  const block = Buffer.alloc(length);
  block.writeUInt16LE(1, 0);
  block.writeUInt8(name.length, 2);
  block.writeUInt32LE(length - 7 - name.length, 3);
  block.write(name, 7);
  return block;
}

const TAR = rawTar(
  { name: 'd/', type: '5', mode: 0o700 },
  pax({ 'SCHILY.xattr.user.a': 'v' }),
  { name: 'd/x', body: 'abc' },
  { name: 'hard', type: '1', linkname: 'lower/name' },
  { name: 'l', type: '2', linkname: 'd/x' },
  { name: 'null', type: '3', major: 1, minor: 3 },
  pax({ 'GNU.sparse.size': '100', 'GNU.sparse.map': '0,1,50,2' }),
  { name: 's', body: 'abc' },
  { name: '.wh.white' },
);
/** Dentries: 0 the root, 1 d, 2 hard, 3 l, 4 null, 5 s, 6 white, 7 d/x. Inodes: 0 the root, 1 d, 2 l, 3 null, 4 s, 5 d/x. */
const tarIndex = indexTar(TAR);

function copyOfIndex(): LayerIndex {
  const counts = countsOf(tarIndex);
  const copy = viewLayerIndex(new ArrayBuffer(layerIndexLength(counts)), 0, counts);
  bytesOfLayerIndex(copy).set(bytesOfLayerIndex(tarIndex));
  return copy;
}

describe('the check of a layer index', () => {
  it('knows the columns that the layout has', () => {
    expect(indexColumns()).toEqual(columnOrder.flatMap(([name, type]) => [name, type.BYTES_PER_ELEMENT]));
  });

  it('passes what the index builder makes', async () => {
    expect(await checkLayerIndex(tarIndex, TAR.length)).toBeUndefined();
    for (let seed = 0; seed < 100; seed++) {
      const random = new Random(seed);
      for (const root of randomStack(random, { isForTar: true }).roots) {
        const tar = layerTar(root, 'shuffled', random);
        expect(await checkLayerIndex(indexTar(tar), tar.length), `seed ${seed}`).toBeUndefined();
      }
    }
  });

  it('passes a file that is followed by zeros', async () => {
    const index = copyOfIndex();
    index.inodeFlags[5] = InodeFlag.cleanTail;
    index.dataOffset[5] = 512;
    expect(await checkLayerIndex(index, TAR.length)).toBeUndefined();
  });

  it.each<[rule: string, change: (index: LayerIndex) => void]>([
    ['there is no root', (i) => (i.mode[0] = S_IFREG)],
    ['the first entry is not the root', (i) => (i.dentryTarget[0] = 1)],
    ['the first entry is not the root', (i) => (i.nameLength[0] = 1)],
    ["a directory's entries are not where they must be", (i) => (i.firstChild[1] = 0xf000_0000)],
    ["a directory's entries are not where they must be", (i) => (i.childCount[1] = 0xf000_0000)],
    ["a directory's entries are not where they must be", (i) => (i.firstChild[1] = 0)],
    ['an entry is in no directory', (i) => (i.childCount[1] = 0)],
    ['an entry is in no directory', (i) => (i.childCount[0] = 0)],
    ['an entry leads nowhere', (i) => (i.dentryTarget[7] = 0xf000_0000)],
    ['a directory has two names', (i) => (i.dentryTarget[7] = 1)],
    ['an entry has an unknown kind', (i) => (i.dentryKind[7] = 3)],
    ['an inode has no name', (i) => (i.dentryTarget[7] = 4)],
    ['a whiteout has a target', (i) => (i.dentryTarget[6] = 1)],
    ['a link has no target', (i) => (i.dentryTarget[2] = 1)],
    ['a name is not where it must be', (i) => (i.nameOffset[7] = 0xf000_0000)],
    ['a name is not where it must be', (i) => (i.nameOffset[7] = 0)],
    ['a name is not a file name', (i) => (i.pool[0] = 0x2f)],
    ['a name is not a file name', (i) => (i.pool[0] = 0)],
    ['names are not in order', (i) => (i.pool[0] = 0x7a)],
    ['an inode has no type', (i) => (i.mode[5] = 0)],
    ["a directory's entries are not where they must be", (i) => (i.mode[5] = S_IFDIR)],
    ['an inode has a wrong time', (i) => (i.atimeNsec[5] = 0xffff_ffff)],
    ["an inode's xattrs do not exist", (i) => (i.xattr[4] = 0xf000_0000)],
    ['an inode has a wrong flag', (i) => (i.inodeFlags[5] = 1)],
    ['an inode has a wrong flag', (i) => (i.inodeFlags[1] = 4)],
    ['an inode has a wrong flag', (i) => (i.inodeFlags[1] = 16)],
    ['an inode has a wrong flag', (i) => (i.inodeFlags[5] = 20)],
    ['an inode has a wrong flag', (i) => (i.inodeFlags[5] = 0x80)],
    ['a file other than a directory has entries', (i) => (i.childCount[5] = 1)],
    ["a file's bytes are nowhere", (i) => (i.dataOffset[5] = TAR.length)],
    ["a file's bytes are nowhere", (i) => (i.size[5] = 2 ** 40)],
    ['an inode has a wrong size', (i) => (i.size[5] = -1)],
    ['an inode has a wrong size', (i) => (i.dataOffset[5] = NaN)],
    ['a special file has bytes', (i) => (i.size[3] = 1)],
    ["a symlink's target has a wrong length", (i) => (i.size[2] = 4096)],
    ["a symlink's target is not where it must be", (i) => (i.dataOffset[2] = 0)],
    ["a symlink's target is not where it must be", (i) => (i.mode[5] = S_IFLNK)],
    ["a sparse file's extents do not exist", (i) => (i.dataOffset[4] = 1)],
    ["a sparse file's extents do not exist", (i) => (i.dataOffset[4] = 0xf000_0000)],
    ["a sparse file's extents leave it", (i) => (i.size[4] = 51)],
    ['a list of extents has a wrong count', (i) => (i.extents[0] = 3)],
    ['a list has a wrong extent', (i) => (i.extents[4] = 0)],
    ['a list has a wrong extent', (i) => (i.extents[3] = TAR.length)],
    ["a link's target is not where it must be", (i) => (i.links[0] = 0)],
    ["a link's target is not where it must be", (i) => (i.links[1] = 0xffff_ffff)],
    ["a link's target is not a path", (i) => (i.pool[i.pool.length - 1] = 0x2f)],
    ["a link's target is not a path", (i) => (i.pool[i.pool.length - 1] = 0)],
    ['names and targets do not fill their column', (i) => (i.links[1] = 9)],
    ['an xattr block has a wrong count', (i) => i.xattrs.fill(0)],
    ['an xattr block is cut off', (i) => (i.xattrs[0] = 2)],
  ])('refuses: %s (%s)', async (rule, change) => {
    const index = copyOfIndex();
    change(index);
    expect(await checkLayerIndex(index, TAR.length)).toMatch(rule);
  });

  it('refuses what lies outside the tar', async () => {
    expect(await checkLayerIndex(tarIndex, 512)).toMatch('wrong extent');
    expect(await checkLayerIndex(tarIndex, NaN)).toMatch('the size of the tar is wrong');
    expect(await checkLayerIndex(tarIndex, 2 ** 60)).toMatch('the size of the tar is wrong');
  });

  it('throws for an object that is not an index', () => {
    expect(() => checkLayerIndex({}, 0)).toThrow(TypeError);
    expect(() => checkLayerIndex({ ...tarIndex, uid: tarIndex.size }, 0)).toThrow(TypeError);
    expect(() => checkLayerIndex({ ...tarIndex, uid: tarIndex.uid.subarray(1) }, 0)).toThrow(TypeError);
  });
});

it('device numbers of any value pass', async () => {
  const device = buildTree([layer({ n: special(S_IFCHR | 0o666, 0xffff_ffff) })]);
  expect(await checkTree(device.buffer)).toBeUndefined();
});
