// The oracle is GNU tar (and bsdtar): what they packed must come out as lstat sees it.
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LayerIndexBuilder } from '../../src/layer/index-builder.ts';
import { InodeFlag, type LayerIndex } from '../../src/layer/layer-index.ts';
import { describeWith } from '../requirements.ts';
import { parseRecords, runScan } from '../sys/run-scan.ts';
import { frameTar } from '../tar/framing.ts';
import { memoryBlob } from './memory-blob.ts';
import { dentriesByPath, extentsOf, inodeAt, symlinkTarget, xattrsOf } from './show-index.ts';

let root: string;
let tree: string;
const at = (path: string): string => join(tree, path);

beforeAll(() => {
  root = fs.mkdtempSync(join(tmpdir(), 'stratafs-gnu-tar-'));
  tree = join(root, 'tree');
  fs.mkdirSync(at('d/e'), { recursive: true });
  fs.writeFileSync(at('d/file'), 'content');
  fs.linkSync(at('d/file'), at('d/linked'));
  fs.writeFileSync(at('d/e/empty'), '');
  fs.symlinkSync('../d/file', at('d/e/symlink'));
  fs.writeFileSync(at('suid'), 'x');
  fs.chmodSync(at('suid'), 0o6711);
  fs.mkdirSync(at('sticky'), { mode: 0o755 });
  fs.chmodSync(at('sticky'), 0o1777);
  execFileSync('mkfifo', [at('fifo')]);
  fs.utimesSync(at('suid'), 1.5, 1234567890.125);
});
afterAll(() => fs.rmSync(root, { recursive: true }));

async function index(tar: Buffer): Promise<LayerIndex> {
  const records = frameTar(tar);
  await expectSameFraming(tar, records);
  const builder = new LayerIndexBuilder('x.tar');
  builder.add(records, records.length);
  await builder.readSparseMaps(memoryBlob(tar, 5000));
  return builder.finish();
}

/** The native scan frames the tar as the tests' own framing does. */
async function expectSameFraming(tar: Buffer, records: Buffer): Promise<void> {
  const path = join(root, 'framed.tar');
  fs.writeFileSync(path, tar);
  const scanned = await runScan(path, 'none', { hash: false });
  expect(scanned.records).toEqual(parseRecords(records));
}

function pack(command: string, ...args: string[]): Buffer {
  return execFileSync(command, [...args, '-cf', '-', '.'], { cwd: tree, maxBuffer: 1 << 28 });
}

/** Compares every name below `directory` with what lstat says. */
function compare(layer: LayerIndex, tar: Buffer, hasFractions: boolean): void {
  const paths = fs.readdirSync(tree, { recursive: true, encoding: 'utf8' });
  expect([...dentriesByPath(layer).keys()].sort()).toEqual(['', ...paths].sort());
  for (const path of paths) {
    const stat = fs.lstatSync(at(path), { bigint: true });
    const inode = inodeAt(layer, path);
    const found = {
      mode: layer.mode[inode],
      uid: layer.uid[inode],
      gid: layer.gid[inode],
      mtime:
        BigInt(layer.mtimeSec[inode] as number) * 1_000_000_000n + BigInt(layer.mtimeNsec[inode] as number),
    };
    const second = 1_000_000_000n;
    expect(found, path).toEqual({
      mode: Number(stat.mode),
      uid: Number(stat.uid),
      gid: Number(stat.gid),
      mtime: hasFractions ? stat.mtimeNs : (stat.mtimeNs / second) * second,
    });
    if (stat.isSymbolicLink()) {
      expect(symlinkTarget(layer, inode).toString()).toBe(fs.readlinkSync(at(path)));
    } else if (stat.isFile()) {
      expect(content(layer, tar, inode).equals(fs.readFileSync(at(path))), path).toBe(true);
    }
  }
}

