// Merges a million-entry layer, alone and under 126 small ones, and prints time, table size and what lookups cost.
// Run: npm run build && node --expose-gc bench/merge-million.js
import { InodeFlag } from '../dist/layer/layer-index.js';
import { buildTree } from '../dist/tree/merge.js';
import { S_IFDIR, S_IFREG } from '../dist/vfs/attr.js';

/** `directories` directories with `files` files each, named alike in all layers; every column filled. */
function syntheticLayer(directories, files) {
  const count = 1 + directories + directories * files;
  const u32 = () => new Uint32Array(count);
  const f64 = () => new Float64Array(count);
  const index = {
    dentryCount: count,
    inodeCount: count,
    nameOffset: u32(),
    nameLength: new Uint8Array(count),
    dentryKind: new Uint8Array(count),
    dentryTarget: u32().map((_, i) => i),
    mode: u32().fill(S_IFREG | 0o644),
    uid: u32(),
    gid: u32(),
    rdev: u32(),
    size: f64().fill(100),
    mtimeSec: f64().fill(1.7e9),
    mtimeNsec: u32(),
    atimeSec: f64().fill(1.7e9),
    atimeNsec: u32(),
    dataOffset: f64().map((_, i) => 1024 * i),
    firstChild: u32(),
    childCount: u32(),
    xattr: u32(),
    inodeFlags: new Uint8Array(count),
    pool: Buffer.alloc(count * 16),
    xattrs: new Uint8Array(0),
    extents: new Float64Array(0),
    links: new Uint32Array(0),
  };
  let poolEnd = 0;
  const name = (dentry, text) => {
    index.nameOffset[dentry] = poolEnd;
    index.nameLength[dentry] = index.pool.write(text, poolEnd);
    poolEnd += text.length;
  };
  const directory = (inode, first, children) => {
    index.mode[inode] = S_IFDIR | 0o755;
    index.firstChild[inode] = first;
    index.childCount[inode] = children;
  };
  directory(0, 1, directories);
  index.inodeFlags[0] = InodeFlag.implicit;
  for (let d = 0; d < directories; d++) {
    name(1 + d, `dir${String(d).padStart(6, '0')}`);
    const first = 1 + directories + d * files;
    directory(1 + d, first, files);
    for (let f = 0; f < files; f++) name(first + f, `file${String(f).padStart(7, '0')}`);
  }
  return index;
}

function measure(title, indexes) {
  globalThis.gc?.();
  const heapBefore = process.memoryUsage().heapUsed;
  const begin = performance.now();
  const tree = buildTree(indexes);
  const milliseconds = performance.now() - begin;
  const heap = process.memoryUsage().heapUsed - heapBefore;
  const perInode = tree.buffer.byteLength / tree.inodeCount;
  console.log(
    `${title}: ${milliseconds.toFixed(0)} ms, ${tree.inodeCount} inodes, ` +
      `${perInode.toFixed(1)} bytes an inode with its name, heap ${(heap / 1024).toFixed(0)} KiB`,
  );
  return tree;
}

function measureLookups(title, tree, directories) {
  const names = Array.from({ length: 64 }, (_, n) => Buffer.from(`file${String(n * 14).padStart(7, '0')}x`));
  const rounds = 100_000;
  let found = 0;
  const begin = performance.now();
  for (let round = 0; round < rounds; round++) {
    const directory = 1 + ((round * 7919) % directories);
    if (tree.lookup(directory, names[round & 63]) >= 0) found++;
  }
  const nanoseconds = ((performance.now() - begin) / rounds) * 1e6;
  console.log(`${title}: ${nanoseconds.toFixed(0)} ns a lookup of a missing name (${found} found)`);
}

const big = syntheticLayer(1000, 1000);
const small = syntheticLayer(1000, 1);
for (let run = 0; run < 3; run++) {
  measureLookups('1 layer', measure('1 layer', [big]), 1000);
  const stack = [big, ...new Array(126).fill(small)];
  measureLookups('127 layers', measure('127 layers', stack), 1000);
}
measure('one directory of a million files', [syntheticLayer(1, 1_000_000)]);
measure('two layers of a million equal names', [big, big]);
