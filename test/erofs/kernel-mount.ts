// Writes EROFS images and mounts them with the kernel's own driver.
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { BlockCache } from '../../src/cache/block-cache.ts';
import type { ErofsImage, ErofsSource } from '../../src/erofs/source.ts';
import { type LayerDevice, placeLayers } from '../../src/erofs/devices.ts';
import { writeErofsImage } from '../../src/erofs/write-image.ts';
import type { Layer } from '../../src/layer/layer.ts';
import { openLayer } from '../../src/layer/open-layer.ts';
import { MS_RDONLY, mount, unmount } from '../../src/sys/mount-calls.ts';
import { buildTree } from '../../src/tree/merge.ts';
import type { Tree } from '../../src/tree/tree.ts';
import type { Requirement } from '../requirements.ts';

export const EROFS: readonly Requirement[] = [
  'root',
  { filesystem: 'erofs' },
  { kernel: '6.4' },
  { program: 'python3' },
];

const ENOTBLK = 15;

/** Open layers, merged, and the files that hold their plain bytes, by layer number. */
export interface OpenStack {
  readonly tree: Tree;
  readonly layers: readonly Layer[];
  readonly plainFiles: readonly string[];
}

/** Opens `tars`, base first, in `scratch`; every other one is compressed. `body` gets them. */
export async function withStack<T>(
  scratch: string,
  tars: readonly Uint8Array[],
  body: (stack: OpenStack) => Promise<T>,
): Promise<T> {
  const cache = new BlockCache(1 << 24);
  const layers: Layer[] = [];
  const plainFiles: string[] = [];
  try {
    for (const [n, tar] of tars.entries()) {
      const blob = n % 2 === 0 ? tar : gzipSync(tar, { level: 1 });
      const path = join(scratch, `${n}.blob`);
      writeFileSync(path, blob);
      const plain = join(scratch, `${n}.tar`);
      writeFileSync(plain, tar);
      plainFiles.push(n % 2 === 0 ? path : plain);
      const options = { label: `layer ${n + 1}`, cache, store: undefined, verify: 'when-new' } as const;
      layers.push(await openLayer({ path, offset: 0, length: blob.length }, {}, options));
    }
    return await body({ tree: buildTree(layers.map(({ index }) => index)), layers, plainFiles });
  } finally {
    for (const layer of layers.reverse()) layer.close();
  }
}

/** The source of an image of the stack whose layers are devices, and the path of each device. */
export function sourceOf({ tree, layers, plainFiles }: OpenStack): { source: ErofsSource; paths: string[] } {
  const placed = placeLayers(layers.map(({ reader }) => reader));
  const pathOf = (device: LayerDevice): string =>
    device.kind === 'layer' ? (plainFiles[device.layer] as string) : `/proc/self/fd/${device.fd}`;
  return {
    source: { tree, layers: placed.layers, devices: placed.devices, isOverlayLower: false },
    paths: placed.devices.map(pathOf),
  };
}

/** Writes the image to the file `path`. */
export async function writeImageFile(path: string, source: ErofsSource): Promise<ErofsImage> {
  const file = await open(path, 'wx');
  try {
    return await writeErofsImage(source, {
      write: async (bytes) => {
        await file.writeFile(bytes);
      },
    });
  } finally {
    await file.close();
  }
}

/** Mounts the image with its devices on a new directory in `scratch` while `body` runs. */
export async function withErofsMount<T>(
  scratch: string,
  image: string,
  devices: readonly string[],
  body: (mountPoint: string) => T | Promise<T>,
): Promise<T> {
  const mountPoint = join(scratch, 'erofs');
  mkdirSync(mountPoint);
  const loops: string[] = [];
  const optionsOf = (paths: readonly string[]): string => paths.map((path) => `device=${path}`).join(',');
  let status = mount(image, mountPoint, 'erofs', MS_RDONLY, optionsOf(devices));
  try {
    if (status === -ENOTBLK) {
      // Before Linux 6.12, or the image lies on overlayfs or tmpfs.
      for (const path of [image, ...devices]) loops.push(loopOf(path));
      const [primary = '', ...extra] = loops;
      status = mount(primary, mountPoint, 'erofs', MS_RDONLY, optionsOf(extra));
    }
    if (status !== 0) throw new Error(`mount(2) of ${image} failed with ${status}`);
    try {
      return await body(mountPoint);
    } finally {
      await unmount(mountPoint, 0);
    }
  } finally {
    for (const loop of loops) execFileSync('losetup', ['--detach', loop]);
  }
}

function loopOf(path: string): string {
  return execFileSync('losetup', ['--find', '--show', '--read-only', path], { encoding: 'utf8' }).trim();
}