function content(layer: LayerIndex, tar: Buffer, inode: number): Buffer {
  const size = layer.size[inode] as number;
  const start = layer.dataOffset[inode] as number;
  if (((layer.inodeFlags[inode] as number) & InodeFlag.sparse) === 0)
    return tar.subarray(start, start + size);
  const bytes = Buffer.alloc(size);
  for (const [offset, length, blob] of extentsOf(layer, inode) as [number, number, number][]) {
    tar.copy(bytes, offset, blob, blob + length);
  }
  return bytes;
}

describe.each(['v7', 'ustar', 'oldgnu', 'gnu', 'posix'])('GNU tar --format=%s', (format) => {
  const isV7 = format === 'v7';

  test('comes out as it went in', async () => {
    // v7 has no fifos.
    const tar = pack('tar', `--format=${format}`, ...(isV7 ? ['--exclude=./fifo'] : []));
    const layer = await index(tar);
    if (isV7) fs.rmSync(at('fifo'));
    try {
      compare(layer, tar, format === 'posix');
    } finally {
      if (isV7) execFileSync('mkfifo', [at('fifo')]);
    }
    expect(inodeAt(layer, 'd/linked')).toBe(inodeAt(layer, 'd/file'));
  });
});

describe('GNU tar', () => {
  test.each(['gnu', 'posix'])('--format=%s keeps long names and targets', async (format) => {
    const name = `${'n'.repeat(200)}/${'m'.repeat(255)}`;
    fs.mkdirSync(at('n'.repeat(200)));
    fs.writeFileSync(at(name), 'long');
    fs.symlinkSync('t'.repeat(3000), at('long-link'));
    try {
      const tar = pack('tar', `--format=${format}`);
      const layer = await index(tar);
      compare(layer, tar, format === 'posix');
    } finally {
      fs.rmSync(at('n'.repeat(200)), { recursive: true });
      fs.rmSync(at('long-link'));
    }
  });

  test.each([
    ['gnu', ''],
    ['posix', '0.0'],
    ['posix', '0.1'],
    ['posix', '1.0'],
  ])('--format=%s --sparse-version=%s keeps holes', async (format, version) => {
    const fd = fs.openSync(at('sparse'), 'w');
    for (let i = 1; i <= 700; i++) fs.writeSync(fd, `piece ${i}`, i * 65536);
    fs.ftruncateSync(fd, 100_000_000);
    fs.closeSync(fd);
    fs.truncateSync(at('d/e/empty'), 50_000);
    try {
      const flags = ['--sparse', ...(version === '' ? [] : [`--sparse-version=${version}`])];
      const tar = pack('tar', `--format=${format}`, ...flags);
      expect(tar.length).toBeLessThan(10_000_000);
      const layer = await index(tar);
      compare(layer, tar, format === 'posix');
      expect(extentsOf(layer, inodeAt(layer, 'sparse'))).toHaveLength(700);
      expect(extentsOf(layer, inodeAt(layer, 'd/e/empty'))).toEqual([]);
    } finally {
      fs.rmSync(at('sparse'));
      fs.truncateSync(at('d/e/empty'), 0);
    }
  });
});

describe.each(['tar', 'bsdtar'])('%s', (command) => {
  describeWith(['root', { program: 'setfattr' }, { program: command }], 'xattrs', () => {
    test('and ACLs come out byte for byte', async () => {
      const capability = '0x0100000200200000000000000000000000000000';
      execFileSync('setfattr', ['-n', 'security.capability', '-v', capability, at('suid')]);
      execFileSync('setfattr', ['-n', 'user.a', '-v', '0x00ff0a3d', at('d')]);
      const acl =
        '0x02000000010007000000000002000500f6010000040005000000000010000700000000002000040000000000';
      execFileSync('setfattr', ['-n', 'system.posix_acl_access', '-v', acl, at('d/file')]);
      execFileSync('setfattr', ['-n', 'system.posix_acl_default', '-v', acl, at('sticky')]);
      const flags =
        command === 'tar' ? ['--format=posix', '--xattrs', '--xattrs-include=*', '--acls'] : ['--format=pax'];
      const layer = await index(pack(command, ...flags));
      const value = (path: string, name: string): string | undefined =>
        xattrsOf(layer, inodeAt(layer, path))[name]?.toString('hex');
      expect(value('suid', 'security.capability')).toBe(capability.slice(2));
      expect(value('d', 'user.a')).toBe('00ff0a3d');
      const binary =
        '02000000' + '01000700ffffffff02000500f601000004000500ffffffff10000700ffffffff20000400ffffffff';
      expect(value('d/file', 'system.posix_acl_access')).toBe(binary);
      expect(value('sticky', 'system.posix_acl_default')).toBe(binary);
    });
  });
});

