// ReportTree: all bytes of an image by path, both visible and hidden ones, as NodeColumns.
//
// Visible files come from the merged tree, hidden ones from findWaste; a directory of both is one node. If there are more
// nodes than a page should hold, those below a threshold of bytes are folded, so that a small subtree is folded as a whole.
import type { Tree } from '../tree/tree.ts';
import { S_IFLNK, S_IFMT, S_IFREG } from '../vfs/attr.ts';
import { bytesOf } from '../vfs/names.ts';
import { showName } from '../vfs/show-text.ts';
import { type NodeColumns, NodeKind, hidingCauses } from './report-format.ts';
import type { WastedFile, WastedPath } from './waste.ts';

/** The hidden files of a directory, by path component as latin1. */
interface HiddenNames {
  readonly inside: Map<string, HiddenNames>;
  readonly files: WastedFile[];
}

interface Draft {
  readonly name: string;
  readonly kind: NodeKind;
  /** From 1 at the base; 0 for none. */
  readonly layer: number;
  /** The size of a file. */
  readonly size: number;
  /** Bytes of the node, unless they count at another name, and of all its descendants. */
  bytes: number;
  /** Number of nodes in its subtree, including itself. */
  count: number;
  readonly children: Draft[];
  readonly file: WastedFile | undefined;
}

export interface ReportTree {
  readonly columns: NodeColumns;
  /** The number of folded names, and the bytes of the largest. */
  readonly foldedCount: number;
  readonly threshold: number;
}

/** Lists at most `limit` nodes by name, besides the root. */
export function buildReportTree(tree: Tree, wasted: readonly WastedPath[], limit: number): ReportTree {
  const root = new Drafter(tree).draftRoot(hiddenNamesOf(wasted));
  const threshold = root.count - 1 <= limit ? { bytes: -1, spare: 0 } : thresholdFor(root, limit);
  const writer = new ColumnWriter(threshold);
  writer.write(root);
  return {
    columns: writer.columns(),
    foldedCount: writer.foldedCount,
    threshold: Math.max(0, threshold.bytes),
  };
}

function hiddenNamesOf(wasted: readonly WastedPath[]): HiddenNames {
  const root: HiddenNames = { inside: new Map(), files: [] };
  for (const { path, files } of wasted) {
    let at = root;
    for (const name of path.split('/')) {
      const next = at.inside.get(name) ?? { inside: new Map(), files: [] };
      at.inside.set(name, next);
      at = next;
    }
    at.files.push(...files);
  }
  return root;
}

/** Joins visible and hidden files. */
class Drafter {
  readonly #tree: Tree;
  /** By inode: whether one of its names was visited. */
  readonly #isCounted: Uint8Array;

  constructor(tree: Tree) {
    this.#tree = tree;
    this.#isCounted = new Uint8Array(tree.inodeCount);
  }

  draftRoot(hidden: HiddenNames): Draft {
    return this.#directory('', 0, hidden);
  }

  #directory(name: string, inode: number, hidden: HiddenNames | undefined): Draft {
    const tree = this.#tree;
    const draft = newDraft(name, NodeKind.directory, tree.layerOf(inode) + 1);
    const first = tree.firstChild(inode);
    const names: string[] = [];
    const shown = new Map<string, number>();
    for (let dentry = first; dentry < first + tree.childCount(inode); dentry++) {
      const child = tree.nameOf(dentry);
      names.push(child);
      shown.set(child, tree.dentryInode(dentry));
    }
    if (hidden !== undefined && hidden.inside.size > 0) {
      for (const each of hidden.inside.keys()) if (!shown.has(each)) names.push(each);
      names.sort(); // by UTF-16 unit, which is bytewise for latin1
    }
    for (const each of names) this.#addName(draft, each, shown.get(each) ?? -1, hidden?.inside.get(each));
    return draft;
  }

  /** A deleted directory. */
  #gone(name: string, hidden: HiddenNames): Draft {
    const draft = newDraft(name, NodeKind.gone, 0);
    for (const each of [...hidden.inside.keys()].sort()) {
      this.#addName(draft, each, -1, hidden.inside.get(each));
    }
    return draft;
  }

  /** `inode`: the visible inode of the name, or -1. */
  #addName(parent: Draft, name: string, inode: number, hidden: HiddenNames | undefined): void {
    for (const file of hidden?.files ?? []) {
      add(parent, newDraft(name, NodeKind.hidden, file.layer, file.bytes, file));
    }
    const isDirectory = inode >= 0 && this.#tree.isDirectory(inode);
    if (!isDirectory && hidden !== undefined && hidden.inside.size > 0) add(parent, this.#gone(name, hidden));
    if (isDirectory) add(parent, this.#directory(name, inode, hidden));
    else if (inode >= 0) add(parent, this.#shown(name, inode));
  }

  #shown(name: string, inode: number): Draft {
    const tree = this.#tree;
    const layer = tree.layerOf(inode) + 1;
    const type = tree.modeOf(inode) & S_IFMT;
    if (type !== S_IFREG)
      return newDraft(name, type === S_IFLNK ? NodeKind.symlink : NodeKind.special, layer);
    const isCounted = this.#isCounted[inode] === 1;
    this.#isCounted[inode] = 1;
    return newDraft(name, isCounted ? NodeKind.link : NodeKind.file, layer, tree.sizeOf(inode));
  }
}

