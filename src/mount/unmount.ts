// Unmounting by mount point, which waits for a daemon of many mounts by its socket, and for another one by its process.
import {
  type Unmounting,
  type WatchShared,
  unmountAt as unmountFound,
  unmountFuseAt as unmountAnyFuse,
} from '../fuse/mounts/unmount.ts';

/** Loaded only where there is such a daemon. */
const watchShared: WatchShared = async (socket, mountpoint) =>
  (await import('./daemon/client.ts')).watchEnd(socket, mountpoint);

/** As in src/fuse/mounts/unmount.ts. */
export function unmountAt(mountpoint: string, how: Unmounting): Promise<void> {
  return unmountFound(mountpoint, how, watchShared);
}

/** As in src/fuse/mounts/unmount.ts. */
export function unmountFuseAt(mountpoint: string, how: Exclude<Unmounting, 'aborted'>): Promise<void> {
  return unmountAnyFuse(mountpoint, how, watchShared);
}
