// Hostile images: archives of every form with bytes changed where they matter: tar headers (with a right checksum or a wrong
// one), names, pax records, sparse maps, compressed streams, JSON. The same seed gives the same archives.
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { fixture } from '../mount/stratafs.ts';
import { pax, rawTar, setChecksum } from '../tar/raw-tar.ts';
import { layerTar } from '../tree/layer-tar.ts';
import type { Random } from '../tree/random.ts';
import { randomStack } from '../tree/random-layers.ts';

const PIECES = [
  '{',
  '}',
  '[',
  '"',
  'null',
  '-1',
  '1e999',
  '../',
  '/',
  '\0',
  '\xff',
  '\x80',
  '9',
  '=',
  '\n',
  '.wh.',
];
/** Where a header has its fields: name, mode, uid, gid, size, mtime, type, link, magic, device, prefix, sparse map and size. */
const FIELDS = [0, 100, 108, 116, 124, 136, 156, 157, 257, 329, 337, 345, 386, 398, 482, 483];

const forms = readdirSync(fixture('forms'))
  .filter((name) => /\.tar(\.gz)?$/.test(name))
  .map((name) => readFileSync(fixture(`forms/${name}`)));
const sparse = rawTar(
  pax({ 'SCHILY.xattr.user.g': 'v' }, 'g'),
  pax({ 'GNU.sparse.size': '100', 'GNU.sparse.map': '0,1,50,2', 'SCHILY.xattr.user.a': 'v' }),
  { name: 'map', body: 'abc' },
  pax({ 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.realsize': '100', size: '515' }),
  { name: 'one', body: Buffer.concat([Buffer.from('1\n0\n3\n'), Buffer.alloc(506), Buffer.from('abc')]) },
  { name: 'old', type: 'S', magic: 'gnu', patch: (block) => block.write('00000000100\0', 483, 'latin1') },
  { name: 'hard', type: '1', linkname: 'map' },
);

function goodArchive(random: Random): Buffer {
  switch (random.below(4)) {
    case 0:
      return Buffer.from(sparse);
    case 1: {
      const [root] = randomStack(random, { isForTar: true }).roots;
      return root === undefined ? Buffer.from(sparse) : layerTar(root, 'shuffled', random);
    }
    default:
      return Buffer.from(random.pick(forms));
  }
}

function spoil(bytes: Buffer, random: Random): void {
  const blocks = Math.max(1, Math.floor(bytes.length / 512));
  for (let changes = 1 + random.below(6); changes > 0; changes--) {
    const block = 512 * random.below(blocks);
    const isHeader = bytes.toString('latin1', block + 257, block + 262) === 'ustar';
    const at = block + (isHeader ? random.pick(FIELDS) + random.below(3) : random.below(512));
    const piece = random.oneIn(3)
      ? Buffer.alloc(1 + random.below(12), random.pick([0, 0x37, 0x80, 0xff]))
      : Buffer.from(random.pick(PIECES), 'latin1');
    piece.copy(bytes, Math.min(at, bytes.length - 1));
    if (isHeader && !random.oneIn(8)) setChecksum(bytes.subarray(block, block + 512));
  }
}

function hostileArchive(random: Random): Buffer {
  const bytes = goodArchive(random);
  spoil(bytes, random);
  const cut = random.oneIn(10) ? bytes.subarray(0, random.below(bytes.length)) : bytes;
  if (!random.oneIn(5)) return cut;
  const packed = gzipSync(cut, { level: 1 });
  if (random.oneIn(2)) packed.writeUInt8(random.below(256), random.below(packed.length));
  return packed;
}

/** Writes a hostile image into a new directory; its SOURCE. */
export function writeHostileImage(random: Random, directory: string): string {
  mkdirSync(directory);
  const path = join(directory, 'image.tar');
  writeFileSync(path, hostileArchive(random));
  return path;
}
