// A stack of layer tars, as we show it and as oracles do.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { BlockCache } from '../../src/cache/block-cache.ts';
import type { Layer } from '../../src/layer/layer.ts';
import { openLayer } from '../../src/layer/open-layer.ts';
import { Overlay } from '../../src/overlay/read/overlay.ts';
import { buildTree } from '../../src/tree/merge.ts';
import { writeOciLayout } from './oci-layout.ts';
import { type Snapshot, snapshotDirectory, snapshotFileSystem } from './snapshot.ts';

/** Runs `act` with a directory of its own, which is gone afterwards. */
export async function withScratch<T>(act: (directory: string) => T | Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'stratafs-oracle-'));
  try {
    return await act(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** What stratafs shows of the layers, `tars` base first: every other one is read through gzip. */
export function ours(tars: readonly Buffer[]): Promise<Snapshot> {
  return withScratch(async (scratch) => {
    const cache = new BlockCache(1 << 24);
    const layers: Layer[] = [];
    try {
      for (const [n, tar] of tars.entries()) {
        const blob = n % 2 === 0 ? tar : gzipSync(tar, { level: 1 });
        const path = join(scratch, String(n));
        writeFileSync(path, blob);
        const location = { path, offset: 0, length: blob.length };
        const options = { label: `layer ${n + 1}`, cache, store: undefined, verify: 'when-new' } as const;
        layers.push(await openLayer(location, {}, options));
      }
      const tree = buildTree(layers.map(({ index }) => index));
      return await snapshotFileSystem(new Overlay({ tree, readers: layers.map(({ reader }) => reader) }));
    } finally {
      for (const layer of layers.reverse()) layer.close();
    }
  });
}

/**
 * Unpacks the layers, `tars` base first, to the new directory `root`: false if umoci gives up because a parent
 * without an entry is not a directory below. Needs root and umoci.
 */
export function unpackByUmoci(tars: readonly Buffer[], root: string): boolean {
  const image = `${root}.image`;
  writeOciLayout(image, tars);
  const run = spawnSync('umoci', ['raw', 'unpack', '--image', `${image}:latest`, root], { encoding: 'utf8' });
  if (run.status !== 0 && /mkdir parent: .*: not a directory/.test(run.stderr)) return false;
  if (run.status !== 0) throw new Error(run.stderr);
  return true;
}

/** What umoci unpacks; undefined if it gives up. Needs root, umoci, python3. */
export function byUmoci(tars: readonly Buffer[]): Promise<Snapshot | undefined> {
  return withScratch((scratch) => {
    const root = join(scratch, 'root');
    return unpackByUmoci(tars, root) ? snapshotDirectory(root) : undefined;
  });
}

/**
 * What kernel overlayfs shows over the layers, each unpacked by GNU tar and turned into overlayfs's form. Needs root,
 * python3. Knows no hard links to lower layers, and takes every directory for one with an entry of its own.
 */
export function byKernel(tars: readonly Buffer[]): Promise<Snapshot> {
  return withScratch((scratch) => {
    let layers: string[] = [];
    for (const [n, tar] of tars.entries()) {
      const layer = join(scratch, String(n));
      mkdirSync(layer);
      writeFileSync(`${layer}.tar`, tar);
      const options = [
        '--numeric-owner',
        '--xattrs',
        '--xattrs-include=*',
        '-p',
        '--delay-directory-restore',
      ];
      execFileSync('tar', ['-x', '-f', `${layer}.tar`, '-C', layer, ...options], { stdio: 'pipe' });
      // The kernel takes no notice of an opaque marker on a layer's own root.
      layers = existsSync(join(layer, '.wh..wh..opq')) ? [layer] : [...layers, layer];
    }
    const script = fileURLToPath(new URL('to-overlayfs.py', import.meta.url));
    execFileSync('python3', [script, ...layers], { stdio: 'pipe' });
    // overlayfs wants two layers at least.
    const empty = join(scratch, 'empty');
    const mountPoint = join(scratch, 'merged');
    mkdirSync(empty);
    mkdirSync(mountPoint);
    const lowerdir = [...layers.toReversed(), empty].join(':');
    execFileSync('mount', ['-t', 'overlay', 'overlay', '-o', `ro,lowerdir=${lowerdir}`, mountPoint]);
    try {
      return snapshotDirectory(mountPoint);
    } finally {
      execFileSync('umount', [mountPoint]);
    }
  });
}