function newDraft(name: string, kind: NodeKind, layer: number, size = 0, file?: WastedFile): Draft {
  const bytes = kind === NodeKind.link ? 0 : size;
  return { name, kind, layer, size, bytes, count: 1, children: [], file };
}

function add(parent: Draft, child: Draft): void {
  parent.children.push(child);
  parent.bytes += child.bytes;
  parent.count += child.count;
}

/** Nodes of fewer than `bytes` are folded, and those of exactly `bytes` except the first `spare`. */
interface Threshold {
  readonly bytes: number;
  spare: number;
}

/** The threshold that keeps `limit` nodes below the root. */
function thresholdFor(root: Draft, limit: number): Threshold {
  const sizes = new Float64Array(root.count);
  let filled = 0;
  const visit = (draft: Draft): void => {
    sizes[filled++] = draft.bytes;
    draft.children.forEach(visit);
  };
  visit(root);
  sizes.sort().reverse();
  const bytes = sizes[limit + 1] ?? 0;
  // The root, which is one of the largest, is always kept.
  return { bytes, spare: limit + (root.bytes > bytes ? 1 : 0) - sizes.indexOf(bytes) };
}

const isDirectory = ({ kind }: Draft): boolean => kind === NodeKind.directory || kind === NodeKind.gone;

/** The folded names of one directory, by layer and visibility. */
type Folds = Map<string, { layer: number; isHidden: boolean; names: number; bytes: number }>;

class ColumnWriter {
  readonly #threshold: Threshold;
  readonly #names: string[] = [];
  readonly #codes: number[] = [];
  readonly #values: number[] = [];
  readonly #hidden: number[] = [];
  readonly #folded: number[] = [];
  foldedCount = 0;

  constructor(threshold: Threshold) {
    this.#threshold = threshold;
  }

  write(draft: Draft): void {
    const { layer, kind, file } = draft;
    if (!isDirectory(draft)) {
      this.#row(draft.name, layer, kind, draft.size);
      if (file !== undefined) this.#hidden.push(4 * file.hiddenBy + hidingCauses.indexOf(file.cause));
      return;
    }
    const listed: Draft[] = [];
    const folds: Folds = new Map();
    for (const child of draft.children) {
      if (this.#keeps(child)) listed.push(child);
      else this.#fold(child, folds);
    }
    this.#row(draft.name, layer, kind, listed.length + folds.size);
    for (const child of listed) this.write(child);
    for (const { layer: of, isHidden, names, bytes } of folds.values()) {
      this.#row('', of, NodeKind.folded, bytes);
      this.#folded.push(2 * names + Number(isHidden));
      this.foldedCount += names;
    }
  }

  columns(): NodeColumns {
    return {
      names: this.#names.join('/'),
      codes: this.#codes,
      values: this.#values,
      hidden: this.#hidden,
      folded: this.#folded,
    };
  }

  #row(name: string, layer: number, kind: NodeKind, value: number): void {
    this.#names.push(name === '' ? '' : showName(bytesOf(name)));
    this.#codes.push(8 * layer + kind);
    this.#values.push(value);
  }

  /** Called for a directory before its content, which has at most as many bytes: the parent of a kept node is kept. */
  #keeps({ bytes }: Draft): boolean {
    return bytes > this.#threshold.bytes || (bytes === this.#threshold.bytes && this.#threshold.spare-- > 0);
  }

  #fold(draft: Draft, folds: Folds): void {
    for (const child of draft.children) this.#fold(child, folds);
    if (draft.kind === NodeKind.gone) return; // not a name in the image
    const { layer, kind } = draft;
    const isHidden = kind === NodeKind.hidden;
    const key = `${layer} ${isHidden}`;
    const fold = folds.get(key) ?? { layer, isHidden, names: 0, bytes: 0 };
    folds.set(key, fold);
    fold.names++;
    if (!isDirectory(draft)) fold.bytes += draft.bytes;
  }
}
