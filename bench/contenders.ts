// The big image by all who can show it, for the bars that compare mounts.
import type { Bench } from './bench.ts';
import { type Mount, fuseOverlayfs, overlayfs, plainDirectory, stratafs } from './mounts.ts';

/** stratafs over the plain archive, whose index is made by now, and the rivals over the unpacked layers. */
export async function contenders(bench: Bench): Promise<ReadonlyMap<string, Mount>> {
  const layers = bench.unpackedLayers();
  return new Map([
    ['stratafs', await indexed(bench, 'plain', [`docker-archive:${bench.image('big.tar')}`])],
    ['fuse-overlayfs', fuseOverlayfs(bench, layers)],
    ['overlayfs', overlayfs(bench, layers)],
    ['ext4', plainDirectory(bench.image('rootfs'))],
  ]);
}

/** A stratafs mount that finds its index saved. `name` is of the cache directory. */
export async function indexed(
  bench: Bench,
  name: string,
  source: readonly string[],
  cwd?: string,
): Promise<Mount> {
  const mount = stratafs(bench, bench.freshDirectory(`cache-${name}`), source, cwd);
  await (await mount('index'))[Symbol.asyncDispose]();
  return mount;
}
