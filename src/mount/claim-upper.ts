// Takes an upper directory for a mount that kernel overlayfs makes: checked and marked as for any mount of stratafs, so that
// each driver can go on with what the other has written.
import { closeSync, openSync } from 'node:fs';
import { MarkSpace } from '../overlay/upper/marks.ts';
import type { Upper } from '../overlay/upper/upper.ts';
import { kernelNames } from '../overlay/upper/name-form.ts';
import { WritableOverlay } from '../overlay/write/writable-overlay.ts';
import { uuidOfOrigin } from '../overlayfs-format/origin.ts';
import { DIRECTORY_FLAGS, NO_NAME, getxattrAt, lockFile, removexattrAt } from '../sys/upper-calls.ts';
import { errnoName } from '../vfs/errno.ts';
import { InputError } from '../vfs/input-error.ts';
import type { MergedLayers } from './layers.ts';
import type { PreparedUpper } from './prepare-upper.ts';

const ORIGIN = new MarkSpace('trusted').bytesOf('origin');

/** An upper that no other mount of stratafs takes meanwhile. */
export interface ClaimedUpper {
  /** To be called once the kernel has it mounted, or not. */
  release(): void;
}

/**
 * Recovers what a killed daemon has left, and completes what only the other driver knows. `uuid`: 16 bytes of the image that
 * will be the lower file system. `place`: the mount point, for messages. InputError where the kernel would show something
 * else than FUSE.
 */
export async function claimUpper(
  upper: PreparedUpper,
  { tree, readers, identity }: MergedLayers,
  uuid: Uint8Array,
  place: string,
): Promise<ClaimedUpper> {
  if (identity === undefined) throw new Error('the layers were not identified');
  const opened = await upper.open(identity, { isVolatile: false });
  let isSameLower: boolean;
  try {
    refuseForm(opened, upper.paths.upper, place);
    const origin = getxattrAt(opened.upperFd, NO_NAME, ORIGIN);
    isSameLower = typeof origin !== 'number' && uuidOfOrigin(origin)?.equals(uuid) === true;
    await WritableOverlay.open({ tree, readers, upper: opened, keepsIndex: isSameLower }).close();
  } catch (error) {
    opened.close();
    throw error;
  }
  const fd = lockAgain(upper.paths.upper);
  if (!isSameLower) {
    // The kernel refuses (ESTALE) a root that is a copy of another file system's; that the layers are the same is known.
    removexattrAt(fd, NO_NAME, ORIGIN);
  }
  return { release: () => closeSync(fd) };
}

/** What kernel overlayfs does not understand. */
function refuseForm({ marks, names }: Upper, path: string, place: string): void {
  const reason =
    marks.namespace !== 'trusted'
      ? 'has its marks in user.overlay.*, which root does not follow'
      : names !== kernelNames
        ? 'is in the form of fuse-overlayfs (.wh. names are whiteouts)'
        : undefined;
  if (reason !== undefined) throw new InputError(`${place}: driver=erofs: ${path} ${reason}`);
}

/** The lock ended when the upper was closed. Another mount may have taken it since. */
function lockAgain(path: string): number {
  const fd = openSync(path, DIRECTORY_FLAGS);
  const status = lockFile(fd);
  if (status === 0) return fd;
  closeSync(fd);
  throw new InputError(`${path}: in use by another mount (${errnoName(status)}); unmount that first`);
}