describe('a sparse map in the data', () => {
  const sparse10 = (map: string, stored = 'x'.repeat(512)): Buffer => {
    const body = Buffer.concat([
      Buffer.from(map.padEnd(Math.ceil(map.length / 512) * 512, '\0')),
      Buffer.from(stored),
    ]);
    const header = (name: string, type: string, size: number): Buffer =>
      Buffer.from(
        `${name.padEnd(100, '\0')}0000644\x000000000\x000000000\0${size.toString(8).padStart(11, '0')}\x0000000000000\0        ${type}`.padEnd(
          512,
          '\0',
        ),
        'latin1',
      );
    const records = '22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n28 GNU.sparse.realsize=1000\n';
    const blocks = [
      header('x', 'x', records.length),
      Buffer.from(records.padEnd(512, '\0')),
      header('s', '0', body.length),
      body,
    ];
    for (const block of [blocks[0], blocks[2]] as Buffer[]) {
      const sum = block.reduce((total, byte) => total + byte, 0);
      block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    }
    return Buffer.concat([...blocks, Buffer.alloc(1024)]);
  };

  test('is read from the blob', async () => {
    const layer = await index(sparse10('2\n0\n10\n900\n100\n'));
    expect(extentsOf(layer, inodeAt(layer, 's'))).toEqual([
      [0, 10, 2048],
      [900, 100, 2058],
    ]);
    expect(layer.size[inodeAt(layer, 's')]).toBe(1000);
  });

  test('with no hole leaves a plain file', async () => {
    const layer = await index(sparse10('2\n0\n500\n500\n500\n', 'x'.repeat(1000)));
    const inode = inodeAt(layer, 's');
    expect([layer.inodeFlags[inode], layer.dataOffset[inode]]).toEqual([0, 2048]);
  });

  test.each([
    ['that ends early', '3\n0\n10\n', /a number of a sparse map/],
    ['that is not a number', 'x\n', /found 'x'/],
    ['without a newline', '1'.repeat(600), /a number of a sparse map and a newline/],
    ['of too many pieces', '1048577\n', /expected a count of sparse pieces/],
    ['out of order', '2\n900\n10\n0\n10\n', /a sparse piece/],
    ['of more than is stored', '1\n0\n600\n', /a sparse map of 600 bytes, expected at most 512/],
  ])('%s is refused', async (_, map, message) => {
    await expect(index(sparse10(map))).rejects.toThrow(message);
  });
});

test("a symlink of Python's tarfile, whose header says 0644, has the mode that GNU tar unpacks", async () => {
  const directory = join(root, 'python');
  fs.mkdirSync(directory);
  const script = `
import sys, tarfile
link = tarfile.TarInfo('link')
link.type, link.linkname = tarfile.SYMTYPE, 'to'
with tarfile.open('a.tar', 'w') as tar: tar.addfile(link)
`;
  execFileSync('python3', ['-c', script], { cwd: directory });
  const tar = fs.readFileSync(join(directory, 'a.tar'));
  expect(tar.toString('latin1', 100, 107)).toBe('0000644');
  execFileSync('tar', ['-xf', 'a.tar'], { cwd: directory });
  const layer = await index(tar);
  expect(layer.mode[inodeAt(layer, 'link')]).toBe(fs.lstatSync(join(directory, 'link')).mode);
});
