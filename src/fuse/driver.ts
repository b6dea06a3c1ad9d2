// Driver: what carries FUSE requests from the kernel to a FileSystem. Everything that serves a mount has this shape.
import type { FileSystem } from '../vfs/filesystem.ts';
import type { OwnerView } from './owners/owner-view.ts';
import type { InitAgreement } from './wire/negotiate.ts';

/** A connection that the kernel and a daemon have begun. */
export interface BegunConnection {
  /** A descriptor of its device. */
  readonly device: number;
  readonly agreement: InitAgreement;
}

export interface DriverOptions {
  /** By default owners are shown as they are stored. */
  readonly owners?: OwnerView | undefined;
  /** False: the kernel obeys no POSIX ACLs; they are plain xattrs. */
  readonly obeysAcls?: boolean | undefined;
  /** What the mount table shows as the mounted device. */
  readonly source: string;
  /** MS_* flags of mount(2); MS_RDONLY is added where the file system is read-only. */
  readonly flags: number;
  /** Other users than the mount's owner may look in. */
  readonly allowOther: boolean;
  /** False: the kernel checks no permissions (no default_permissions). Not with `allowOther`. By default it does. */
  readonly checksPermissions?: boolean | undefined;
  /**
   * Of a writable file system: the kernel may be asked to read and write backing files by itself (FUSE_PASSTHROUGH). By
   * default where the process is root; what the kernel refuses is done without.
   */
  readonly mayPassThrough?: boolean | undefined;
  /**
   * File systems stacked from the mount down to that of the backing files: 1 by default; 2 where they lie on a stacked
   * one such as overlayfs, and then nothing can be stacked on the mount.
   */
  readonly maxStackDepth?: 1 | 2 | undefined;
  /** False: every request is answered by JavaScript. By default native code answers what the file system's table does. */
  readonly usesFastPath?: boolean | undefined;
  /**
   * The connection of a mount that another daemon served: it is continued, and nothing is mounted. The driver takes over the
   * device.
   */
  readonly begun?: BegunConnection | undefined;
  /** MessageBuffers that all mounts of this thread use; by default the mount has its own. */
  readonly buffers?: { readonly request: Uint8Array; readonly reply: Uint8Array } | undefined;
}

export interface DriverStatistics {
  /** Requests seen, by the kernel's name of their kind (LOOKUP, READ, ...); kinds never seen are left out. */
  readonly requests: Readonly<Record<string, number>>;
  /** Those of them that were answered without JavaScript. */
  readonly answeredNatively: Readonly<Record<string, number>>;
  /** Bytes answered to READ. */
  readonly bytesRead: number;
  /** Bytes taken from WRITE. */
  readonly bytesWritten: number;
  /** Opens whose file the kernel reads and writes by itself: those bytes are in neither of the above. */
  readonly passthroughOpens: number;
  /** Requests that change something and have not ended. */
  readonly pendingChanges: number;
}

/** A mount that is served. The process that serves it must not touch it synchronously: it would wait for itself. */
export interface FuseMount {
  /** Absolute. */
  readonly mountpoint: string;
  /** Resolves once the mount is gone and everything is closed, by whomever it was unmounted. */
  readonly closed: Promise<void>;
  /**
   * What another daemon needs to continue the connection if this one ends; the device stays this one's. Undefined where the
   * driver or the kernel (before Linux 6.9) can't do that.
   */
  readonly connection?: BegunConnection | undefined;
  /** Takes no more requests, and resolves when those under way are answered. Nothing but the end of the process can follow. */
  pause?(): Promise<void>;
  statistics(): DriverStatistics;
  /** Detaches the mount, and waits for nothing else. Throws ErrnoError EBUSY where it is in use, unless `lazy`. */
  detach(how: { readonly lazy: boolean }): Promise<void>;
  /**
   * Unmounts and waits until all is closed; with `lazy` detaches at once, and what is open still goes on being
   * served. Throws ErrnoError EBUSY where somebody uses the mount; it then stays.
   */
  unmount(options?: { readonly lazy?: boolean }): Promise<void>;
  /** Ends the connection, mounted or not: who still uses the file system gets ENOTCONN. Resolves when all is closed. */
  abort(): Promise<void>;
}

/** Serves `fileSystem` on `mountpoint` (absolute, a directory); resolves when the mount answers. */
export type Driver = (
  fileSystem: FileSystem,
  mountpoint: string,
  options: DriverOptions,
) => Promise<FuseMount>;
