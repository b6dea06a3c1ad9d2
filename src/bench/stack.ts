// Stack: the layers that contenders show, in the forms that they need: the image itself, each layer unpacked in the
// kernel overlayfs's format, and the merged tree as one directory. A form is made when the first contender needs it.
import type { Tree } from '../tree/tree.ts';
import type { CatalogueEntry } from './catalogue.ts';

export interface Stack {
  /** The source argument of `stratafs mount`. */
  readonly source: string;
  /** Its name in results: the source as the user wrote it, or the settings of a synthetic stack. */
  readonly label: string;
  readonly platform: string | undefined;
  readonly layerCount: number;
  /** The layers merged. */
  readonly tree: Tree;
  /** Everything below the root of the merged tree. */
  readonly catalogue: readonly CatalogueEntry[];
  unpacked(): Promise<UnpackedLayers>;
  /** The source argument for the same layers, compressed by gzip. */
  gzipped(): Promise<string>;
  /** A directory with the unpacked merged tree. */
  flattened(): Promise<string>;
  /** The result of `make` in a new directory. Later calls with the same name return the same form. */
  form(name: string, make: (place: string) => Promise<string>): Promise<string>;
}

export interface UnpackedLayers {
  /** Contains one directory for each layer. */
  readonly directory: string;
  /** Names of these directories, topmost first; short, since options of mount(2) are limited to one page. */
  readonly names: readonly string[];
}
