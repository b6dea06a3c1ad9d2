// Hostile images: archives of every form with bytes changed where they matter: tar headers (with a right checksum or a wrong
// one), names, pax records, sparse maps, compressed streams, JSON. The same seed gives the same archives.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type Members, tarOf } from '../image/scratch.ts';
import { fixture } from '../mount/stratafs.ts';
import { type RawMember, pax, rawTar, setChecksum } from '../tar/raw-tar.ts';
import { layerTar } from '../tree/layer-tar.ts';
import type { Random } from '../tree/random.ts';
import { randomStack } from '../tree/random-layers.ts';
import { dirMembers, dockerMembers, layoutMembers } from './layouts.ts';

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
/** The offsets of a header's fields: name, mode, uid, gid, size, mtime, type, link, magic, device, prefix, sparse map and size. */
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

const MIXED_NAMES = ['a', 'b', 'a/b', './a', 'a/', '.wh.a', 'a/.wh..wh..opq', 'b/.wh.b', 'c'];
const ODD_NAMES = ['.wh..wh..opq', '.wh.', 'a/../b', '/b', '', '..'];
const USUAL_RECORDS: [string, string][] = [
  ['path', 'a/d'],
  ['uid', '2097152'],
  ['mtime', '-1.5'],
  ['SCHILY.xattr.user.overlay.redirect', '/a'],
  ['SCHILY.xattr.trusted.overlay.metacopy', ''],
];
const ODD_RECORDS: [string, string][] = [
  ['path', 'a/.wh.b'],
  ['linkpath', 'a'],
  ['size', '018'],
  ['size', '9223372036854775807'],
  ['mtime', '-9223372036854775808.5'],
  ['uid', '4294967295'],
  ['GNU.sparse.map', '0,1,9223372036854775806,1'],
  ['GNU.sparse.map', '5,3,1,3'],
  ['GNU.sparse.size', '9223372036854775807'],
  ['GNU.sparse.numblocks', '4294967295'],
  ['GNU.sparse.major', '1'],
  ['GNU.sparse.realsize', '-1'],
  ['SCHILY.xattr.', 'v'],
  ['SCHILY.xattr.user.overlay.redirect', '/a'],
  ['SCHILY.xattr.trusted.overlay.metacopy', ''],
  ['LIBARCHIVE.xattr.user.%00', '===='],
];

/** Whiteouts, hard links to anything, sparse members and pax records of few names, so that they meet. */
function mixedArchive(random: Random): Buffer {
  const members: (RawMember | Buffer)[] = [];
  for (let count = 1 + random.below(8); count > 0; count--) {
    const records = Array.from({ length: random.below(4) }, () =>
      random.pick(random.oneIn(25) ? ODD_RECORDS : USUAL_RECORDS),
    );
    if (records.length > 0) members.push(pax(records, random.oneIn(6) ? 'g' : 'x'));
    const type = random.oneIn(25)
      ? random.pick(['3', '4', '6', '7', 'S', 'L', 'K', 'x'])
      : random.pick(['0', '0', '0', '1', '2', '5']);
    members.push({
      ...{ name: random.pick(random.oneIn(25) ? ODD_NAMES : MIXED_NAMES), type },
      linkname: random.pick(random.oneIn(25) ? ODD_NAMES : MIXED_NAMES),
      body: Buffer.alloc(type === '0' ? random.below(2000) : 0, random.below(256)),
      magic: random.pick(['posix', 'gnu']),
    });
  }
  return rawTar(...members);
}

/** A stream of each kind, sometimes one in another, sometimes with a byte changed or its end cut off. */
function pack(bytes: Buffer, random: Random): Buffer {
  let packed = bytes;
  for (let depth = random.oneIn(4) ? 2 : 1; depth > 0; depth--) {
    const program = random.pick(['gzip', 'zstd', 'xz', 'bzip2']);
    packed =
      program === 'gzip'
        ? gzipSync(packed, { level: 1 })
        : execFileSync(program, ['-1', '-c'], {
            input: packed,
            stdio: ['pipe', 'pipe', 'ignore'],
            maxBuffer: 1 << 26,
          });
  }
  if (random.oneIn(2)) packed.writeUInt8(random.below(256), random.below(packed.length));
  return random.oneIn(6) ? packed.subarray(0, random.below(packed.length)) : packed;
}

function hostileTar(random: Random): Buffer {
  if (random.oneIn(3)) return mixedArchive(random);
  const bytes = goodArchive(random);
  spoil(bytes, random);
  return random.oneIn(10) ? bytes.subarray(0, random.below(bytes.length)) : bytes;
}

function writeMembers(members: Members, directory: string): void {
  for (const [name, content] of members) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), content as string | Buffer);
  }
}

/** Writes a hostile image into a new directory; its SOURCE. */
export async function writeHostileImage(random: Random, directory: string): Promise<string> {
  mkdirSync(directory);
  const path = join(directory, 'image.tar');
  if (random.oneIn(2)) {
    const bytes = hostileTar(random);
    writeFileSync(path, random.oneIn(4) ? pack(bytes, random) : bytes);
    return path;
  }
  // What a layer has is spoilt, or what its blob is packed as, or the JSON, seldom all of them.
  const tar = random.oneIn(2)
    ? mixedArchive(random)
    : Buffer.from(random.oneIn(2) ? sparse : hostileTar(random));
  const blob = random.oneIn(2) ? pack(tar, random) : tar;
  switch (random.below(4)) {
    case 0:
      writeMembers(layoutMembers(tar, blob, random), directory);
      return directory;
    case 1:
      writeMembers(dirMembers(tar, blob, random), directory);
      return `dir:${directory}`;
    case 2:
      writeFileSync(path, await tarOf(layoutMembers(tar, blob, random)));
      return path;
    default:
      writeFileSync(path, await tarOf(dockerMembers(tar, blob, random)));
      return path;
  }
}
