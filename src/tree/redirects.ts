// Follows overlay.redirect and overlay.metacopy in directories used as layers, as kernel overlayfs does (ovl_lookup,
// ovl_check_redirect in fs/overlayfs/namei.c): layer by layer downwards, never in the merged view.
//
// A redirect is an absolute path in the layers below, or another name in the same directory. Its target may redirect
// again; each step leads to a lower layer, so it ends. The layers are hostile: a redirect to a missing target finds
// nothing.
import { DentryKind, InodeFlag, type LayerIndex } from '../layer/layer-index.ts';
import { S_IFDIR, S_IFMT, S_IFREG } from '../vfs/attr.ts';
import { InputError } from '../vfs/input-error.ts';
import type { NameMerge } from './name-merge.ts';
import { searchName } from './search.ts';

const SLASH = 0x2f;

/** The parts of the directory that contains a name, topmost first. */
export interface Parts {
  readonly count: number;
  readonly layer: Uint16Array;
  readonly inode: Uint32Array;
}

/** A regular file of a layer. */
export interface FileSource {
  readonly layer: number;
  readonly inode: number;
}

/** The result for one layer: an inode, nothing, or a file that ends the search in lower layers too. */
type Found = { readonly inode: number; readonly isLast: boolean } | 'nothing' | 'end';

/**
 * What to look for in the next layer: a path from the root, or a name in the directory's parts. A path can change from
 * layer to layer: a directory on the way may redirect, too, for the layers below its own.
 */
type Target =
  { readonly kind: 'path'; names: Uint8Array[] } | { readonly kind: 'name'; readonly name: Uint8Array };

/** Limit of the names in a path, with redirects on the way: as many as PATH_MAX allows. */
const MAX_NAMES = 2048;

/** Limit of the names that all redirects together make us look up: a minute's work, beyond any real stack. */
const MAX_LOOKUPS = 500_000_000;

export class Redirects {
  readonly #indexes: readonly LayerIndex[];
  #lookups = 0;

  constructor(indexes: readonly LayerIndex[]) {
    this.#indexes = indexes;
  }

  /** Adds the remaining parts of a directory whose last part redirects. */
  addParts(name: NameMerge, parent: Parts): void {
    const last = name.partCount - 1;
    const layer = name.partLayer[last] as number;
    let target = this.#redirectOf(layer, name.partInode[last] as number, undefined);
    for (let below = layer - 1; below >= 0 && target !== undefined; below--) {
      const found = this.#find(below, target, parent, S_IFDIR);
      if (found === 'end') return;
      if (found === 'nothing') continue;
      name.addPart(below, found.inode);
      if (found.isLast) return;
      target = this.#redirectOf(below, found.inode, target);
    }
  }

  /**
   * The file that has the bytes of a metacopy, whose name is bytes `start` to `end` of `pool`; undefined if no layer
   * has it.
   */
  findData(source: FileSource, name: Uint8Array, parent: Parts): FileSource | undefined {
    let target = this.#redirectOf(source.layer, source.inode, { kind: 'name', name });
    for (let below = source.layer - 1; below >= 0 && target !== undefined; below--) {
      const found = this.#find(below, target, parent, S_IFREG);
      if (found === 'end') return undefined;
      if (found === 'nothing') continue;
      const isMetacopy = this.#indexes[below]?.metacopies?.has(found.inode) === true;
      if (!isMetacopy) return { layer: below, inode: found.inode };
      target = this.#redirectOf(below, found.inode, target);
    }
    return undefined;
  }

  /** The next target after an inode was found by `target`; `target` itself if the inode has no redirect. */
  #redirectOf(layer: number, inode: number, target: Target | undefined): Target | undefined {
    const redirect = this.#indexes[layer]?.redirects?.get(inode);
    if (redirect === undefined) return target;
    if (redirect[0] === SLASH) return { kind: 'path', names: split(redirect) };
    return target?.kind === 'path'
      ? { kind: 'path', names: [...target.names.slice(0, -1), redirect] }
      : { kind: 'name', name: redirect };
  }

  #find(layer: number, target: Target, parent: Parts, type: number): Found {
    if (target.kind === 'path') return this.#walk(layer, target, type);
    for (let part = 0; part < parent.count; part++) {
      if (parent.layer[part] === layer)
        return this.#step(layer, parent.inode[part] as number, target.name, type);
    }
    return 'nothing';
  }

  #walk(layer: number, target: Target & { kind: 'path' }, type: number): Found {
    const { names } = target;
    let inode = 0;
    let isLast = false;
    /** The path of the current directory in the layers below; undefined if the names are the same. */
    let moved: Uint8Array[] | undefined;
    for (const [n, name] of names.entries()) {
      const isEnd = n === names.length - 1;
      const found = this.#step(layer, inode, name, isEnd ? type : S_IFDIR);
      if (typeof found === 'string') {
        if (moved !== undefined) target.names = bounded([...moved, ...names.slice(n)]);
        return isLast ? 'end' : found;
      }
      inode = found.inode;
      isLast ||= found.isLast;
      moved?.push(name);
      const redirect = isEnd ? undefined : this.#indexes[layer]?.redirects?.get(inode);
      if (redirect === undefined) continue;
      moved =
        redirect[0] === SLASH ? split(redirect) : [...(moved?.slice(0, -1) ?? names.slice(0, n)), redirect];
    }
    if (moved !== undefined) target.names = bounded(moved);
    return { inode, isLast };
  }

  #step(layer: number, directory: number, name: Uint8Array, type: number): Found {
    if (++this.#lookups > MAX_LOOKUPS) {
      throw new InputError('the directories given as layers have too many redirects (overlay.redirect)');
    }
    const index = this.#indexes[layer] as LayerIndex;
    const first = index.firstChild[directory] as number;
    const dentry = searchName(index, first, index.childCount[directory] as number, name, 0, name.length);
    if (dentry < 0) return 'nothing';
    if (index.dentryKind[dentry] !== DentryKind.inode) return 'end';
    const inode = index.dentryTarget[dentry] as number;
    if (((index.mode[inode] as number) & S_IFMT) !== type || index.unfollowed?.has(inode) === true)
      return 'end';
    return { inode, isLast: ((index.inodeFlags[inode] as number) & InodeFlag.opaque) !== 0 };
  }
}

function split(path: Uint8Array): Uint8Array[] {
  const names: Uint8Array[] = [];
  for (let start = 0; start < path.length;) {
    const slash = path.indexOf(SLASH, start);
    const end = slash < 0 ? path.length : slash;
    if (end > start) names.push(path.subarray(start, end));
    start = end + 1;
  }
  return names;
}

function bounded(names: Uint8Array[]): Uint8Array[] {
  if (names.length <= MAX_NAMES) return names;
  throw new InputError(
    `redirects (overlay.redirect) of directories given as layers lead to a path of ${names.length} names, expected at most ${MAX_NAMES}`,
  );
}
