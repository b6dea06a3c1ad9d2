// Overlay: the file system of a Tree without an upper. With an upper it is WritableOverlay (write/writable-overlay.ts).
//
// The node ID, which is also the inode number that `ls -i` shows, is the tree's inode + 1. It stays the same for the life of the
// mount, and after remounting the same layers. Hot handlers allocate nothing. Only reads return promises.
import type { Tree } from '../../tree/tree.ts';
import type { AnswerTable } from '../../vfs/answer-table.ts';
import { Attr, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from '../../vfs/attr.ts';
import type { BlobReader, ReadResult } from '../../vfs/blob-reader.ts';
import { EINVAL, EISDIR, ENAMETOOLONG, ENOENT, ENOTDIR, ENOTTY, EPERM, ESTALE } from '../../vfs/errno.ts';
import {
  type DirectorySink,
  type Entry,
  type ReadOnlyFileSystem,
  type NodeId,
  ROOT_NODE_ID,
  type StatFs,
  type Status,
} from '../../vfs/filesystem.ts';
import { NAME_MAX } from '../../vfs/names.ts';
import { answerTableOf } from './answer-table.ts';
import { listDirectory } from './listing.ts';
import { LowerContent } from './lower-content.ts';
import { missingXattr } from './selinux-labels.ts';
import { type SyntheticSources, SyntheticXattrs } from './synthetic-xattrs.ts';

const BLOCK_SIZE = 4096;
const DOT = 0x2e;

export interface OverlayOptions extends SyntheticSources {
  readonly tree: Tree;
  /** One per layer, base first. Their opener closes them after closing this. */
  readonly readers: readonly BlobReader[];
}

export class Overlay implements ReadOnlyFileSystem {
  readonly isReadOnly = true;
  readonly hasPosixAcl: boolean;
  readonly answerTable: AnswerTable;
  readonly #tree: Tree;
  readonly #content: LowerContent;
  readonly #synthetic: SyntheticXattrs;
  readonly #listed: Entry = { nodeId: ROOT_NODE_ID, generation: 0, attr: new Attr() };

  constructor({ tree, readers, ...sources }: OverlayOptions) {
    if (readers.length !== tree.layerCount) {
      throw new Error(`${readers.length} readers for ${tree.layerCount} layers`);
    }
    this.hasPosixAcl = tree.hasPosixAcl;
    this.#tree = tree;
    this.#content = new LowerContent(tree, readers);
    this.#synthetic = new SyntheticXattrs(tree, sources);
    this.answerTable = answerTableOf(tree, readers, { countsLinks: false });
  }

  lookup(parent: NodeId, name: Uint8Array, out: Entry): Status {
    const type = this.#typeOf(parent);
    if (type < 0) return type;
    let child: number;
    if (name[0] === DOT && name.length === 1) {
      // Only for file handles (NFS, open_by_handle_at), which may be of any file type.
      child = parent - 1;
    } else {
      if (type !== S_IFDIR) return -ENOTDIR;
      if (name.length > NAME_MAX) return -ENAMETOOLONG;
      child =
        name[0] === DOT && name[1] === DOT && name.length === 2
          ? this.#tree.parentOf(parent - 1)
          : this.#tree.lookup(parent - 1, name);
      if (child < 0) return -ENOENT;
      if (this.#tree.isForbidden(child)) return -EPERM;
    }
    out.nodeId = (child + 1) as NodeId;
    out.generation = 0;
    this.#tree.readAttr(child, out.attr);
    out.attr.ino = child + 1;
    return 0;
  }

  /** Nodes have no objects, so there is nothing to drop. */
  forget(): void {
    return;
  }

  getattr(node: NodeId, out: Attr): Status {
    const type = this.#typeOf(node);
    if (type < 0) return type;
    this.#tree.readAttr(node - 1, out);
    out.ino = node;
    return 0;
  }

  readlink(node: NodeId): Uint8Array | number {
    const type = this.#typeOf(node);
    if (type < 0) return type;
    return type === S_IFLNK ? this.#tree.readlink(node - 1) : -EINVAL;
  }

  read(node: NodeId, offset: number, length: number): ReadResult | Promise<ReadResult> {
    const type = this.#typeOf(node);
    if (type === S_IFREG) return this.#content.read(node - 1, offset, length);
    if (type < 0) return type;
    return type === S_IFDIR ? -EISDIR : -EINVAL;
  }

  readdir(node: NodeId, cookie: number, sink: DirectorySink): Status {
    const type = this.#typeOf(node);
    if (type < 0) return type;
    if (type !== S_IFDIR) return -ENOTDIR;
    listDirectory(this.#tree, node - 1, cookie, sink, this.#listed);
    return 0;
  }

  seek(node: NodeId, offset: number, whence: number): number {
    const type = this.#typeOf(node);
    if (type < 0) return type;
    return type === S_IFREG ? this.#content.seek(node - 1, offset, whence) : -EINVAL;
  }

  getxattr(node: NodeId, name: Uint8Array): Uint8Array | number {
    const type = this.#typeOf(node);
    if (type < 0) return type;
    return (
      this.#synthetic.find(node - 1, name) ??
      this.#tree.getxattr(node - 1, name) ??
      missingXattr(name, this.answerTable.unsupportedXattr)
    );
  }

  listxattr(node: NodeId): Uint8Array | number {
    const type = this.#typeOf(node);
    return type < 0 ? type : this.#tree.listxattr(node - 1);
  }

  getFlags(node: NodeId): number {
    const type = this.#typeOf(node);
    if (type < 0) return type;
    return type === S_IFREG || type === S_IFDIR ? this.#tree.protectionOf(node - 1) : -ENOTTY;
  }

  /** Shows a full file system: no free blocks and no free inodes. */
  statfs(out: StatFs): Status {
    out.blockSize = BLOCK_SIZE;
    out.blocks = Math.ceil(this.#tree.totalSize / BLOCK_SIZE);
    out.blocksFree = 0;
    out.blocksAvailable = 0;
    out.files = this.#tree.inodeCount;
    out.filesFree = 0;
    out.nameLength = NAME_MAX;
    return 0;
  }

  /** Does nothing: the opener of the readers closes them. */
  close(): void {
    return;
  }

  /** The file type bits of a node; -ESTALE if the node ID is not one of this mount. */
  #typeOf(node: NodeId): number {
    return node >= 1 && node <= this.#tree.inodeCount ? this.#tree.modeOf(node - 1) & S_IFMT : -ESTALE;
  }
}
