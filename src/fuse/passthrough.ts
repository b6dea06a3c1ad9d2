// OpenFileTable: which nodes are open, and how: through the kernel's page cache, or passed through to a backing file.
//
// The kernel (fs/fuse/iomode.c, 6.9 and later) fails an open(2) with EIO where a reply mixes both on one inode, or names
// two backing files for it. So: while a cached open lives, all opens of the node are cached; while one that is passed
// through lives, all are, and share its backing id, whatever the file system offers meanwhile. A RELEASE is sent after
// the kernel has let go, so what this table counts is never less than what the kernel counts.
//
// Native code answers opens of its own, all of them cached, which are not entered here: the file system, which counts them
// too, says whether a node was open before (OpenFile.wasOpen). Of those that are passed through each one is entered.
import createDebug from 'debug';
import { EAGAIN, EINTR, EMFILE, ENFILE, ENOMEM, errnoName } from '../vfs/errno.ts';
import type { NodeId } from '../vfs/filesystem.ts';
import type { OpenFile } from '../vfs/operation.ts';
import { FOREVER } from './wire/protocol.ts';

const debug = createDebug('stratafs:fuse');

/** What makes a descriptor one that the kernel reads and writes by itself; the channel does. */
export interface BackingPort {
  /** FUSE_DEV_IOC_BACKING_OPEN: a backing id (1 and more), or a negative errno. */
  openBacking(fd: number): number;
  /** FUSE_DEV_IOC_BACKING_CLOSE. Files that are open by it stay open. */
  closeBacking(id: number): number;
}

interface OpenNode {
  /** Opens that no RELEASE has undone. */
  count: number;
  /** Those of them for reading and writing that are passed through. */
  sharedWriters: number;
  /** 0: cached. */
  readonly backingId: number;
  /** The kernel was notified that set-ID bits are gone since they were last set. */
  isKillReported: boolean;
}

const O_ACCMODE = 3;
const O_RDWR = 2;

/** Failures that may be over at the next open. */
const TRANSIENT: readonly number[] = [-ENOMEM, -ENFILE, -EMFILE, -EAGAIN, -EINTR];

export class OpenFileTable {
  /** Set when INIT has granted it; cleared for good when a descriptor is refused. */
  mayPassThrough = false;
  /** Opens that were passed through, ever. */
  passthroughOpens = 0;
  readonly #port: BackingPort;
  readonly #nodes = new Map<NodeId, OpenNode>();
  /** Nodes with `sharedWriters`. */
  #volatileNodes = 0;

  constructor(port: BackingPort) {
    this.#port = port;
  }

  /** Enters an open of `node` with open(2)'s `flags`: the backing id to answer with, or 0 where it goes through the cache. */
  open(node: NodeId, flags: number, { backingFd, wasOpen }: OpenFile): number {
    let opened = this.#nodes.get(node);
    if (opened === undefined) {
      const mayPass = this.mayPassThrough && backingFd >= 0 && !wasOpen;
      const backingId = mayPass ? this.#openBacking(backingFd) : 0;
      opened = { count: 0, sharedWriters: 0, backingId, isKillReported: false };
      this.#nodes.set(node, opened);
    }
    opened.count++;
    if (opened.backingId !== 0) {
      this.passthroughOpens++;
      if ((flags & O_ACCMODE) === O_RDWR && opened.sharedWriters++ === 0) this.#volatileNodes++;
    }
    return opened.backingId;
  }

  /** Undoes one open with the same `flags`, also one that was not entered here. */
  release(node: NodeId, flags: number): void {
    const opened = this.#nodes.get(node);
    if (opened === undefined) return;
    if (opened.sharedWriters > 0 && (flags & O_ACCMODE) === O_RDWR && --opened.sharedWriters === 0) {
      this.#volatileNodes--;
    }
    if (--opened.count > 0) return;
    this.#nodes.delete(node);
    if (opened.sharedWriters > 0) this.#volatileNodes--;
    if (opened.backingId !== 0) this.#port.closeBacking(opened.backingId);
  }

  /**
   * Seconds for which the kernel may keep the attributes of `node`: for ever, but 0 while it may be written through a
   * mapping that is passed through: such writes are reported to nobody, not even to the kernel's own FUSE side.
   */
  attrValidity(node: NodeId): number {
    if (this.#volatileNodes === 0) return FOREVER;
    const opened = this.#nodes.get(node);
    return opened === undefined || opened.sharedWriters === 0 ? FOREVER : 0;
  }

  /** True once between two `setsMode`: a write may just have cleared set-ID bits, which the kernel has still cached. */
  mustReportKilled(node: NodeId): boolean {
    const opened = this.#nodes.get(node);
    if (opened === undefined) return true;
    const was = opened.isKillReported;
    opened.isKillReported = true;
    return !was;
  }

  /** The permission bits of `node` were set anew. */
  setsMode(node: NodeId): void {
    const opened = this.#nodes.get(node);
    if (opened !== undefined) opened.isKillReported = false;
  }

  #openBacking(fd: number): number {
    const id = this.#port.openBacking(fd);
    if (id > 0) return id;
    if (!TRANSIENT.includes(id)) {
      this.mayPassThrough = false;
      debug('no passthrough on this mount: %s', errnoName(id));
    }
    return 0;
  }
}
