// What differs between two images, path by path.
import {
  type Tree,
  type CompareOptions,
  type ComparedImage,
  type Difference as DifferenceInTrees,
  compareTrees,
} from '../inspect/inspect.ts';
import { type PathName, pathNameOf } from './path-name.ts';
import { Stats } from './stats.ts';

const kinds = { A: 'added', C: 'changed', D: 'deleted' } as const;

/** One path that differs. */
export class Difference implements PathName {
  /** Of a deleted directory only the directory is listed, of an added one also all that is in it. */
  readonly kind: 'added' | 'changed' | 'deleted';
  readonly path: string;
  readonly pathBytes: Buffer;
  /** In what a changed path differs; empty for a directory in which something differs. */
  readonly attributes: DifferenceInTrees['attributes'];
  readonly #before: () => Stats | undefined;
  readonly #after: () => Stats | undefined;

  /** @internal */
  constructor({ kind, path, attributes, before, after }: DifferenceInTrees, a: Tree, b: Tree) {
    this.kind = kinds[kind];
    ({ path: this.path, pathBytes: this.pathBytes } = pathNameOf(path));
    this.attributes = attributes;
    this.#before = () => (before === undefined ? undefined : new Stats(a, before));
    this.#after = () => (after === undefined ? undefined : new Stats(b, after));
  }

  /** Attributes in the first image; undefined where it does not have the path. */
  get before(): Stats | undefined {
    return this.#before();
  }

  /** Attributes in the second image; undefined where it does not have the path. */
  get after(): Stats | undefined {
    return this.#after();
  }
}

/** Sorted by path, bytewise. */
export async function compareImages(
  a: ComparedImage,
  b: ComparedImage,
  options: CompareOptions,
): Promise<Difference[]> {
  const found = await compareTrees(a, b, options);
  return found.map((each) => new Difference(each, a.tree, b.tree));
}
