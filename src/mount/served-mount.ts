// A mount that this process serves: from a file system that is brought to the kernel until everything is closed.
import type { CacheStatistics } from '../cache/block-cache.ts';
import { describeHolders } from '../fuse/busy.ts';
import type { FuseMount } from '../fuse/driver.ts';
import type { Image } from '../image/image.ts';
import { EBUSY, EINVAL, ErrnoError } from '../vfs/errno.ts';
import { InputError } from '../vfs/input-error.ts';

export interface MountStatistics {
  /** By the kernel's name of the kind; kinds never asked are left out. */
  readonly requests: Readonly<Record<string, number>>;
  /** Those of them that native code answered from the merged table, without JavaScript. */
  readonly answeredNatively: Readonly<Record<string, number>>;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /** Opens whose file the kernel reads and writes by itself: those bytes are in neither of the above. */
  readonly passthroughOpens: number;
  /** Requests that change something and have not ended. */
  readonly pendingChanges: number;
  readonly cache: CacheStatistics;
}

/** A mount that this process serves. */
export interface Mount extends AsyncDisposable {
  /** Absolute. */
  readonly mountpoint: string;
  readonly image: Image;
  /** Resolves when the mount is gone, by whomever it was unmounted, and everything is closed. */
  readonly closed: Promise<void>;
  statistics(): MountStatistics;
  /**
   * Unmounts and waits until everything is closed. InputError where the mount is busy: it then stays, and the
   * message says who holds it. `lazy` detaches at once; what is open goes on being served until it is closed.
   */
  unmount(options?: { readonly lazy?: boolean }): Promise<void>;
  /** Unmounts, or detaches where the mount is busy. May be called twice. */
  close(): Promise<void>;
}

const isErrno = (error: unknown, errno: number): boolean =>
  error instanceof ErrnoError && error.errno === -errno;

export class ServedMount implements Mount {
  readonly image: Image;
  readonly mountpoint: string;
  readonly closed: Promise<void>;
  readonly statistics: () => MountStatistics;
  readonly #fuseMount: FuseMount;
  #isClosed = false;

  /** `cleanUp` runs once the mount is gone, before `closed` resolves; it may not fail. */
  constructor(
    image: Image,
    fuseMount: FuseMount,
    statistics: () => MountStatistics,
    cleanUp: () => void | Promise<void>,
  ) {
    this.image = image;
    this.mountpoint = fuseMount.mountpoint;
    this.closed = fuseMount.closed.then(cleanUp).then(() => {
      this.#isClosed = true;
    });
    this.statistics = statistics;
    this.#fuseMount = fuseMount;
  }

  async unmount(options: { readonly lazy?: boolean } = {}): Promise<void> {
    try {
      await this.#fuseMount.unmount(options);
    } catch (error) {
      if (!isErrno(error, EBUSY)) throw error;
      throw new InputError(await describeHolders(this.mountpoint), { cause: error });
    }
    if (options.lazy !== true) await this.closed;
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    try {
      await this.#fuseMount.unmount();
      await this.closed;
    } catch (error) {
      // EINVAL: it was unmounted meanwhile.
      if (isErrno(error, EBUSY)) await this.#fuseMount.unmount({ lazy: true });
      else if (!isErrno(error, EINVAL)) throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
