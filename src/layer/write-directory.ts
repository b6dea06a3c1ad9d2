// Writes one layer to a directory in overlayfs form, for use as a lower layer: whiteouts as 0:0 devices, opaque
// directories by xattr, hard links, owners, xattrs, devices and holes. It follows the layer's index, so names that no
// unpacker could create (a whiteout of a name of 255 bytes) need no special case.
//
// An image is hostile: each name is one component beneath a descriptor of a directory that was made here, and no call
// follows a symlink. For an ordinary user, owners and `trusted.` marks are left out, and opaque directories are marked
// as in a tar.
import { closeSync, constants } from 'node:fs';
import { DentryKind, InodeFlag, type LayerIndex } from './layer-index.ts';
import * as sys from '../sys/upper-calls.ts';
import { S_IFCHR, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from '../vfs/attr.ts';
import { EOPNOTSUPP, EPERM, ErrnoError } from '../vfs/errno.ts';

export interface ReadableLayer {
  readonly index: LayerIndex;
  /** All bytes, owned by the caller. Throws ErrnoError (EIO). */
  readonly readBytes: (offset: number, length: number) => Promise<Uint8Array>;
}

/** The targets of a layer's hard links to names of lower layers, by the number of the link. */
export interface LowerLinks {
  readonly layer: ArrayLike<number>;
  readonly inode: ArrayLike<number>;
}

const PIECE = 1 << 20;
const SELF = Buffer.alloc(0);
const OPAQUE_XATTR = Buffer.from('trusted.overlay.opaque');
const OPAQUE_FILE = Buffer.from('.wh..wh..opq');
const OWN_MARKS = 'trusted.overlay.';
/**
 * The name under which overlayfs hides a mark that belongs to a lower layer's data
 * (Documentation/filesystems/overlayfs.rst, "Nesting").
 */
const ESCAPED_MARKS = 'trusted.overlay.overlay.';

/** A directory that was made. Its mode and times are set last. */
interface MadeDirectory {
  readonly path: string;
  readonly inode: number;
}

/** Writes layer `number` (base 0) of `layers` beneath `root`, a descriptor of an empty directory. Throws ErrnoError. */
export function writeLayerDirectory(
  layers: readonly ReadableLayer[],
  number: number,
  links: LowerLinks,
  root: number,
): Promise<void> {
  return new LayerWriter(layers, number, links, root).run();
}

class LayerWriter {
  readonly #layers: readonly ReadableLayer[];
  readonly #number: number;
  readonly #links: LowerLinks;
  readonly #root: number;
  readonly #isRoot = process.geteuid?.() === 0;
  /** The first path of each written inode, by layer and inode. */
  readonly #firstPaths = new Map<string, string>();

  constructor(layers: readonly ReadableLayer[], number: number, links: LowerLinks, root: number) {
    this.#layers = layers;
    this.#number = number;
    this.#links = links;
    this.#root = root;
  }

  async run(): Promise<void> {
    const directories: MadeDirectory[] = [{ path: '', inode: 0 }];
    for (let next = 0; next < directories.length; next++) {
      const { path, inode } = directories[next] as MadeDirectory;
      const fd = this.#openDirectory(path);
      try {
        await this.#writeChildren(fd, path, inode, directories);
      } finally {
        closeSync(fd);
      }
    }
    for (const { path, inode } of directories.reverse()) {
      const fd = this.#openDirectory(path);
      try {
        this.#setAttributes(fd, SELF, this.#number, inode, path);
      } finally {
        closeSync(fd);
      }
    }
  }

  async #writeChildren(
    fd: number,
    path: string,
    directory: number,
    directories: MadeDirectory[],
  ): Promise<void> {
    const { index } = this.#layers[this.#number] as ReadableLayer;
    const first = index.firstChild[directory] as number;
    for (let dentry = first; dentry < first + (index.childCount[directory] as number); dentry++) {
      const start = index.nameOffset[dentry] as number;
      const name = Buffer.from(index.pool.subarray(start, start + (index.nameLength[dentry] as number)));
      const text = name.toString('latin1');
      const child = path === '' ? text : `${path}/${text}`;
      const target = index.dentryTarget[dentry] as number;
      const kind = index.dentryKind[dentry];
      if (kind === DentryKind.whiteout) check(sys.mknodAt(fd, name, S_IFCHR, 0, 0), 'mknod', child);
      else if (kind === DentryKind.lowerLink) {
        const [layer, inode] = [this.#links.layer[target] as number, this.#links.inode[target] as number];
        await this.#writeFile(fd, name, layer, inode, child);
      } else if (((index.mode[target] as number) & S_IFMT) === S_IFDIR) {
        check(sys.mkdirAt(fd, name, 0o700, 0), 'mkdir', child);
        directories.push({ path: child, inode: target });
      } else await this.#writeFile(fd, name, this.#number, target, child);
    }
  }

  /** Writes anything but a directory. */
  async #writeFile(fd: number, name: Buffer, layer: number, inode: number, path: string): Promise<void> {
    const key = `${layer} ${inode}`;
    const first = this.#firstPaths.get(key);
    if (first !== undefined) {
      this.#link(first, fd, name, path);
      return;
    }
    this.#firstPaths.set(key, path);
    const { index } = this.#layers[layer] as ReadableLayer;
    const mode = index.mode[inode] as number;
    const type = mode & S_IFMT;
    if (type === S_IFLNK) {
      const start = index.dataOffset[inode] as number;
      const target = index.pool.subarray(start, start + (index.size[inode] as number));
      check(sys.symlinkAt(target, fd, name), 'symlink', path);
    } else if (type === S_IFREG) await this.#writeContent(fd, name, layer, inode, path);
    else check(sys.mknodAt(fd, name, mode, index.rdev[inode] as number, 0), 'mknod', path);
    this.#setAttributes(fd, name, layer, inode, path);
  }

  #link(from: string, fd: number, name: Buffer, path: string): void {
    const slash = from.lastIndexOf('/');
    const directory = this.#openDirectory(slash < 0 ? '' : from.slice(0, slash));
    try {
      check(sys.linkAt(directory, Buffer.from(from.slice(slash + 1), 'latin1'), fd, name), 'link', path);
    } finally {
      closeSync(directory);
    }
  }

  async #writeContent(fd: number, name: Buffer, layer: number, inode: number, path: string): Promise<void> {
    const { index, readBytes } = this.#layers[layer] as ReadableLayer;
    const size = index.size[inode] as number;
    const file = check(sys.createAt(fd, name, constants.O_WRONLY, 0o600, 0), 'open', path);
    try {
      check(sys.truncateFile(file, size), 'truncate', path);
      for (const [offset, length, blobOffset] of extentsOf(index, inode)) {
        for (let done = 0; done < length; done += PIECE) {
          const bytes = await readBytes(blobOffset + done, Math.min(PIECE, length - done));
          check(await sys.writeLater(file, bytes, offset + done), 'write', path);
        }
      }
    } finally {
      closeSync(file);
    }
  }

  /** The order matters: chown(2) changes the mode and removes capabilities, and every other call changes the times. */
  #setAttributes(fd: number, name: Buffer, layer: number, inode: number, path: string): void {
    const { index } = this.#layers[layer] as ReadableLayer;
    const mode = index.mode[inode] as number;
    if (this.#isRoot) {
      check(sys.chownAt(fd, name, index.uid[inode] as number, index.gid[inode] as number), 'chown', path);
    }
    if ((mode & S_IFMT) !== S_IFLNK) {
      check(sys.chmodAt(fd, name, mode & (this.#isRoot ? 0o7777 : 0o777)), 'chmod', path);
    }
    for (const [attribute, value] of xattrsOf(index, inode)) this.#setXattr(fd, name, attribute, value, path);
    const isOpaque = ((index.inodeFlags[inode] as number) & InodeFlag.opaque) !== 0;
    if (isOpaque) this.#markOpaque(fd, path);
    const status = sys.utimensAt(
      ...([fd, name, index.atimeSec[inode], index.atimeNsec[inode]] as [number, Buffer, number, number]),
      ...([index.mtimeSec[inode], index.mtimeNsec[inode]] as [number, number]),
    );
    check(status, 'utimensat', path);
  }

  #setXattr(fd: number, name: Buffer, attribute: string, value: Uint8Array, path: string): void {
    const isMark = attribute.startsWith(OWN_MARKS);
    const shown = isMark ? `${ESCAPED_MARKS}${attribute.slice(OWN_MARKS.length)}` : attribute;
    const status = sys.setxattrAt(fd, name, Buffer.from(shown, 'latin1'), value, 0);
    // EPERM, EOPNOTSUPP: no file system stores a symlink's user xattr, or an ordinary user's `trusted.`. The benchmarks
    // read neither.
    if (status !== -EPERM && status !== -EOPNOTSUPP) check(status, 'setxattr', path);
  }

  /** `fd`: a descriptor of the directory itself. */
  #markOpaque(fd: number, path: string): void {
    if (this.#isRoot) check(sys.setxattrAt(fd, SELF, OPAQUE_XATTR, Buffer.from('y'), 0), 'setxattr', path);
    else closeSync(check(sys.createAt(fd, OPAQUE_FILE, constants.O_WRONLY, 0o600, 0), 'open', path));
  }

  /** `path`: bytes as latin1; '' is the root. */
  /** Component by component: a path may be longer than a system call takes. */
  #openDirectory(path: string): number {
    let fd = check(sys.openAt(this.#root, SELF, sys.DIRECTORY_FLAGS), 'open', path);
    for (const name of path === '' ? [] : path.split('/')) {
      const parent = fd;
      fd = sys.openAt(parent, Buffer.from(name, 'latin1'), sys.DIRECTORY_FLAGS);
      closeSync(parent);
      check(fd, 'open', path);
    }
    return fd;
  }
}

/** The stored pieces of a regular file: offset in the file, length, offset in the blob. */
function extentsOf(index: LayerIndex, inode: number): (readonly [number, number, number])[] {
  const data = index.dataOffset[inode] as number;
  if (((index.inodeFlags[inode] as number) & InodeFlag.sparse) === 0) {
    return [[0, index.size[inode] as number, data]];
  }
  return Array.from({ length: index.extents[data] as number }, (_, n) => {
    const at = data + 1 + 3 * n;
    return [index.extents[at], index.extents[at + 1], index.extents[at + 2]] as [number, number, number];
  });
}

function* xattrsOf({ xattr, xattrs }: LayerIndex, inode: number): Generator<[string, Uint8Array]> {
  const at = xattr[inode] as number;
  if (at === 0) return;
  const block = Buffer.from(xattrs.buffer, xattrs.byteOffset + at - 1);
  let end = 2;
  for (let left = block.readUInt16LE(0); left > 0; left--) {
    const nameStart = end + 5;
    const valueStart = nameStart + block.readUInt8(end);
    end = valueStart + block.readUInt32LE(end + 1);
    yield [block.toString('latin1', nameStart, valueStart), block.subarray(valueStart, end)];
  }
}

function check(status: number, call: string, path: string): number {
  if (status < 0) throw new ErrnoError(status, call, path);
  return status;
}
