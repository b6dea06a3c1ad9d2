// A mount that this process made: from a file system that is brought to the kernel until everything is closed.
import type { CacheStatistics } from '../cache/block-cache.ts';
import { describeCopies, describeHolders, detachAndFindCopies, findCopies } from '../fuse/mounts/busy.ts';
import type { FuseMount } from '../fuse/driver.ts';
import type { Image } from '../image/image.ts';
import { EBUSY, EINVAL, ErrnoError } from '../vfs/errno.ts';
import { mountAt, readMountTable } from '../sys/mount-table.ts';
import { InputError } from '../vfs/input-error.ts';
import type { DriverName } from './options.ts';
import type { TransferStatistics } from './transfers.ts';

/** What a mount was asked since it was made. */
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
  /** How often a daemon of the mount ended, and another went on. All other numbers are of the last one alone. */
  readonly restarts: number;
  readonly cache: CacheStatistics;
  /** Only of a mount some of whose layers were not here when it was made. */
  readonly transfers?: TransferStatistics | undefined;
}

/** Of a mount that the kernel serves: it asks no process, and counts nothing. */
export const NO_STATISTICS: MountStatistics = {
  ...{
    requests: {},
    answeredNatively: {},
    bytesRead: 0,
    bytesWritten: 0,
    passthroughOpens: 0,
    pendingChanges: 0,
    restarts: 0,
  },
  cache: { hits: 0, misses: 0, bytes: 0, maxBytes: 0 },
};

/** The driver of a mount. */
export interface ChosenDriver {
  readonly name: DriverName;
  /** Of a mount that was asked for with 'auto': why it is not 'erofs'. */
  readonly reason?: string | undefined;
}

/** A mount that this process made. */
export interface Mount extends AsyncDisposable {
  /** Absolute. */
  readonly mountpoint: string;
  readonly image: Image;
  readonly driver: ChosenDriver;
  /** False: the kernel serves the mount by itself, and this process may end before it. */
  readonly isServed: boolean;
  /** Resolves when the mount is gone, by whomever it was unmounted, and everything is closed. */
  readonly closed: Promise<void>;
  /** The counts so far. */
  statistics(): MountStatistics;
  /**
   * Unmounts and waits until everything is closed. InputError where the mount is busy: it then stays, and the
   * message says who holds it. `lazy` detaches at once; what is open goes on being served until it is closed.
   * CopiedMountError where it is unmounted and other mounts of the same file system keep it alive.
   */
  unmount(options?: { readonly lazy?: boolean }): Promise<void>;
  /** Ends the file system, mounted or not: who still uses it gets ENOTCONN. Resolves when everything is closed. */
  abort(): Promise<void>;
  /**
   * Unmounts, or detaches where the mount is busy; where only copies of the mount keep it alive, it ends for them too.
   * May be called twice.
   */
  close(): Promise<void>;
}

const isErrno = (error: unknown, errno: number): boolean =>
  error instanceof ErrnoError && error.errno === -errno;

/** Unmounted at its mount point; other mounts of it, of other mount namespaces or by mount --bind, keep it alive. */
export class CopiedMountError extends InputError {
  constructor(message: string) {
    super(message, { code: 'ERR_STRATAFS_COPIED' });
    this.name = 'CopiedMountError';
  }
}

/** What a mount is made of. */
export interface MountParts extends Pick<Mount, 'image' | 'driver' | 'isServed' | 'statistics'> {
  readonly fuseMount: FuseMount;
  /** "major:minor" of the file system. */
  readonly device: string;
  /** Runs once the mount is gone, before `closed` resolves; it may not fail. */
  readonly cleanUp: () => void | Promise<void>;
}

export class ServedMount implements Mount {
  readonly image: Image;
  readonly driver: ChosenDriver;
  readonly isServed: boolean;
  readonly mountpoint: string;
  readonly closed: Promise<void>;
  readonly statistics: () => MountStatistics;
  readonly #fuseMount: FuseMount;
  readonly #device: string;
  #isClosed = false;

  constructor({ image, driver, isServed, fuseMount, device, statistics, cleanUp }: MountParts) {
    this.image = image;
    this.driver = driver;
    this.isServed = isServed;
    this.mountpoint = fuseMount.mountpoint;
    this.closed = fuseMount.closed.then(cleanUp).then(() => {
      this.#isClosed = true;
    });
    this.statistics = statistics;
    this.#fuseMount = fuseMount;
    this.#device = device;
  }

  async unmount({ lazy = false }: { readonly lazy?: boolean } = {}): Promise<void> {
    await this.#requireMounted();
    if (lazy) return this.#detach(true);
    const mount = { device: this.#device, mountPoint: this.mountpoint };
    const copies = await detachAndFindCopies(mount, () => this.#detach(false));
    if (copies !== undefined) throw new CopiedMountError(describeCopies(this.mountpoint, copies));
    await this.closed;
  }

  async #detach(lazy: boolean): Promise<void> {
    try {
      await this.#fuseMount.detach({ lazy });
    } catch (error) {
      if (!isErrno(error, EBUSY)) throw error;
      throw new InputError(await describeHolders(this.mountpoint), {
        code: 'ERR_STRATAFS_BUSY',
        cause: error,
      });
    }
  }

  async abort(): Promise<void> {
    await this.#fuseMount.abort();
    await this.closed;
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    try {
      await this.unmount();
    } catch (error) {
      if (error instanceof CopiedMountError || isErrno(error, EINVAL)) await this.abort();
      else if (error instanceof InputError && isErrno(error.cause, EBUSY)) await this.unmount({ lazy: true });
      else throw error;
    }
  }

  /** umount(2) takes whatever lies uppermost. Throws ErrnoError EINVAL, or who keeps it, where that is not this mount. */
  async #requireMounted(): Promise<void> {
    const entry = mountAt(await readMountTable(), this.mountpoint);
    if (entry?.device === this.#device) return;
    const copies = await findCopies(this.#device);
    if (
      entry !== undefined &&
      copies?.here.some(({ mountPoint }) => mountPoint === this.mountpoint) === true
    ) {
      throw new InputError(`${this.mountpoint}: a ${entry.type} is mounted on top of it`);
    }
    if (copies !== undefined) throw new CopiedMountError(describeCopies(this.mountpoint, copies));
    throw new ErrnoError(EINVAL, 'umount2', this.mountpoint, 'not mounted');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
