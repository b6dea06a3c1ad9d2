// NameMerge: computes what one name means, from the dentries that the layers have for it. The OCI layer rules are only
// here; the merge and the resolution of hard links both use it.
import { DentryKind, InodeFlag, type LayerIndex } from '../layer/layer-index.ts';
import { S_IFDIR, S_IFMT } from '../vfs/attr.ts';

/** The targets of one layer's links to lower layers: `links[i]` is inode `inode[i]` of layer `layer[i]`. */
export interface LinkTargets {
  readonly layer: Uint16Array;
  readonly inode: Uint32Array;
}

export const NameResult = {
  /** The name is not visible. */
  none: 0,
  /** Anything but a directory: inode `inode` of layer `layer`. */
  file: 1,
  /** A directory with the attributes of inode `inode` of layer `layer`; its content is merged from the parts. */
  directory: 2,
} as const;

/**
 * Usage: `begin`, then `offer` each layer's dentry of the name, topmost layer first, then read the result. One object
 * serves all names and leaves no garbage.
 */
export class NameMerge {
  result: (typeof NameResult)[keyof typeof NameResult] = NameResult.none;
  layer = 0;
  inode = 0;
  /** The directory's parts, topmost first: directory inodes of layers, whose children are merged next. */
  partCount = 0;
  readonly partLayer: Uint16Array;
  readonly partInode: Uint32Array;
  readonly #indexes: readonly LayerIndex[];
  readonly #links: readonly LinkTargets[];
  #isOpaque = false;
  #isExplicit = false;
  /** True if the last part redirects: lower layers have the rest of the directory under another name. */
  isRedirected = false;
  /** True if the last part has a redirect that may not be followed. */
  isUnfollowed = false;

  /** The caller may fill `links` as it goes: a layer's links must be there before a name of that layer is offered. */
  constructor(indexes: readonly LayerIndex[], links: readonly LinkTargets[]) {
    this.#indexes = indexes;
    this.#links = links;
    this.partLayer = new Uint16Array(indexes.length);
    this.partInode = new Uint32Array(indexes.length);
  }

  begin(): void {
    this.result = NameResult.none;
    this.partCount = 0;
    this.#isOpaque = false;
    this.#isExplicit = false;
    this.isRedirected = false;
    this.isUnfollowed = false;
  }

  /** Adds a part of a directory that is redirected. */
  addPart(layer: number, inode: number): void {
    this.partLayer[this.partCount] = layer;
    this.partInode[this.partCount++] = inode;
  }

  /** Returns false if lower layers no longer matter: the rest need not be offered. */
  offer(layer: number, dentry: number): boolean {
    const index = this.#indexes[layer] as LayerIndex;
    const kind = index.dentryKind[dentry];
    if (kind === DentryKind.whiteout) return false;
    const target = index.dentryTarget[dentry] as number;
    if (kind === DentryKind.lowerLink) {
      const links = this.#links[layer] as LinkTargets;
      return this.#offerFile(links.layer[target] as number, links.inode[target] as number);
    }
    return ((index.mode[target] as number) & S_IFMT) === S_IFDIR
      ? this.offerDirectory(layer, target)
      : this.#offerFile(layer, target);
  }

  /** A directory above a file hides what lies below the file. A carrier above a file makes no directory. */
  #offerFile(layer: number, inode: number): false {
    if (this.result === NameResult.none) {
      this.result = NameResult.file;
      this.layer = layer;
      this.inode = inode;
    }
    return false;
  }

  /**
   * The content ends at an opaque directory. The attributes are those of the topmost explicit directory, even below an
   * opaque one: an opaque marker hides the content of a directory, not its attributes.
   */
  offerDirectory(layer: number, inode: number): boolean {
    const index = this.#indexes[layer] as LayerIndex;
    const flags = index.inodeFlags[inode] as number;
    if (!this.#isOpaque) {
      this.addPart(layer, inode);
      this.#isOpaque = (flags & InodeFlag.opaque) !== 0;
      this.isRedirected = index.redirects?.has(inode) === true;
      this.isUnfollowed = index.unfollowed?.has(inode) === true;
    }
    if ((flags & InodeFlag.carrier) !== 0) return true;
    const isExplicit = (flags & InodeFlag.implicit) === 0;
    if (this.result === NameResult.none || (isExplicit && !this.#isExplicit)) {
      this.result = NameResult.directory;
      this.layer = layer;
      this.inode = inode;
      this.#isExplicit = isExplicit;
    }
    return !this.isRedirected && !this.isUnfollowed && !(this.#isOpaque && this.#isExplicit);
  }
}
