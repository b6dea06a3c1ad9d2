// Files other than tars, made by their own tools, and empty tars.
import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openImageSource } from '../../src/image/open-image.ts';
import { openLowerStack } from '../../src/image/lower-stack.ts';
import { BlockCache } from '../../src/cache/block-cache.ts';
import { openLayer } from '../../src/layer/open-layer.ts';
import { describeWith } from '../requirements.ts';

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'stratafs-kind-'));
  path = join(directory, 'file');
});
afterEach(() => rmSync(directory, { recursive: true }));

/** A sparse file of zeros. */
function zeros(size: number): void {
  closeSync(openSync(path, 'w'));
  truncateSync(path, size);
}

const run = (program: string, ...args: string[]): Buffer =>
  execFileSync(program, args, { cwd: directory, stdio: ['ignore', 'pipe', 'ignore'], maxBuffer: 1 << 26 });

async function expectRefused(found: string): Promise<void> {
  const message = `${path}: found ${found}, expected a saved image or a layer (a tar)`;
  for (const source of [path, `docker-archive:${path}`, `oci-archive:${path}`]) {
    await expect(openImageSource(source), source).rejects.toThrow(message);
  }
  await expect(openLowerStack(path)).rejects.toThrow(message);
}

const makers: readonly (readonly [program: string, found: string, make: () => void])[] = [
  ['mke2fs', 'an ext2, ext3 or ext4 file system', () => run('mke2fs', '-q', '-t', 'ext4', 'file', '2M')],
  ['mkfs.erofs', 'an EROFS file system', () => run('mkfs.erofs', 'file', '/usr/share/doc/tar')],
  ['mksquashfs', 'a SquashFS file system', () => run('mksquashfs', '/usr/share/doc/tar', 'file', '-quiet')],
  [
    'mkfs.btrfs',
    'a Btrfs file system',
    () => {
      zeros(128 << 20);
      run('mkfs.btrfs', '-q', 'file');
    },
  ],
];

describe.each(makers)('of %s', (program, found, make) => {
  describeWith([{ program }], 'a file', () => {
    test(`is called ${found}`, async () => {
      make();
      await expectRefused(found);
    });
  });
});

describe('a file', () => {
  test('is an ELF program, a disk, a zip archive, a web page or JSON', async () => {
    writeFileSync(path, readFileSync(process.execPath).subarray(0, 100_000));
    await expectRefused('an ELF program');
    const disk = Buffer.alloc(40_000);
    disk.write('EFI PART', 512);
    writeFileSync(path, disk);
    await expectRefused('a disk image with a GPT partition table');
    run('python3', '-c', "import zipfile; zipfile.ZipFile('file', 'w').writestr('a', 'b')");
    await expectRefused('a zip archive');
    writeFileSync(path, '<!DOCTYPE html>\n<html><head><title>404</title>');
    await expectRefused('a web page (did a download fail?)');
    writeFileSync(path, '{"errors": [{"code": "UNAUTHORIZED"}]}');
    await expectRefused('a JSON document');
  });

  test('says how to mount a file system', async () => {
    const iso = Buffer.alloc(40_000);
    iso.write('\x01CD001', 32_768, 'latin1');
    writeFileSync(path, iso);
    await expect(openImageSource(path)).rejects.toThrow(
      `${path}: found an ISO 9660 image, expected a saved image or a layer (a tar); to mount it: \`mount -o loop,ro ${path} DIRECTORY\``,
    );
  });

  test('a file of zeros and then other bytes is not an empty tar', async () => {
    writeFileSync(path, Buffer.concat([Buffer.alloc(1024), Buffer.from('data')]));
    await expectRefused('1024 zero bytes and then other data');
  });
});

describe('an empty tar', () => {
  // GNU tar warns of one block alone, and calls less than a block no tar.
  test.each([1, 100, 511, 512, 1023, 1500, (1 << 20) + 512])('is not %i zero bytes', async (size) => {
    zeros(size);
    await expect(openImageSource(path)).rejects.toThrow(/found \d+ zero bytes(?: and more)?, expected a tar/);
    await expect(openLowerStack(path)).rejects.toThrow('expected a tar; an empty one is');
  });

  test.each([[], ['-b', '1'], ['-b', '2'], ['-b', '2048']])(
    'is what GNU tar writes with %s',
    async (...args) => {
      writeFileSync(path, run('tar', '-c', ...args, '-T', '/dev/null'));
      expect((await openImageSource(path)).layers).toHaveLength(1);
      expect((await openLowerStack(path)).layers).toHaveLength(1);
    },
  );
});

describe('a layer without a tar member', () => {
  const open = async (bytes: Buffer, expected: object = {}): Promise<void> => {
    writeFileSync(path, bytes);
    const blob = { path, offset: 0, length: bytes.length };
    const layer = await openLayer(blob, expected, {
      ...{ label: 'layer 1', cache: new BlockCache(1 << 20), store: undefined, verify: 'when-new' },
    });
    expect(layer.index.dentryCount).toBe(1);
    layer.close();
  };
  const iso = Buffer.alloc(40_000);
  iso.write('\x01CD001', 32_768, 'latin1');

  test('is looked at uncompressed, and refused for what it is', async () => {
    const message = 'layer 1: found an ISO 9660 image, expected a saved image or a layer (a tar)';
    await expect(open(gzipSync(iso))).rejects.toThrow(message);
    await expect(open(iso)).rejects.toThrow(message);
    await open(gzipSync(Buffer.alloc(10_240)));
  });

  test('is right where the image says its DiffID, as for docker load', async () => {
    const diffId = `sha256:${execFileSync('sha256sum', { input: iso }).toString().slice(0, 64)}`;
    await open(gzipSync(iso), { diffId });
  });
});
