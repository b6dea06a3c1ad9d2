// UpperSource: the changes that an upper directory makes, with the attributes and bytes of the changed inodes.
//
// Bytes are read from the upper, or from the image if the upper has only metadata. A file that is written to while it is read
// is an error; its size and times show that.
import { close, read } from 'node:fs';
import { promisify } from 'node:util';
import { FileContent } from '../inspect/file-content.ts';
import { describeMember } from '../inspect/export-tar.ts';
import { type Inode, LOST_DATA, UPPER_DATA } from '../overlay/read/inode.ts';
import type { OverlayState } from '../overlay/write/overlay-state.ts';
import { getXattr, listXattrs } from '../overlay/write/xattrs.ts';
import { statAt } from '../sys/stat-at.ts';
import { openAt, readlinkAt, seekFile } from '../sys/upper-calls.ts';
import { Attr, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG, rdevMajor, rdevMinor } from '../vfs/attr.ts';
import type { BlobReader } from '../vfs/blob-reader.ts';
import { ENODATA, ENXIO, ErrnoError, errnoName } from '../vfs/errno.ts';
import type { NodeId } from '../vfs/filesystem.ts';
import { InputError } from '../vfs/input-error.ts';
import { bytesOf, latin1Of } from '../vfs/names.ts';
import { showPath } from '../vfs/show-text.ts';
import type { ChangeSource, DescribedInode, LayerChange } from './layer-change.ts';
import { findUpperChanges, isOfUpper } from './upper-changes.ts';

const readFrom = promisify(read);
const closeLater = promisify(close);
const NO_NAME = new Uint8Array(0);
/** Marks of overlayfs. An engine that unpacks the layer for overlayfs would obey them. */
const OVERLAY_MARK = /^(?:trusted|user)\.overlay\./;
const SEEK_DATA = 3;
const SEEK_HOLE = 4;
/** Bytes per read. */
const PIECE = 1 << 20;

export class UpperSource implements ChangeSource {
  readonly changes: readonly LayerChange[];
  /** The fingerprint of the upper when this was created (UpperChanges). */
  readonly fingerprint: string;
  readonly totalSize: number;
  readonly #state: OverlayState;
  readonly #lower: FileContent;

  /** `state` and the readers of its layers are lent. */
  constructor(state: OverlayState, readers: readonly BlobReader[]) {
    this.#state = state;
    this.#lower = new FileContent(state.tree, readers);
    const found = findUpperChanges(state);
    ({ changes: this.changes, fingerprint: this.fingerprint, totalSize: this.totalSize } = found);
  }

  describe(node: number, path: string): DescribedInode {
    const inode = this.#state.inodes.get(node as NodeId);
    const attr = new Attr();
    expect(this.#state.directories.readAttr(node as NodeId, attr), path);
    const type = attr.mode & S_IFMT;
    const lowerData = type === S_IFREG ? this.#lowerData(inode, node) : UPPER_DATA;
    if (lowerData === LOST_DATA) {
      throw new InputError(
        `${showPath(path)}: its bytes are neither in the upper nor in the image: metadata alone was copied up, over another image`,
      );
    }
    if (inode === undefined) {
      return describeMember(
        this.#state.tree,
        { inode: node - 1, path: NO_NAME, linkTo: undefined },
        type === S_IFREG ? this.#lower.pieces(node - 1) : undefined,
      );
    }
    const { mode, uid, gid, mtimeSec, mtimeNsec, rdev } = attr;
    return {
      ...{ mode, uid, gid, mtimeSec, mtimeNsec },
      rdevMajor: rdevMajor(rdev),
      rdevMinor: rdevMinor(rdev),
      size: type === S_IFDIR ? 0 : attr.size,
      link: type === S_IFLNK ? this.#target(inode, path) : undefined,
      xattrs: this.#xattrs(inode, path),
      pieces: type === S_IFREG ? this.#pieces(inode, lowerData, attr.size, path) : undefined,
    };
  }

  async *content(
    node: number,
    { size, pieces }: DescribedInode,
    path: string,
  ): AsyncGenerator<Uint8Array, void> {
    const inode = this.#state.inodes.get(node as NodeId);
    const lowerData = this.#lowerData(inode, node);
    const stored = pieces ?? [[0, size] as const];
    if (lowerData >= 0) {
      yield* this.#lower.readPieces(lowerData, stored);
      return;
    }
    const fd = this.#open(inode as Inode, path);
    try {
      const before = stampOf(fd, path);
      for (const [offset, length] of stored) {
        for (let at = offset; at < offset + length;) {
          const bytes = Buffer.allocUnsafe(Math.min(PIECE, offset + length - at));
          const { bytesRead } = await readFrom(fd, bytes, 0, bytes.length, at);
          if (bytesRead === 0) throw changedError(path);
          at += bytesRead;
          yield bytes.subarray(0, bytesRead);
        }
      }
      const after = stampOf(fd, path);
      if (before !== after || Number(before.split(' ')[0]) !== size) throw changedError(path);
    } finally {
      await closeLater(fd);
    }
  }

  /** The tree's inode that has the bytes of a regular file; or UPPER_DATA or LOST_DATA. */
  #lowerData(inode: Inode | undefined, node: number): number {
    if (inode === undefined) return node - 1;
    return isOfUpper(inode) ? inode.dataInode : inode.lower;
  }

