// BoundFuse: the package's class, bent where what it does by itself would be wrong or unsafe here.
//
// Its own getxattr and listxattr return to libfuse a length beyond the buffer where the value doesn't fit, and libfuse reads
// on there; its mount options are only those that it knows; and it unmounts by itself, lazily, by a program.
import { ERANGE } from '../../vfs/errno.ts';
import type {
  FuseNativePackage,
  PackageChanges,
  PackageFuse,
  PackageOperations,
  XattrSignal,
} from './package.ts';

/** Takes a value, or a negative errno. */
export type XattrAnswer = (value: Uint8Array | number) => void;

export interface XattrCalls {
  getxattr(path: string, name: string, answer: XattrAnswer): void;
  /** Names, each ended by NUL. */
  listxattr(path: string, answer: XattrAnswer): void;
}

/** `options` begins with -o. The result's `close` only lets the event loop go: the mount is gone already. */
export function bindFuse(
  { Fuse, binding }: FuseNativePackage,
  mountpoint: string,
  operations: PackageOperations & Partial<PackageChanges>,
  xattrs: XattrCalls,
  options: string,
): PackageFuse {
  class BoundFuse extends Fuse {
    override _fuseOptions(): string {
      return options;
    }

    override _op_getxattr(signal: XattrSignal, path: string, name: string, into: Buffer): void {
      xattrs.getxattr(path, name, (value) => signal(place(value, into), into.buffer));
    }

    override _op_listxattr(signal: XattrSignal, path: string, into: Buffer): void {
      xattrs.listxattr(path, (value) => signal(place(value, into), into.buffer));
    }

    override _close(done: (error: Error | null) => void): void {
      binding.fuse_native_unmount(this.mnt, this._thread);
      done(null);
    }
  }
  return new BoundFuse(mountpoint, { ...operations, getxattr: true, listxattr: true }, { timeout: false });
}

/** Puts a value where it is asked for; an empty `into` asks for its length (getxattr(2)). */
function place(value: Uint8Array | number, into: Buffer): number {
  if (typeof value === 'number') return value;
  if (into.length === 0) return value.length;
  if (value.length > into.length) return -ERANGE;
  into.set(value);
  return value.length;
}
