// NodeTable: the nodes of one image, decoded from their columns, and sums of their bytes by filter.
import { type HidingCause, type NodeColumns, NodeKind, hidingCauses } from '../inspect/report-format.ts';

/** Selects the bytes that count. */
export interface ByteFilter {
  /** Only the bytes that this layer stores; 0 for all layers. */
  readonly layer: number;
  readonly which: 'all' | 'shown' | 'wasted';
}

/** Nodes are numbers in preorder, from the root, 0. */
export class NodeTable {
  readonly count: number;
  readonly #names: readonly string[];
  readonly #codes: Uint32Array;
  readonly #values: Float64Array;
  /** The root is its own parent. */
  readonly #parents: Int32Array;
  /** The node after the last one of the subtree. */
  readonly #ends: Int32Array;
  /** By node: the NodeColumns value of hidden and folded nodes; 0 for others. */
  readonly #extra: Float64Array;

  constructor(columns: NodeColumns) {
    const { codes, values } = columns;
    this.count = codes.length;
    this.#names = columns.names.split('/');
    this.#codes = Uint32Array.from(codes);
    this.#values = Float64Array.from(values);
    this.#parents = new Int32Array(this.count);
    this.#ends = new Int32Array(this.count);
    this.#extra = new Float64Array(this.count);
    this.#link();
    let hidden = 0;
    let folded = 0;
    for (let node = 0; node < this.count; node++) {
      const kind = this.kindOf(node);
      if (kind === NodeKind.hidden) this.#extra[node] = columns.hidden[hidden++] ?? 0;
      else if (kind === NodeKind.folded) this.#extra[node] = columns.folded[folded++] ?? 0;
    }
  }

  nameOf(node: number): string {
    return this.#names[node] ?? '';
  }

  kindOf(node: number): NodeKind {
    return ((this.#codes[node] ?? 0) & 7) as NodeKind;
  }

  /** From 1 at the base; 0 for none. */
  layerOf(node: number): number {
    return (this.#codes[node] ?? 0) >>> 3;
  }

  parentOf(node: number): number {
    return this.#parents[node] ?? 0;
  }

  /** The node after the last one of `node`'s subtree. */
  endOf(node: number): number {
    return this.#ends[node] ?? 0;
  }

  isDirectory(node: number): boolean {
    const kind = this.kindOf(node);
    return kind === NodeKind.directory || kind === NodeKind.gone;
  }

  /** Bytes of a file, even of a further link to it; of a folded node the total. */
  sizeOf(node: number): number {
    return this.isDirectory(node) ? 0 : (this.#values[node] ?? 0);
  }

  /** True if the bytes are stored but never shown. */
  isWasted(node: number): boolean {
    const kind = this.kindOf(node);
    return kind === NodeKind.hidden || (kind === NodeKind.folded && (this.#extra[node] ?? 0) % 2 === 1);
  }

  /** The number of names that a folded node represents. */
  foldedNamesOf(node: number): number {
    return Math.floor((this.#extra[node] ?? 0) / 2);
  }

  /** The names in a directory's subtree, without its own, including hidden and folded ones. */
  namesIn(directory: number): number {
    let names = 0;
    for (let node = directory + 1; node < this.endOf(directory); node++) {
      names += this.kindOf(node) === NodeKind.folded ? this.foldedNamesOf(node) : 1;
    }
    return names;
  }

  /** The layer that hid a hidden file, and the cause. */
  hiddenBy(node: number): { layer: number; cause: HidingCause } {
    const extra = this.#extra[node] ?? 0;
    return { layer: Math.floor(extra / 4), cause: hidingCauses[extra % 4] ?? 'entry' };
  }

  childrenOf(node: number): number[] {
    const children: number[] = [];
    if (!this.isDirectory(node)) return children;
    for (let child = node + 1; child < this.endOf(node); child = this.endOf(child)) children.push(child);
    return children;
  }

  /** The path of nodes from the root to `node`, both included. */
  lineOf(node: number): number[] {
    const line = [node];
    for (let at = node; at !== 0;) line.push((at = this.parentOf(at)));
    return line.reverse();
  }

  /** Absolute. For a folded node, its directory with a slash at the end. */
  pathOf(node: number): string {
    return `/${this.lineOf(node)
      .slice(1)
      .map((each) => this.nameOf(each))
      .join('/')}`;
  }

  /** Each node but the root, in order, with its path. */
  *paths(): Generator<readonly [node: number, path: string]> {
    const directories: string[] = [''];
    for (let node = 1; node < this.count; node++) {
      const path = `${directories[this.parentOf(node)] ?? ''}/${this.nameOf(node)}`;
      if (this.isDirectory(node)) directories[node] = path;
      yield [node, path];
    }
  }

  /** By node: the bytes in it that pass `filter`. */
  sum({ layer, which }: ByteFilter): Float64Array {
    const sums = new Float64Array(this.count);
    // A child comes after its parent, so in reverse order each node is complete when it is added to its parent.
    for (let node = this.count - 1; node > 0; node--) {
      const isCounted =
        this.kindOf(node) !== NodeKind.link &&
        (layer === 0 || this.layerOf(node) === layer) &&
        (which === 'all' || this.isWasted(node) === (which === 'wasted'));
      const bytes = (sums[node] ?? 0) + (isCounted ? this.sizeOf(node) : 0);
      sums[node] = bytes;
      const parent = this.parentOf(node);
      sums[parent] = (sums[parent] ?? 0) + bytes;
    }
    return sums;
  }

  /** Computes parents and ends from the numbers of children. */
  #link(): void {
    const open: { node: number; left: number }[] = [];
    for (let node = 0; node < this.count; node++) {
      this.#parents[node] = open.at(-1)?.node ?? 0;
      const left = this.isDirectory(node) ? (this.#values[node] ?? 0) : 0;
      open.push({ node, left });
      for (let last = open.at(-1); last?.left === 0; last = open.at(-1)) {
        this.#ends[last.node] = node + 1;
        open.pop();
        const parent = open.at(-1);
        if (parent !== undefined) parent.left--;
      }
    }
  }
}
