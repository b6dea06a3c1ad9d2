// Traces one name through the layers, base first: applies the OCI layer rules like tree/name-merge.ts, but records every
// change instead of only the result. A test checks that both have the same result.
import { DentryKind, InodeFlag, type LayerIndex } from '../layer/layer-index.ts';
import type { LinkTargets } from '../tree/name-merge.ts';
import { S_IFDIR, S_IFMT } from '../vfs/attr.ts';

/** The version that a name shows: attributes and bytes of inode `inode` of layer `layer` (base 0). */
export interface Shown {
  readonly layer: number;
  readonly inode: number;
  readonly isDirectory: boolean;
}

/** The reason that a layer changes what a name shows. */
export type Cause =
  /** The layer has an entry of that name. */
  | 'entry'
  /** A whiteout of the name, or of a parent directory. */
  | 'whiteout'
  /** A parent directory is opaque. */
  | 'opaque'
  /** A parent directory was replaced by another file. */
  | 'replaced';

/** The change that one layer makes to a name. */
export interface Change {
  /** Base 0. */
  readonly layer: number;
  readonly cause: Cause;
  /** The parent directory that was hidden, opaque or replaced; undefined if it was the name itself. */
  readonly at: DirectoryNode | undefined;
  /** undefined: the name did not exist. */
  readonly before: Shown | undefined;
  /** undefined: the name was removed. */
  readonly after: Shown | undefined;
}

/** Layer `layer` hides the directory's content of all lower layers. */
interface Cut {
  readonly layer: number;
  readonly cause: Exclude<Cause, 'entry'>;
  readonly at: DirectoryNode;
}

/** A directory of the merged tree, with its parts in the layers. */
export interface DirectoryNode {
  /** undefined for the root. */
  readonly parent: DirectoryNode | undefined;
  /** Bytes as latin1. */
  readonly name: string;
  /** The layers' directories that are merged to it, base first. */
  readonly parts: { readonly layer: number; readonly inode: number }[];
  /** Base first. */
  readonly cuts: Cut[];
}

/** Bytes as latin1, without leading slash; the root is ''. */
export function pathOf(node: DirectoryNode | undefined, name?: string): string {
  const names = name === undefined ? [] : [name];
  for (let at = node; at?.parent !== undefined; at = at.parent) names.push(at.name);
  return names.reverse().join('/');
}

/** A dentry of a layer. */
export interface LayerEntry {
  readonly layer: number;
  readonly dentry: number;
}

export interface NameTrace {
  readonly name: string;
  /** Base first. Empty if the only entries are whiteouts that hide nothing. */
  readonly changes: readonly Change[];
  /** The directory, if any layer makes the name one. */
  readonly node: DirectoryNode | undefined;
  /** The version that the whole stack shows. */
  readonly shown: Shown | undefined;
}

/** The root of all layers: it is never hidden, but may be opaque. */
export function traceRoot(indexes: readonly LayerIndex[]): NameTrace & { readonly node: DirectoryNode } {
  const node: DirectoryNode = { parent: undefined, name: '', parts: [], cuts: [] };
  const changes: Change[] = [];
  let shown: Shown | undefined;
  for (const [layer, index] of indexes.entries()) {
    const flags = index.inodeFlags[0] as number;
    if ((flags & InodeFlag.opaque) !== 0) node.cuts.push({ layer, cause: 'opaque', at: node });
    node.parts.push({ layer, inode: 0 });
    if ((flags & InodeFlag.implicit) !== 0 && shown !== undefined) continue;
    const after = { layer, inode: 0, isDirectory: true };
    changes.push({ layer, cause: 'entry', at: undefined, before: shown, after });
    shown = after;
  }
  return { name: '', changes, node, shown };
}

/** Traces names of directories. `links`: the result of resolveLowerLinks. */
export class NameTracer {
  readonly #indexes: readonly LayerIndex[];
  readonly #links: readonly LinkTargets[];

  constructor(indexes: readonly LayerIndex[], links: readonly LinkTargets[]) {
    this.#indexes = indexes;
    this.#links = links;
  }

  /**
   * `entries`: of `name` in the directory's parts, base first, at least one. `origin`: the trace of the lower version that
   * the first entry continues: of the path that it was moved from, or of the file whose bytes it uses.
   */
  trace(
    directory: DirectoryNode,
    name: string,
    entries: readonly LayerEntry[],
    origin?: NameTrace,
  ): NameTrace {
    const story = new Story(directory, name);
    if (origin !== undefined) story.goOn(origin, entries[0]?.layer ?? 0);
    for (const { layer, dentry } of entries) {
      story.advanceTo(layer);
      const index = this.#indexes[layer] as LayerIndex;
      const kind = index.dentryKind[dentry];
      const target = index.dentryTarget[dentry] as number;
      if (kind === DentryKind.whiteout) story.hide(layer);
      else if (kind === DentryKind.lowerLink) {
        const links = this.#links[layer] as LinkTargets;
        story.putFile(layer, links.layer[target] as number, links.inode[target] as number);
      } else if (((index.mode[target] as number) & S_IFMT) === S_IFDIR) {
        story.putDirectory(layer, target, index.inodeFlags[target] as number);
      } else story.putFile(layer, layer, target);
    }
    story.advanceTo(Infinity);
    return story;
  }
}

