// Stack: the layers that contenders show, in the forms that they take: the image itself, each layer unpacked in kernel
// overlayfs's form, and all of them flattened into one directory. A form is made when the first contender asks for it.
import type { Tree } from '../tree/tree.ts';
import type { CatalogueEntry } from './catalogue.ts';

export interface Stack {
  /** What `stratafs mount` takes as its source. */
  readonly source: string;
  /** What results call it: the source as the user gave it, or how it was made. */
  readonly label: string;
  readonly platform: string | undefined;
  readonly layerCount: number;
  /** The layers merged. */
  readonly tree: Tree;
  /** Everything that the stack shows beneath its root. */
  readonly catalogue: readonly CatalogueEntry[];
  unpacked(): Promise<UnpackedLayers>;
  /** A directory that shows what the stack shows. */
  flattened(): Promise<string>;
  /** What `make` makes in a new directory, the first time; the same for who asks for it by that name again. */
  form(name: string, make: (place: string) => Promise<string>): Promise<string>;
}

export interface UnpackedLayers {
  /** Holds a directory for each layer. */
  readonly directory: string;
  /** Their names, topmost first: short, since mount(2) takes a page of options. */
  readonly names: readonly string[];
}
