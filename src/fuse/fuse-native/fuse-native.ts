// The driver fuse-native: a mount served by the npm package of that name, on libfuse 2.
//
// It serves comparison, and users who have it already: the default driver supports more and is faster. The
// package unmounts lazily and does not report when a mount has ended; so mounts are detached here, as all are, and the end
// is seen at the device.
import createDebug from 'debug';
import { readdirSync, readlinkSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { isMainThread } from 'node:worker_threads';
import { DeviceWatch } from '../../sys/device-watch.ts';
import { MS_RDONLY } from '../../sys/mount-calls.ts';
import { ErrnoError } from '../../vfs/errno.ts';
import type { FileSystem } from '../../vfs/filesystem.ts';
import { InputError } from '../../vfs/input-error.ts';
import type { DriverOptions, DriverStatistics, FuseMount } from '../driver.ts';
import type { OwnerView } from '../owners/owner-view.ts';
import { abortConnection } from '../mounts/connection.ts';
import { detach } from '../mounts/kernel-mount.ts';
import { deviceOfMount } from '../mounts/mount-point.ts';
import { bindFuse } from './bound-fuse.ts';
import { Bridge } from './bridge.ts';
import { changingOperations } from './changing.ts';
import { checkMountPoint, libfuseOptions } from './libfuse-options.ts';
import { type FuseNativePackage, type PackageFuse, loadFuseNative } from './package.ts';
import { readingOperations, xattrCalls } from './reading.ts';

const debug = createDebug('stratafs:fuse');

const DEVICE = '/dev/fuse';
/** libfuse's threads end by themselves once the device is dead; they are not waited for any longer than that. */
const THREADS_END_MS = 1000;

/**
 * Serves `fileSystem` on `mountpoint` by the package fuse-native; see `Driver`. Takes over `fileSystem`, and closes it, also where
 * this fails. InputError where the package isn't installed, or can't do what is asked for.
 */
export async function mountFuseNative(
  fileSystem: FileSystem,
  mountpoint: string,
  options: DriverOptions,
): Promise<FuseMount> {
  try {
    checkMountPoint(mountpoint);
    if (!fileSystem.isReadOnly && options.allowOther) {
      throw new InputError(
        "driver=fuse-native does not know the caller of a write: a writable mount is its owner's alone (no_allow_other)",
      );
    }
    if (!isMainThread) {
      throw new InputError('driver=fuse-native answers on the main thread only: found a worker thread');
    }
    if (openDevices().length > 0) {
      throw new InputError('driver=fuse-native: this process serves a mount already, expected none');
    }
    const flags = fileSystem.isReadOnly ? options.flags | MS_RDONLY : options.flags;
    const text = libfuseOptions({ ...options, flags }, process.geteuid?.() === 0);
    const mount = new FuseNativeMount(fileSystem, loadFuseNative(), mountpoint, text, options.owners);
    await mount.begin();
    return mount;
  } catch (error) {
    await fileSystem.close();
    throw error;
  }
}

class FuseNativeMount implements FuseMount {
  readonly mountpoint: string;
  readonly closed: Promise<void>;
  readonly #bridge: Bridge;
  readonly #fuse: PackageFuse;
  /** "major:minor", once it is mounted. */
  #device = '';
  #resolveClosed: () => void = () => undefined;

  constructor(
    fileSystem: FileSystem,
    loaded: FuseNativePackage,
    mountpoint: string,
    options: string,
    owners: OwnerView | undefined,
  ) {
    this.mountpoint = mountpoint;
    this.closed = new Promise((resolve) => (this.#resolveClosed = resolve));
    this.#bridge = new Bridge(fileSystem, owners);
    const operations = {
      ...readingOperations(this.#bridge),
      ...(fileSystem.isReadOnly ? {} : changingOperations(fileSystem, this.#bridge)),
    };
    this.#fuse = bindFuse(loaded, mountpoint, operations, xattrCalls(this.#bridge), options);
  }

  /** Mounts, and begins to serve; resolves when the kernel and libfuse agreed on a protocol. */
  async begin(): Promise<void> {
    const threads = threadIds();
    try {
      await this.#open();
    } catch (error) {
      // It may have mounted before it failed.
      if (openDevices().length > 0) await detach(this.mountpoint, 'lazy');
      throw error;
    }
    this.#device = await deviceOfMount(this.mountpoint);
    const begun = threadIds().filter((id) => !threads.includes(id));
    try {
      this.#watch(begun);
    } catch (error) {
      await detach(this.mountpoint, 'lazy');
      await this.#bridge.calls.end();
      throw error;
    }
  }

  #open(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#fuse.open((error) => {
        if (error === null) resolve();
        else {
          const said = `${this.mountpoint}: driver=fuse-native could not mount: ${error.message}`;
          reject(new InputError(said, { cause: error }));
        }
      });
    });
  }

  #watch(threads: readonly string[]): void {
    const [device, ...others] = openDevices();
    if (device === undefined || others.length > 0) {
      throw new InputError('driver=fuse-native: this process began to serve another mount meanwhile');
    }
    const status = new DeviceWatch(device, () => void this.#end(threads)).start();
    if (status < 0) throw new ErrnoError(status, 'poll', DEVICE);
  }

  statistics(): DriverStatistics {
    const { counts, bytesRead, bytesWritten, pendingChanges } = this.#bridge.calls;
    const nothing = { answeredNatively: {}, passthroughOpens: 0 };
    return { requests: { ...counts }, bytesRead, bytesWritten, pendingChanges, ...nothing };
  }

  async detach({ lazy }: { readonly lazy: boolean }): Promise<void> {
    await detach(this.mountpoint, lazy ? 'lazy' : 'when-free');
  }

  async unmount({ lazy = false } = {}): Promise<void> {
    await this.detach({ lazy });
    if (!lazy) await this.closed;
  }

  async abort(): Promise<void> {
    await abortConnection(this.#device);
    await this.closed;
  }

  /** The connection is gone; `threads` are libfuse's. While they end they may still remove files that were unlinked while open. */
  async #end(threads: readonly string[]): Promise<void> {
    const deadline = Date.now() + THREADS_END_MS;
    while (threadIds().some((id) => threads.includes(id)) && Date.now() < deadline) await delay(2);
    await this.#bridge.calls.end();
    this.#bridge.opens.releaseAll();
    this.#fuse.close((error) => {
      if (error !== null) debug('%s: %O', this.mountpoint, error);
    });
    try {
      await this.#bridge.fileSystem.close();
    } catch (error) {
      debug('%s: closing the file system failed: %O', this.mountpoint, error);
    }
    this.#resolveClosed();
  }
}

/** The descriptors of FUSE connections that this process has. */
function openDevices(): number[] {
  return readdirSync('/proc/self/fd')
    .map(Number)
    .filter((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`) === DEVICE;
      } catch {
        return false; // ENOENT: that of the listing itself, closed by now
      }
    });
}

/** The kernel's numbers of this process's threads. */
function threadIds(): string[] {
  return readdirSync('/proc/self/task');
}