/** The state of one name while layers are applied. */
class Story implements NameTrace {
  readonly name: string;
  readonly changes: Change[] = [];
  node: DirectoryNode | undefined;
  shown: Shown | undefined;
  readonly #parent: DirectoryNode;
  /** The first cut of the parent that is not applied yet. */
  #next = 0;
  /** The cut by the current layer, and the version that it hid, until the layer's own entry is applied. */
  #cut: Cut | undefined;
  #hidden: Shown | undefined;

  constructor(parent: DirectoryNode, name: string) {
    this.#parent = parent;
    this.name = name;
  }

  /** Begins with the result of `origin` in the layers below `layer`, whatever those did to the parent. */
  goOn({ changes, node, shown }: NameTrace, layer: number): void {
    this.changes.push(...changes);
    this.shown = shown;
    if (node !== undefined) {
      this.node = { parent: this.#parent, name: this.name, parts: [...node.parts], cuts: [...node.cuts] };
    }
    this.#next = firstCutFrom(this.#parent.cuts, 0, layer + 1);
  }

  /** Applies the cuts of the layers below `layer`, then that of `layer` itself. */
  advanceTo(layer: number): void {
    const { cuts } = this.#parent;
    const first = cuts[this.#next];
    if (first !== undefined && first.layer < layer) {
      this.#vanish(first.layer, first.cause, first.at, first);
      this.#next = firstCutFrom(cuts, this.#next, layer);
    }
    this.#cut = undefined;
    this.#hidden = undefined;
    while (cuts[this.#next]?.layer === layer) {
      const cut = cuts[this.#next++] as Cut;
      if (this.shown === undefined) continue;
      this.#cut = cut;
      this.#hidden = this.shown;
      if (this.shown.isDirectory) this.#cutContent(cut);
      this.shown = undefined;
    }
  }

  hide(layer: number): void {
    if (this.#cut !== undefined) this.#record(layer, this.#cut.cause, this.#cut.at, this.#hidden, undefined);
    else this.#vanish(layer, 'whiteout', undefined, this.#ownCut(layer, 'whiteout'));
  }

  /** `source` and `inode`: the target of a hard link to a lower layer; otherwise `layer` and its own inode. */
  putFile(layer: number, source: number, inode: number): void {
    if (this.shown?.isDirectory === true) this.#cutContent(this.#ownCut(layer, 'replaced'));
    this.#show(layer, { layer: source, inode, isDirectory: false });
  }

  putDirectory(layer: number, inode: number, flags: number): void {
    const isOpaque = (flags & InodeFlag.opaque) !== 0;
    const isCarrier = (flags & InodeFlag.carrier) !== 0;
    const isMerged = this.shown?.isDirectory === true;
    if (isCarrier && !isMerged) {
      // A carrier that carries nothing: it is ignored, with all its content.
      if (this.#cut !== undefined)
        this.#record(layer, this.#cut.cause, this.#cut.at, this.#hidden, undefined);
      return;
    }
    this.node ??= { parent: this.#parent, name: this.name, parts: [], cuts: [] };
    if (isMerged && isOpaque) this.#cutContent(this.#ownCut(layer, 'opaque'));
    this.node.parts.push({ layer, inode });
    if (isMerged && (flags & InodeFlag.implicit) !== 0) return;
    this.#show(layer, { layer, inode, isDirectory: true });
  }

  #ownCut(layer: number, cause: Cut['cause']): Cut | undefined {
    return this.node === undefined ? undefined : { layer, cause, at: this.node };
  }

  #cutContent(cut: Cut | undefined): void {
    if (cut !== undefined) this.node?.cuts.push(cut);
  }

  #show(layer: number, after: Shown): void {
    this.#record(layer, 'entry', undefined, this.shown ?? this.#hidden, after);
    this.shown = after;
  }

  #vanish(layer: number, cause: Cause, at: DirectoryNode | undefined, cut: Cut | undefined): void {
    const before = this.shown;
    if (before === undefined) return;
    if (before.isDirectory) this.#cutContent(cut);
    this.#record(layer, cause, at, before, undefined);
    this.shown = undefined;
  }

  #record(
    layer: number,
    cause: Cause,
    at: DirectoryNode | undefined,
    before: Shown | undefined,
    after: Shown | undefined,
  ): void {
    this.changes.push({ layer, cause, at, before, after });
  }
}

/** The index of the first cut, from `start` on, of `layer` or a higher layer. */
function firstCutFrom(cuts: readonly Cut[], start: number, layer: number): number {
  let low = start;
  let high = cuts.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((cuts[middle] as Cut).layer < layer) low = middle + 1;
    else high = middle;
  }
  return low;
}
