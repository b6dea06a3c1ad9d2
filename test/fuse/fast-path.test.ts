// Native answers against the handlers' answers, over random trees. STRATAFS_SEED=n begins with another seed.
import { closeSync, constants, openSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { nameCounts, readCounts, tableFacts } from '../../src/fuse/fast-path.ts';
import { IN_HEADER_SIZE, Opcode } from '../../src/fuse/wire/protocol.ts';
import { makeOwnerMaps } from '../../src/fuse/owners/id-mapping.ts';
import { fakeRootOwners } from '../../src/fuse/owners/fake-root.ts';
import { mappedOwners } from '../../src/fuse/owners/mapped-owners.ts';
import { ownersAsStored } from '../../src/fuse/owners/owner-view.ts';
import { Overlay } from '../../src/overlay/read/overlay.ts';
import { answerFast, treeColumns } from '../../src/sys/table-answers.ts';
import { columns } from '../../src/tree/layout.ts';
import { buildTree } from '../../src/tree/merge.ts';
import type { Tree } from '../../src/tree/tree.ts';
import { type BlobReader, FileRange } from '../../src/vfs/blob-reader.ts';
import { type NodeId, ROOT_NODE_ID } from '../../src/vfs/filesystem.ts';
import { OpenFile } from '../../src/vfs/operation.ts';
import { MemoryReader } from '../overlay/memory-reader.ts';
import { Bench, plain } from '../overlay/writable.ts';
import { directory, file, makeLayer, symlink } from '../tree/layer-maker.ts';
import { Random } from '../tree/random.ts';
import { randomStack } from '../tree/random-layers.ts';
import { BothPaths, type Tally } from './both-paths.ts';
import { message, numbers } from './message.ts';
import { changingRequest, readingRequests } from './table-requests.ts';

const firstSeed = Number(process.env['STRATAFS_SEED'] ?? 1);
const zeros = openSync('/dev/zero', 'r');
afterAll(() => {
  closeSync(zeros);
});

/** A plain layer somewhere in a file. */
function plainReader(layer: number, size = 1 << 20): BlobReader {
  const at = layer * 1000;
  return {
    size,
    plain: new FileRange(zeros, at, size),
    read: (offset, length) => new FileRange(zeros, at + offset, Math.min(length, size - offset)),
    close: () => undefined,
  };
}

/** Nodes of the tree, and numbers that are none. */
function nodesOf(tree: Tree): number[] {
  const nodes = Array.from({ length: tree.inodeCount }, (_, inode) => inode + 1);
  return [...nodes, 0, tree.inodeCount + 1, 2 ** 32, 2 ** 32 + 1, 2 ** 53];
}

function askAll(paths: BothPaths, random: Random, tree: Tree): void {
  for (const node of nodesOf(tree)) {
    for (const request of readingRequests(random, tree, node)) paths.ask(request);
  }
}

function withSeed(seed: number, check: () => void): void {
  try {
    check();
  } catch (error) {
    throw new Error(`STRATAFS_SEED=${seed}`, { cause: error });
  }
}

const READING = [
  ...['LOOKUP', 'GETATTR', 'READLINK', 'READDIR', 'READDIRPLUS', 'GETXATTR', 'LISTXATTR', 'READ'],
  ...['FORGET', 'BATCH_FORGET'],
];
const nativeOf = (tallies: Map<number, Tally>): string[] =>
  Object.keys(nameCounts((opcode) => tallies.get(opcode)?.native ?? 0)).sort();

test('the columns of the table are those that TypeScript knows', () => {
  expect(treeColumns()).toEqual(columns.flatMap(([name, bytes]) => [name, bytes]));
});

test('a table that is none is refused', () => {
  const { answerTable } = new Overlay({ tree: buildTree([]), readers: [] });
  const facts = tableFacts(answerTable, true, ownersAsStored);
  const request = message(Opcode.GETATTR, 1, 1, numbers([8, 0], [8, 0]));
  const ask = (table: ArrayBuffer): unknown => answerFast({ ...facts, table }, request, new Uint8Array(512));
  expect(ask(facts.table)).toMatchObject({ 0: 1, 1: 120 });
  const spoil = (change: (header: DataView) => void): ArrayBuffer => {
    const copy = facts.table.slice(0);
    change(new DataView(copy));
    return copy;
  };
  for (const [what, change] of [
    ['magic', (header: DataView) => header.setUint32(0, 1, true)],
    ['version', (header: DataView) => header.setUint32(4, 1, true)],
    ['more inodes than there are', (header: DataView) => header.setUint32(8, 2 ** 31, true)],
    ['a column beyond the end', (header: DataView) => header.setFloat64(40 + 8 * 7, 2 ** 40, true)],
    ['a column that is not a number', (header: DataView) => header.setFloat64(40, NaN, true)],
    ['more bytes of xattrs than there are', (header: DataView) => header.setFloat64(216, 2 ** 40, true)],
    ['another length', (header: DataView) => header.setFloat64(32, 12, true)],
  ] as const) {
    expect(ask(spoil(change)), what).toBeNull();
  }
  expect(ask(new ArrayBuffer(8))).toBeNull();
});

test('random trees are answered alike, read-only and with mapped owners', () => {
  const tallies = new Map<number, Tally>();
  for (let seed = firstSeed; seed < firstSeed + 40; seed++) {
    const random = new Random(seed);
    const roots = randomStack(random).roots;
    const tree = buildTree(roots.map((root) => makeLayer(root)));
    const readers = roots.map((_, layer) => plainReader(layer, random.oneIn(4) ? 3000 : 1 << 20));
    const overlay = new Overlay({ tree, readers });
    const maps = makeOwnerMaps({ uids: [{ stored: 1, shown: 70_000, count: 1 }], squashedGid: 5 });
    for (const owners of [ownersAsStored, mappedOwners(maps), fakeRootOwners]) {
      withSeed(seed, () => {
        askAll(new BothPaths(overlay, tallies, owners), random, tree);
      });
    }
  }
  expect(nativeOf(tallies)).toEqual([...READING].sort());
});

test('a tree under an upper is answered alike while it changes, and after a remount', async () => {
  const tallies = new Map<number, Tally>();
  for (let seed = firstSeed; seed < firstSeed + 10; seed++) {
    const random = new Random(seed);
    const { roots } = randomStack(random);
    const layers = roots.map((root) => makeLayer(root));
    const tree = buildTree(layers);
    const bench = new Bench(
      layers,
      roots.map((_, layer) => plainReader(layer)),
    );
    try {
      for (let mount = 0; mount < 2; mount++) {
        const paths = new BothPaths(bench.overlay, tallies);
        for (let change = 0; change < 4; change++) {
          withSeed(seed, () => {
            askAll(paths, random, tree);
            const node = 1 + random.below(tree.inodeCount);
            expect(paths.ask(changingRequest(random, tree, node))).toBe(false);
            askAll(paths, random, tree);
          });
        }
        await bench.remount();
      }
    } finally {
      await bench.close();
    }
  }
  expect(nativeOf(tallies)).toEqual([...READING, 'OPEN', 'RELEASE', 'STATX'].sort());
});

const layers = [
  makeLayer(
    directory({
      d: directory({ f: file({ size: 10, data: 512, xattrs: { 'user.x': 'value' } }), l: symlink('f') }),
      sparse: file({
        size: 9000,
        extents: [
          [100, 200, 4096],
          [5000, 1000, 8192],
        ],
      }),
    }),
  ),
];

test('native code asks the upper about a directory that changes and about an open file, and answers alike', async () => {
  const bench = new Bench(layers, [plainReader(0)]);
  try {
    const { overlay } = bench;
    const paths = new BothPaths(overlay);
    const ask = (opcode: number, node: number, body: Buffer): boolean =>
      paths.ask(message(opcode, 5, node, body));
    const getattr = (node: number): boolean => ask(Opcode.GETATTR, node, numbers([4, 0], [4, 0], [8, 0]));
    const lookup = (node: number, name: string): boolean =>
      ask(Opcode.LOOKUP, node, Buffer.from(`${name}\0`));
    const getxattr = (node: number, name: string): boolean =>
      ask(Opcode.GETXATTR, node, Buffer.concat([numbers([4, 99], [4, 0]), Buffer.from(`${name}\0`)]));
    const d = bench.node('d');
    const create = (name: string): number => {
      const entry = bench.newEntry();
      const file = new OpenFile();
      const status = overlay.create(d, Buffer.from(name), 1, plain(0o644), bench.call(), entry, file);
      expect(status).toBe(0);
      return entry.nodeId;
    };
    const newFile = create('new');
    // The first answer is the file system's.
    expect([getattr(d), getattr(d), lookup(d, 'none'), lookup(d, 'new')]).toEqual([false, true, true, false]);
    // The table alone has them, until the upper gets a copy.
    expect([lookup(d, 'f'), lookup(d, 'l')]).toEqual([true, true]);
    expect(await overlay.setattr(bench.node('d/l'), { uid: 7 }, bench.call(), bench.attr(d))).toBe(0);
    expect([lookup(d, 'f'), lookup(d, 'l')]).toEqual([true, false]);
    for (const name of ['', '.', '..', 'x'.repeat(256), 'a/b']) expect(lookup(d, name)).toBe(false);
    expect(getxattr(newFile, 'security.capability')).toBe(true);
    expect(getxattr(newFile, 'system.posix_acl_access')).toBe(true);
    expect(getxattr(newFile, 'user.x')).toBe(false);
    expect(overlay.unlink(d, Buffer.from('f'))).toBe(0);
    // The upper has a whiteout.
    expect([getattr(d), lookup(d, 'f')]).toEqual([true, false]);
    // Of a merged directory the upper does not count the links.
    const links = bench.attr(d).nlink;
    const entry = bench.newEntry();
    expect(overlay.mkdir(d, Buffer.from('sub'), plain(0o755), bench.call(), entry)).toBe(0);
    expect([getattr(d), getattr(d), bench.attr(d).nlink]).toEqual([false, true, links + 1]);
    expect([getattr(entry.nodeId), getattr(entry.nodeId), lookup(entry.nodeId, 'x')]).toEqual([
      ...[false, true, true],
    ]);
    expect(
      await overlay.rename(d, Buffer.from('sub'), ROOT_NODE_ID, Buffer.from('sub'), 0, bench.call()),
    ).toBe(0);
    expect([getattr(d), getattr(d), bench.attr(d).nlink]).toEqual([false, true, links]);
    expect(overlay.rmdir(ROOT_NODE_ID, Buffer.from('sub'))).toBe(0);
    expect([getattr(entry.nodeId), getattr(entry.nodeId)]).toEqual([false, false]);
    overlay.release(newFile as NodeId);
    expect(getxattr(newFile, 'security.capability')).toBe(false);
    expect(
      await overlay.open(newFile as NodeId, constants.O_WRONLY, false, bench.call(), new OpenFile()),
    ).toBe(0);
    expect(getxattr(newFile, 'security.capability')).toBe(true);
  } finally {
    await bench.close();
  }
});

test('native code does not ask the upper about directories whose descriptors are closed', async () => {
  const bench = new Bench(layers, [plainReader(0)]);
  try {
    const paths = new BothPaths(bench.overlay);
    const nodes = Array.from({ length: 1100 }, (_, n) => {
      const entry = bench.newEntry();
      const name = Buffer.from(`new-${n}`);
      expect(bench.overlay.mkdir(ROOT_NODE_ID, name, plain(0o755), bench.call(), entry)).toBe(0);
      return entry.nodeId;
    });
    // More than the descriptors that are kept: most rows are of closed ones, unless they are removed.
    for (let round = 0; round < 2; round++) {
      for (const node of nodes) paths.ask(message(Opcode.GETATTR, 5, node, numbers([4, 0], [4, 0], [8, 0])));
    }
  } finally {
    await bench.close();
  }
});

test('a request that is cut off, or lies about its length, is answered alike', () => {
  const tree = buildTree(layers);
  const paths = new BothPaths(new Overlay({ tree, readers: [plainReader(0)] }));
  for (const node of nodesOf(tree).slice(0, tree.inodeCount)) {
    for (const request of readingRequests(new Random(1), tree, node)) {
      for (let length = 0; length < Math.min(request.length, 200); length++) {
        const cut = Buffer.from(request.subarray(0, length));
        expect(paths.ask(cut)).toBe(false);
        if (length < IN_HEADER_SIZE) continue;
        cut.writeUInt32LE(length, 0);
        paths.ask(cut);
      }
      const extended = Buffer.concat([request, Buffer.alloc(16, 0x61)]);
      extended.writeUInt32LE(extended.length, 0);
      for (const extension of [0, 1, 2, 3, 0xffff]) {
        extended.writeUInt16LE(extension, 36);
        paths.ask(extended);
      }
    }
  }
});

test('what the table alone has is left to JavaScript only where that has to decide', () => {
  const tree = buildTree(layers);
  const paths = new BothPaths(new Overlay({ tree, readers: [plainReader(0)] }));
  const [d, sparse] = ['d', 'sparse'].map((name) => tree.lookup(0, Buffer.from(name)) + 1) as [
    number,
    number,
  ];
  const f = tree.lookup(d - 1, Buffer.from('f')) + 1;
  const read = (node: number, offset: number, size: number): boolean =>
    paths.ask(message(Opcode.READ, 9, node, numbers([8, 0], [8, offset], [4, size], [4, 0], [8, 0], [8, 0])));
  expect([read(f, 0, 4096), read(f, 3, 2), read(f, 10, 4096)]).toEqual([true, true, true]);
  // In one piece; across a hole; a hole.
  expect([read(sparse, 5000, 1000), read(sparse, 0, 4096), read(sparse, 400, 8)]).toEqual([
    true,
    false,
    false,
  ]);
  const lookup = (name: string): boolean => paths.ask(message(Opcode.LOOKUP, 9, d, Buffer.from(`${name}\0`)));
  expect(['f', 'missing', '.', '..'].map(lookup)).toEqual([true, true, false, false]);
  const getxattr = (name: string): boolean =>
    paths.ask(
      message(Opcode.GETXATTR, 9, f, Buffer.concat([numbers([4, 99], [4, 0]), Buffer.from(`${name}\0`)])),
    );
  expect(['user.x', 'user.y', 'security.selinux', 'user.stratafs.layer'].map(getxattr)).toEqual([
    true,
    true,
    true,
    false,
  ]);
  const opcodes = Object.values(Opcode).filter((opcode) => opcode !== Opcode.INIT);
  const body = Buffer.alloc(64);
  const native = opcodes.filter((opcode) => paths.ask(message(opcode, 9, f, body)));
  expect(native).toEqual([2, 3, 15, 23, 42]);
});

test('a layer that is not plain is not read natively', () => {
  const tree = buildTree(layers);
  const paths = new BothPaths(new Overlay({ tree, readers: [new MemoryReader(Buffer.alloc(1 << 16))] }));
  const f = tree.lookup(tree.lookup(0, Buffer.from('d')), Buffer.from('f')) + 1;
  const request = message(Opcode.READ, 9, f, numbers([8, 0], [8, 0], [4, 10], [4, 0], [8, 0], [8, 0]));
  expect(paths.ask(request)).toBe(false);
});

test('the bytes read, which follow the last opcode that native code answers, are the count of no opcode', () => {
  const numbered = new Float64Array(Opcode.STATX + 2);
  numbered[Opcode.STATX] = 3;
  numbered[Opcode.STATX + 1] = 4096;
  const counts = readCounts(numbered);
  expect(nameCounts((opcode) => counts.count(opcode))).toEqual({ STATX: 3 });
  expect(counts.bytesRead).toBe(4096);
});
