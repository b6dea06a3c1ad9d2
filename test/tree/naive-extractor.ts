// A naive extractor: applies layer after layer to a map of paths, as the OCI image-spec (layer.md) requires
// of an unpacker. It is deliberately slow and simple, and shares neither code nor algorithms with src/tree.
import { InodeFlag } from '../../src/layer/layer-index.ts';
import type { InodeSpec, Spec } from './layer-maker.ts';

/** An extracted inode; one object under several paths is a hard link. */
export interface Extracted {
  spec: InodeSpec;
  layer: number;
}

export class LinkFailure extends Error {}

const S_IFDIR = 0o040000;
const isDirectory = (spec: Spec): spec is InodeSpec =>
  spec.kind === 'inode' && (spec.mode & 0o170000) === S_IFDIR;
const join = (directory: string, name: string): string => (directory === '' ? name : `${directory}/${name}`);

export class NaiveExtractor {
  /** By path; the root is ''. */
  readonly inodes = new Map<string, Extracted>();
  #layer = 0;

  /** Applies the next layer. Throws LinkFailure for a hard link to what is not there or is a directory. */
  apply(root: InodeSpec): void {
    const before = new Map(this.inodes);
    if (!this.inodes.has('')) this.inodes.set('', { spec: root, layer: this.#layer });
    this.#removeHidden('', root);
    this.#extract('', root, before);
    this.#layer++;
  }

  #removeBeneath(path: string): void {
    const prefix = path === '' ? '' : `${path}/`;
    for (const other of [...this.inodes.keys()]) {
      if (other !== '' && other !== path && other.startsWith(prefix)) this.inodes.delete(other);
    }
  }

  #holdsDirectory(path: string): boolean {
    const found = this.inodes.get(path);
    return found !== undefined && isDirectory(found.spec);
  }

  /** First all whiteouts and opaque markers: they hide lower layers only. */
  #removeHidden(path: string, spec: InodeSpec): void {
    if (!this.#holdsDirectory(path)) return;
    if ((spec.flags & InodeFlag.opaque) !== 0) this.#removeBeneath(path);
    for (const [name, child] of spec.children) {
      const childPath = join(path, name);
      if (child.kind === 'whiteout') {
        this.#removeBeneath(childPath);
        this.inodes.delete(childPath);
      } else if (isDirectory(child)) {
        this.#removeHidden(childPath, child);
      }
    }
  }

  /** Then all entries, parents first. */
  #extract(path: string, spec: Spec, before: Map<string, Extracted>): void {
    if (spec.kind === 'whiteout') return;
    if (spec.kind === 'link') {
      const target = before.get(spec.path);
      if (target === undefined || isDirectory(target.spec)) throw new LinkFailure(`${path} -> ${spec.path}`);
      this.#removeBeneath(path);
      this.inodes.set(path, target);
      return;
    }
    if (!isDirectory(spec)) {
      this.#removeBeneath(path);
      this.inodes.set(path, this.#joined(spec));
      return;
    }
    if ((spec.flags & InodeFlag.carrier) !== 0 && path !== '') {
      if (!this.#holdsDirectory(path)) return;
    } else if (!this.#holdsDirectory(path) || (spec.flags & InodeFlag.implicit) === 0) {
      this.inodes.set(path, { spec, layer: this.#layer });
    }
    for (const [name, child] of spec.children) this.#extract(join(path, name), child, before);
  }

  /** The names that one layer gives an inode are hard links of each other. */
  #joined(spec: InodeSpec): Extracted {
    for (const extracted of this.inodes.values()) {
      if (extracted.spec === spec && extracted.layer === this.#layer) return extracted;
    }
    return { spec, layer: this.#layer };
  }

  /** What stat would count. */
  linkCount(path: string): number {
    const found = this.inodes.get(path);
    const paths = [...this.inodes.keys()];
    if (!this.#holdsDirectory(path)) return paths.filter((other) => this.inodes.get(other) === found).length;
    const parentOf = (other: string): string => other.slice(0, Math.max(0, other.lastIndexOf('/')));
    return (
      2 +
      paths.filter((other) => other !== '' && parentOf(other) === path && this.#holdsDirectory(other)).length
    );
  }
}
