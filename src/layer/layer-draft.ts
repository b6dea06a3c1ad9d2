// A layer while it is being indexed: members are added in order, and the rules within one layer are applied as if the
// members were extracted in that order.
//
// It decides what a member does to names of its own layer, and records what it does to lower layers. docs/formats.md,
// "Decisions", explains rules that the image-spec leaves open. freeze-draft.ts makes the LayerIndex.
import { S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from '../vfs/attr.ts';
import type { InputError } from '../vfs/input-error.ts';
import { NAME_MAX } from '../vfs/names.ts';
import { showName } from '../vfs/show-text.ts';
import type { Member } from '../tar/member.ts';
import { ByteArena } from './byte-arena.ts';
import { DraftDentries, DraftKind } from './draft-dentries.ts';
import { DraftExtents } from './draft-extents.ts';
import { DraftInodes } from './draft-inodes.ts';
import { DraftXattrs } from './draft-xattrs.ts';
import { InodeFlag } from './layer-index.ts';
import { kindOfName, kindOfPath, NameKind, WHITEOUT_PREFIX } from '../overlayfs-format/whiteout-names.ts';

/** Limit of the names, and of the inodes, of one layer: about 100 bytes each. */
export const MAX_LAYER_ENTRIES = 1 << 23;
const MAX_NAME_BYTES = 1 << 30;

const SLASH = 0x2f;
const DOT = 0x2e;
export const ROOT_INODE = 0;

/** Makes the error for the current member: what was found, what was expected. */
export type Refuse = (found: string, expected: string) => InputError;

/** A hard link whose target was not in the layer when it was added: its path, in the arena. */
export interface PendingLink {
  readonly offset: number;
  readonly length: number;
  /** Offset of the link's header in the tar. */
  readonly memberOffset: number;
}

export class LayerDraft {
  /** Names, symlink targets, paths of pending links. */
  readonly arena: ByteArena;
  readonly dentries: DraftDentries;
  readonly inodes: DraftInodes;
  readonly xattrs: DraftXattrs;
  readonly extents: DraftExtents;
  readonly pendingLinks: PendingLink[] = [];
  /** As in LayerIndex, by draft inode. */
  readonly redirects = new Map<number, Uint8Array>();
  readonly metacopies = new Set<number>();
  readonly unfollowed = new Set<number>();
  readonly protections = new Map<number, number>();
  readonly #maxEntries: number;
  readonly #refuse: Refuse;
  readonly #readsMarkers: boolean;

  /** The directory of the last member: most members follow a sibling. Length -1: none. */
  readonly #lastPath: Uint8Array;
  #lastLength = -1;
  #lastInode = ROOT_INODE;

  /**
   * `maxEntries` limits names, inodes and pending links. `readsMarkers` false: names that start with .wh. are plain
   * names.
   */
  constructor(refuse: Refuse, maxEntries = MAX_LAYER_ENTRIES, readsMarkers = true) {
    this.#refuse = refuse;
    this.#readsMarkers = readsMarkers;
    this.#maxEntries = maxEntries;
    const tooMany = (what: string) => () => refuse(`more ${what}`, 'a layer of bounded size');
    this.arena = new ByteArena(MAX_NAME_BYTES, tooMany(`than ${MAX_NAME_BYTES} bytes of names`));
    this.dentries = new DraftDentries(this.arena, maxEntries, tooMany(`than ${maxEntries} entries`));
    this.inodes = new DraftInodes(maxEntries, tooMany(`than ${maxEntries} entries`));
    this.xattrs = new DraftXattrs(tooMany('bytes of xattrs'));
    this.extents = new DraftExtents(tooMany('pieces of sparse files'));
    this.#lastPath = new Uint8Array(4096);
    this.inodes.addDirectory(InodeFlag.implicit);
  }

  /**
   * Adds a member. Returns the inode that its content belongs to, or -1 if it has none (whiteouts, bookkeeping, hard
   * links). Throws for a name that a layer can't have.
   */
  add(member: Member): number {
    const { path, pathLength } = member;
    if (pathLength === 0) return this.#addRoot(member);
    let name = pathLength;
    while (name > 0 && path[name - 1] !== SLASH) name--;
    const parentLength = name === 0 ? 0 : name - 1;
    const isSibling = this.#isLastDirectory(path, parentLength);
    if (!isSibling && this.#readsMarkers) {
      const parentKind = kindOfPath(path, parentLength);
      if (parentKind === NameKind.bookkeeping || parentKind === NameKind.opaque) return -1;
      if (parentKind === NameKind.whiteout) {
        throw this.#refuse(`'${show(path, pathLength)}'`, 'no entry beneath a whiteout');
      }
    }
    const kind = this.#readsMarkers ? kindOfName(path, name, pathLength) : NameKind.plain;
    if (kind === NameKind.bookkeeping) return -1;
    if (kind !== NameKind.plain) {
      this.#addMarker(kind, path, parentLength, name, pathLength);
      return -1;
    }
    this.#checkName(path, name, pathLength);
    const parent = isSibling ? this.#lastInode : this.#parentForEntry(path, parentLength);
    return this.#place(parent, member, name);
  }

  /** Hides a name in lower layers, as `.wh.NAME` does; no effect if a file of this layer blocks the path. */
  addWhiteout(path: Uint8Array, parentLength: number, name: number, end: number): void {
    this.#checkName(path, name, end);
    const parent = this.#parentForMarker(path, parentLength);
    if (parent >= 0) this.#hide(parent, path, name, end);
  }

  /** Hides the lower content of a directory, as `.wh..wh..opq` does. */
  addOpaque(path: Uint8Array, length: number): void {
    const directory = this.#parentForMarker(path, length);
    if (directory >= 0) this.#setFlag(directory, InodeFlag.opaque);
  }

  /** The inode of a path in the layer so far; `-1 - dentry` for a name that has none (yet); undefined. */
  lookupPath(path: Uint8Array, start: number, end: number): number | undefined {
    let inode = ROOT_INODE;
    for (let at = start; at < end;) {
      if (!this.isDirectory(inode)) return undefined;
      let stop = at;
      while (stop < end && path[stop] !== SLASH) stop++;
      const dentry = this.dentries.find(inode, path, at, stop);
      if (dentry < 0) return undefined;
      if (this.dentries.kind[dentry] !== DraftKind.inode) return stop === end ? -1 - dentry : undefined;
      inode = this.dentries.target[dentry] as number;
      at = stop + 1;
    }
    return inode;
  }

  isDirectory(inode: number): boolean {
    return ((this.inodes.mode[inode] as number) & S_IFMT) === S_IFDIR;
  }

  /** The bytes after the last one of this regular file are zeros (InodeFlag.cleanTail). No effect on other inodes. */
  noteCleanTail(inode: number): void {
    if (((this.inodes.mode[inode] as number) & S_IFMT) !== S_IFREG) return;
    if (((this.inodes.flags[inode] as number) & InodeFlag.sparse) !== 0) return;
    this.#setFlag(inode, InodeFlag.cleanTail);
  }

  /** Gives a regular file its sparse map; its stored bytes start at `blobOffset`. */
  setSparse(inode: number, map: Float64Array, blobOffset: number): void {
    const list = this.extents.add(map, blobOffset);
    const { numbers } = this.extents;
    const isWhole =
      numbers[list] === 1 && numbers[list + 1] === 0 && numbers[list + 2] === this.inodes.size[inode];
    this.inodes.dataOffset[inode] = isWhole ? blobOffset : list;
    if (!isWhole) this.#setFlag(inode, InodeFlag.sparse);
  }

  #addRoot(member: Member): number {
    if (member.isHardLink || (member.mode & S_IFMT) !== S_IFDIR) {
      throw this.#refuse('a root that is not a directory', 'a directory');
    }
    this.#setAttributes(ROOT_INODE, member);
    return ROOT_INODE;
  }

  #addMarker(kind: NameKind, path: Uint8Array, parentLength: number, name: number, end: number): void {
    if (kind === NameKind.opaque) {
      this.addOpaque(path, parentLength);
      return;
    }
    const hidden = name + WHITEOUT_PREFIX.length;
    const length = end - hidden;
    if (
      length === 0 ||
      (path[hidden] === DOT && (length === 1 || (length === 2 && path[hidden + 1] === DOT)))
    ) {
      throw this.#refuse(`the whiteout '${show(path, end)}'`, 'the name that it hides after .wh.');
    }
    this.addWhiteout(path, parentLength, hidden, end);
  }

  #checkName(path: Uint8Array, start: number, end: number): void {
    if (end - start > NAME_MAX) {
      throw this.#refuse(
        `a name of ${end - start} bytes, '${showName(path.subarray(start, end))}'`,
        `at most ${NAME_MAX} (ENAMETOOLONG)`,
      );
    }
  }

  /** The directory of an entry. Missing directories are made; anything but a directory is replaced by one. */
  #parentForEntry(path: Uint8Array, length: number): number {
    let inode = ROOT_INODE;
    for (let start = 0; start < length;) {
      let end = start;
      while (end < length && path[end] !== SLASH) end++;
      this.#checkName(path, start, end);
      const dentry = this.dentries.find(inode, path, start, end);
      if (dentry < 0) {
        const directory = this.inodes.addDirectory(InodeFlag.implicit);
        this.dentries.add(inode, path, start, end, DraftKind.inode, directory);
        inode = directory;
      } else if (this.#isDirectoryDentry(dentry)) {
        inode = this.dentries.target[dentry] as number;
        this.#clearFlag(inode, InodeFlag.carrier);
      } else {
        // What stood here has replaced the lower directory, so this directory is new and has its own attributes.
        inode = this.inodes.addDirectory(InodeFlag.opaque);
        this.dentries.kind[dentry] = DraftKind.inode;
        this.dentries.target[dentry] = inode;
      }
      start = end + 1;
    }
    this.#lastPath.set(path.subarray(0, length));
    this.#lastLength = length;
    this.#lastInode = inode;
    return inode;
  }

  /**
   * The directory of a whiteout or opaque marker; -1 if a file of this layer blocks the path, so that the marker has no
   * effect.
   */
  #parentForMarker(path: Uint8Array, length: number): number {
    let inode = ROOT_INODE;
    for (let start = 0; start < length;) {
      let end = start;
      while (end < length && path[end] !== SLASH) end++;
      this.#checkName(path, start, end);
      const dentry = this.dentries.find(inode, path, start, end);
      if (dentry >= 0 && !this.#isDirectoryDentry(dentry)) return -1;
      if (dentry < 0) {
        const directory = this.inodes.addDirectory(InodeFlag.implicit | InodeFlag.carrier);
        this.dentries.add(inode, path, start, end, DraftKind.inode, directory);
        inode = directory;
      } else {
        inode = this.dentries.target[dentry] as number;
      }
      start = end + 1;
    }
    return inode;
  }

  #hide(parent: number, path: Uint8Array, start: number, end: number): void {
    const dentry = this.dentries.find(parent, path, start, end);
    if (dentry < 0) {
      this.dentries.add(parent, path, start, end, DraftKind.whiteout, 0);
      return;
    }
    if (!this.#isDirectoryDentry(dentry)) return;
    const directory = this.dentries.target[dentry] as number;
    if (((this.inodes.flags[directory] as number) & InodeFlag.carrier) !== 0) {
      this.dentries.kind[dentry] = DraftKind.whiteout;
      this.dentries.target[dentry] = 0;
    } else {
      // The layer's own entries stay, in a directory without lower content.
      this.#clearFlag(directory, InodeFlag.implicit);
      this.#setFlag(directory, InodeFlag.opaque);
    }
  }

  #place(parent: number, member: Member, name: number): number {
    const { path, pathLength } = member;
    if (member.isHardLink) {
      this.#link(parent, member, name);
      return -1;
    }
    const dentry = this.dentries.find(parent, path, name, pathLength);
    const isDirectory = (member.mode & S_IFMT) === S_IFDIR;
    if (isDirectory && dentry >= 0 && this.#isDirectoryDentry(dentry)) {
      const inode = this.dentries.target[dentry] as number;
      this.#setAttributes(inode, member);
      return inode;
    }
    const inode = this.inodes.add();
    if (isDirectory && dentry >= 0) this.#setFlag(inode, InodeFlag.opaque);
    this.#setAttributes(inode, member);
    this.#point(dentry, parent, member, name, DraftKind.inode, inode);
    return inode;
  }

  #link(parent: number, member: Member, name: number): void {
    const { path, pathLength, link, linkLength } = member;
    const found = this.lookupPath(link, 0, linkLength);
    const dentry = this.dentries.find(parent, path, name, pathLength);
    if (found !== undefined && found >= 0) {
      if (this.isDirectory(found)) {
        throw this.#refuse(
          `'${show(path, pathLength)}', a hard link to the directory '${show(link, linkLength)}'`,
          'a link to anything but a directory',
        );
      }
      this.#point(dentry, parent, member, name, DraftKind.inode, found);
      return;
    }
    const earlier = found === undefined ? -1 : -1 - found;
    if (earlier >= 0 && this.dentries.kind[earlier] === DraftKind.pendingLink) {
      const target = this.dentries.target[earlier] as number;
      this.#point(dentry, parent, member, name, DraftKind.pendingLink, target);
      return;
    }
    // Many links can replace each other at one name, so the limit of names doesn't limit them.
    if (this.pendingLinks.length >= this.#maxEntries) {
      throw this.#refuse(`more than ${this.#maxEntries} hard links`, 'a layer of bounded size');
    }
    const offset = this.arena.append(link, 0, linkLength);
    this.pendingLinks.push({ offset, length: linkLength, memberOffset: member.offset });
    this.#point(dentry, parent, member, name, DraftKind.pendingLink, this.pendingLinks.length - 1);
  }

  /** Changes the meaning of a name, or makes it (`dentry` -1). */
  #point(dentry: number, parent: number, member: Member, name: number, kind: number, target: number): void {
    if (dentry < 0) {
      this.dentries.add(parent, member.path, name, member.pathLength, kind, target);
      return;
    }
    // A directory that is replaced may contain the remembered one.
    if (this.#isDirectoryDentry(dentry)) this.#lastLength = -1;
    this.dentries.kind[dentry] = kind;
    this.dentries.target[dentry] = target;
  }

  #setAttributes(inode: number, member: Member): void {
    const { inodes } = this;
    inodes.mode[inode] = member.mode;
    inodes.uid[inode] = member.uid;
    inodes.gid[inode] = member.gid;
    inodes.rdev[inode] = member.rdev;
    inodes.mtimeSec[inode] = member.mtimeSec;
    inodes.mtimeNsec[inode] = member.mtimeNsec;
    inodes.atimeSec[inode] = member.atimeSec;
    inodes.atimeNsec[inode] = member.atimeNsec;
    inodes.xattr[inode] = this.xattrs.add(member.xattrs);
    switch (member.mode & S_IFMT) {
      case S_IFDIR:
        this.#clearFlag(inode, InodeFlag.implicit | InodeFlag.carrier);
        break;
      case S_IFLNK:
        inodes.size[inode] = member.linkLength;
        inodes.dataOffset[inode] = this.arena.append(member.link, 0, member.linkLength);
        break;
      case S_IFREG:
        inodes.size[inode] = member.size;
        inodes.dataOffset[inode] = member.dataOffset;
        if (member.sparse !== undefined) this.setSparse(inode, member.sparse, member.dataOffset);
        break;
      default:
    }
  }

  #isDirectoryDentry(dentry: number): boolean {
    return (
      this.dentries.kind[dentry] === DraftKind.inode &&
      this.isDirectory(this.dentries.target[dentry] as number)
    );
  }

  #isLastDirectory(path: Uint8Array, length: number): boolean {
    if (length !== this.#lastLength) return false;
    const last = this.#lastPath;
    for (let i = length - 1; i >= 0; i--) {
      if (path[i] !== last[i]) return false;
    }
    return true;
  }

  #setFlag(inode: number, flag: number): void {
    this.inodes.flags[inode] = (this.inodes.flags[inode] as number) | flag;
  }

  #clearFlag(inode: number, flag: number): void {
    this.inodes.flags[inode] = (this.inodes.flags[inode] as number) & ~flag;
  }
}

function show(path: Uint8Array, length: number): string {
  return showName(path.subarray(0, length));
}
