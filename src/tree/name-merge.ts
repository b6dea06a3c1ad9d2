// NameMerge: what one name amounts to, given what each layer has under it. The OCI layer rules are here, and only
// here: the merge and the resolving of hard links both ask it.
import { DentryKind, InodeFlag, type LayerIndex } from '../layer/layer-index.ts';
import { S_IFDIR, S_IFMT } from '../vfs/attr.ts';

/** Where the names of one layer that link to lower layers lead: `links[i]` is inode `inode[i]` of layer `layer[i]`. */
export interface LinkTargets {
  readonly layer: Uint16Array;
  readonly inode: Uint32Array;
}

export const NameResult = {
  /** Nothing is visible under the name. */
  none: 0,
  /** Anything but a directory: inode `inode` of layer `layer`. */
  file: 1,
  /** A directory with the attributes of inode `inode` of layer `layer`, its content merged from the parts. */
  directory: 2,
} as const;

/**
 * Use: `begin`, then `offer` each layer's dentry of the name, topmost layer first, then read the result.
 * One object serves all names; it keeps no garbage.
 */
export class NameMerge {
  result: (typeof NameResult)[keyof typeof NameResult] = NameResult.none;
  layer = 0;
  inode = 0;
  /** The directory's parts, topmost first: directory inodes of layers, to be merged in turn. */
  partCount = 0;
  readonly partLayer: Uint16Array;
  readonly partInode: Uint32Array;
  readonly #indexes: readonly LayerIndex[];
  readonly #links: readonly LinkTargets[];
  #isOpaque = false;
  #isExplicit = false;
  /** The last part redirects: lower layers have the rest of the directory under another name. */
  isRedirected = false;
  /** The same of a redirect that may not be followed. */
  isUnfollowed = false;

  /** `links` may be filled while this is in use: layer by layer, before a name of that layer is offered. */
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

  /** A further part of a directory that is redirected. */
  addPart(layer: number, inode: number): void {
    this.partLayer[this.partCount] = layer;
    this.partInode[this.partCount++] = inode;
  }

  /** False where lower layers no longer matter: the rest need not be offered. */
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

  /** A directory above is not merged with what lies below a file; a carrier above makes no directory. */
  #offerFile(layer: number, inode: number): false {
    if (this.result === NameResult.none) {
      this.result = NameResult.file;
      this.layer = layer;
      this.inode = inode;
    }
    return false;
  }

  /**
   * The content ends at an opaque directory; the attributes are the topmost explicit directory's, which may lie
   * below that: an opaque marker hides what is in a directory, not the directory.
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
