// Whiteouts: puts whiteouts into upper directories. All of them are links to one file `#whiteout` in W/work; the next mount
// removes that one.
//
// A whiteout is a character device 0:0. If this process can't make devices it is an empty regular file marked
// overlay.whiteout, in a directory marked overlay.opaque=x (overlayfs.rst, "Whiteouts and opaque directories").
import { closeSync, constants } from 'node:fs';
import {
  NO_NAME,
  RENAME_WHITEOUT,
  createAt,
  linkAt,
  mknodAt,
  renameAt,
  unlinkAt,
} from '../../sys/upper-calls.ts';
import { S_IFCHR } from '../../vfs/attr.ts';
import { EDQUOT, EEXIST, EINVAL, EIO, EMLINK, ENOENT, ENOSPC } from '../../vfs/errno.ts';
import type { Status } from '../../vfs/filesystem.ts';
import type { MarkSpace } from './marks.ts';
import type { UpperDirectory } from './upper-inode.ts';
import type { WorkNames } from './work-names.ts';

const WHITEOUT_NAME = Buffer.from('#whiteout');
/** overlay.opaque of a directory that has whiteouts in the form of xattrs; overlay.whiteout may have any value. */
const HOLDS_XATTR_WHITEOUTS = Buffer.from('x');

/** Errors of mknod(2) that say nothing about whether it can make devices. */
const DISK_ERRORS = new Set([-EDQUOT, -EIO, -ENOSPC]);

export class Whiteouts {
  readonly #workFd: number;
  readonly #marks: MarkSpace;
  readonly #names: WorkNames;
  #isMade = false;
  /** Becomes 'xattr' if the first mknod(2) fails. */
  #form: 'device' | 'xattr' = 'device';

  /** @param workFd of W/work; borrowed */
  constructor(workFd: number, marks: MarkSpace, names: WorkNames) {
    this.#workFd = workFd;
    this.#marks = marks;
    this.#names = names;
  }

  /**
   * Must be called before a name of an upper directory (`dir`) becomes a whiteout: makes the whiteout that will be linked, and marks
   * the directory if whiteouts are xattrs.
   */
  prepare(directory: UpperDirectory, dir: number): Status {
    const status = this.#isMade ? 0 : this.#make();
    if (status < 0 || this.#form === 'device' || directory.hasXattrWhiteouts) return status;
    const marked = this.#marks.set(dir, NO_NAME, 'opaque', HOLDS_XATTR_WHITEOUTS);
    if (marked === 0) directory.hasXattrWhiteouts = true;
    return marked;
  }

  /** Puts a whiteout at a name that does not exist. */
  link(dir: number, name: Uint8Array): Status {
    const status = linkAt(this.#workFd, WHITEOUT_NAME, dir, name);
    if (status !== -EMLINK && status !== -ENOENT) return status;
    const removed = unlinkAt(this.#workFd, WHITEOUT_NAME);
    if (removed < 0 && removed !== -ENOENT) return removed;
    this.#isMade = false;
    const created = this.#make();
    return created < 0 ? created : linkAt(this.#workFd, WHITEOUT_NAME, dir, name);
  }

  /** Puts a whiteout in place of a file, atomically. */
  replace(dir: number, name: Uint8Array): Status {
    const staged = this.#names.next();
    const status = this.link(this.#workFd, staged);
    if (status < 0) return status;
    const renamed = renameAt(this.#workFd, staged, dir, name, 0);
    if (renamed < 0) unlinkAt(this.#workFd, staged);
    return renamed;
  }

  /**
   * Renames a file and leaves a whiteout at its old name. If renameat2(2) can't leave one it is linked afterwards: after a crash in
   * between, the tree's old name shows again, and nothing is lost.
   */
  renameAndLeave(fromDir: number, fromName: Uint8Array, dir: number, name: Uint8Array): Status {
    if (this.#form === 'device') {
      const status = renameAt(fromDir, fromName, dir, name, RENAME_WHITEOUT);
      // EINVAL: the file system does not support it.
      if (status !== -EINVAL) return status;
    }
    const status = renameAt(fromDir, fromName, dir, name, 0);
    return status < 0 ? status : this.link(fromDir, fromName);
  }

  /** Removes `#whiteout`. */
  close(): void {
    if (this.#isMade) unlinkAt(this.#workFd, WHITEOUT_NAME);
  }

  #make(): Status {
    let status = 0;
    if (this.#form === 'device') {
      status = mknodAt(this.#workFd, WHITEOUT_NAME, S_IFCHR, 0, 0);
      if (DISK_ERRORS.has(status)) return status;
      if (status < 0 && status !== -EEXIST) this.#form = 'xattr';
    }
    if (this.#form === 'xattr') status = this.#makeMarkedFile();
    this.#isMade = status >= 0 || status === -EEXIST;
    return this.#isMade ? 0 : status;
  }

  #makeMarkedFile(): Status {
    const fd = createAt(this.#workFd, WHITEOUT_NAME, constants.O_RDWR, 0o600, 0);
    if (fd < 0) return fd;
    const status = this.#marks.set(fd, NO_NAME, 'whiteout', HOLDS_XATTR_WHITEOUTS);
    closeSync(fd);
    if (status < 0) unlinkAt(this.#workFd, WHITEOUT_NAME);
    return status;
  }
}