  #open(inode: Inode, path: string): number {
    const place = this.#state.upper.placeOf(inode);
    // O_RDONLY.
    return expect(typeof place === 'number' ? place : openAt(place.dir, place.name, 0), path);
  }

  #pieces(inode: Inode, lowerData: number, size: number, path: string): [number, number][] | undefined {
    if (lowerData >= 0) return this.#lower.pieces(lowerData);
    const fd = this.#open(inode, path);
    try {
      return piecesOf(fd, size);
    } finally {
      close(fd);
    }
  }

  #target(inode: Inode, path: string): Uint8Array {
    if (!isOfUpper(inode)) return this.#state.tree.readlink(inode.lower);
    const place = this.#state.upper.placeOf(inode);
    const target = typeof place === 'number' ? place : readlinkAt(place.dir, place.name);
    if (typeof target === 'number') throw unreadable(path, target);
    return target;
  }

  #xattrs(inode: Inode, path: string): [Uint8Array, Uint8Array][] {
    const list = listXattrs(this.#state, inode);
    if (typeof list === 'number') throw unreadable(path, list);
    const names = latin1Of(list)
      .split('\0')
      .slice(0, -1)
      .filter((name) => !OVERLAY_MARK.test(name))
      .sort();
    return names.flatMap((text) => {
      const name = bytesOf(text);
      const value = getXattr(this.#state, inode, name);
      if (value === -ENODATA) return [];
      if (typeof value === 'number') throw unreadable(path, value);
      return [[name, value] as [Uint8Array, Uint8Array]];
    });
  }
}

/** The pieces of data of a file with holes; undefined for a file without holes. */
function piecesOf(fd: number, size: number): [number, number][] | undefined {
  const found: [number, number][] = [];
  for (let end = 0; end < size;) {
    const start = seekFile(fd, end, SEEK_DATA);
    if (start === -ENXIO || start >= size) break;
    // The file system does not support holes.
    if (start < 0) return undefined;
    const hole = seekFile(fd, start, SEEK_HOLE);
    end = hole < 0 ? size : Math.min(hole, size);
    found.push([start, end - start]);
  }
  const isWhole = size === 0 || (found.length === 1 && found[0]?.[0] === 0 && found[0][1] === size);
  return isWhole ? undefined : found;
}

/** The size, then the times that every change of the content moves. */
function stampOf(fd: number, path: string): string {
  const stat = statAt(fd, NO_NAME);
  if (typeof stat === 'number') throw unreadable(path, stat);
  const { size, mtimeSec, mtimeNsec, ctimeSec, ctimeNsec } = stat;
  return [size, mtimeSec, mtimeNsec, ctimeSec, ctimeNsec].join(' ');
}

function unreadable(path: string, errno: number): Error {
  return new InputError(`${showPath(path)}: can't be read in the upper: ${errnoName(errno)}`, {
    cause: new ErrnoError(errno, 'read'),
  });
}

function expect(result: number, path: string): number {
  if (result < 0) throw unreadable(path, result);
  return result;
}

export function changedError(path: string): InputError {
  return new InputError(
    `${showPath(path)}: changed while it was read; commit again when nothing writes to the mount`,
    { code: 'ERR_STRATAFS_CHANGED' },
  );
}
