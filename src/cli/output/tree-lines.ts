// The lines of `stratafs tree`, and its JSON.
import type { Image } from '../../library/image.ts';
import type { TreeEntry, TreeListing } from '../../library/tree.ts';
import { latin1Of } from '../../vfs/names.ts';
import { showJson, showName } from '../../vfs/show-text.ts';
import { type Palette, type Style, paint } from './color.ts';
import { typeOfMode } from './mode.ts';
import { showPathName } from './shown-path.ts';

export const letters = { added: 'A', changed: 'C', deleted: 'D' } as const;

/** "upper" for the topmost layer of a mount, otherwise the number. */
function nameLayer({ hasUpper, layers }: Image, layer: number): number | 'upper' {
  return hasUpper && layer === layers.length ? 'upper' : layer;
}

export type ShowSize = (bytes: number) => string;

/** The width of the widest text of a size up to `largest`, in bytes or in docker's units: those of 1.01kB and 999B. */
function widestSize(largest: number, size: ShowSize): number {
  return Math.max(...[largest, 1010, 999].map((bytes) => size(Math.min(bytes, largest)).length));
}

/** One line for each entry, ending in a newline. */
export function* formatTree(
  tree: TreeListing,
  image: Image,
  size: ShowSize,
  palette: Palette,
): Generator<string> {
  const { totals } = tree;
  const layerWidth = totals.topLayer === 0 ? 0 : String(nameLayer(image, totals.topLayer)).length;
  const deletedWidth = totals.deleted === 0 ? 0 : 1 + widestSize(totals.largestDeletion, size);
  const sizeWidth = Math.max(widestSize(totals.size, size), deletedWidth);
  const branches = new Branches();
  for (const entry of tree) {
    const letter = entry.isSelected ? paint(styleOf(entry, palette), letters[entry.kind]) : ' ';
    const layer = entry.isSelected ? String(nameLayer(image, entry.layer)) : '';
    const bytes = `${entry.kind === 'deleted' ? '-' : ''}${size(entry.size)}`;
    const columns = `${letter} ${layer.padStart(layerWidth)}  ${bytes.padStart(sizeWidth)}`;
    yield `${columns}  ${branches.next(entry)}${showEntry(entry, palette)}\n`;
  }
}

function styleOf({ kind }: TreeEntry, { added, changed, deleted }: Palette): Style {
  return { added, changed, deleted }[kind];
}

/** The name, the target of a symlink, the first of several hard links. The start has its path. */
function showEntry(entry: TreeEntry, palette: Palette): string {
  const { path, depth, mode, target, linkTo } = entry;
  const from = depth === 0 ? 0 : path.lastIndexOf('/') + 1;
  const style = palette.hasColors ? nameStyle(entry, palette) : '';
  const slash = typeOfMode(mode) === 'directory' && path !== '/' ? '/' : '';
  const shown = `${paint(style, PLAIN.test(path) ? path.slice(from) : showName(lastName(entry)))}${slash}`;
  if (target !== undefined) return `${shown} -> ${showName(target)}`;
  return linkTo === undefined ? shown : `${shown} (link to ${showPathName(linkTo)})`;
}

/** Texts that are shown as they are. */
const PLAIN = /^[\x20-\x5b\x5d-\x7e]*$/;

function lastName({ depth, pathBytes }: TreeEntry): Buffer {
  return depth === 0 ? pathBytes : pathBytes.subarray(pathBytes.lastIndexOf('/') + 1);
}

function nameStyle(entry: TreeEntry, palette: Palette): Style {
  const { kind, mode, stats, targetMode } = entry;
  if (kind === 'deleted') return palette.deleted;
  return palette.fileStyle({
    ...{ name: latin1Of(lastName(entry)), mode, linkCount: stats?.nlink, target: targetMode },
  });
}

/** The branches before each name, as in tree(1). */
class Branches {
  /** By depth: what stands before the names that are deeper. */
  readonly #above: string[] = [''];

  next({ depth, isLast }: TreeEntry): string {
    if (depth === 0) return '';
    const above = this.#above[depth - 1] as string;
    this.#above[depth] = `${above}${isLast ? '    ' : '\u2502   '}`;
    return `${above}${isLast ? '\u2514\u2500\u2500 ' : '\u251c\u2500\u2500 '}`;
  }
}

/** The last line: how many names of each kind, and the sum of sizes. */
export function formatTreeTotal({ totals }: TreeListing, showSize: ShowSize): string {
  const { added, changed, deleted, size } = totals;
  return `\n${added} added, ${changed} changed, ${deleted} deleted, ${showSize(size)}\n`;
}

/** An array of objects, indented by two blanks. */
export function* jsonLines(tree: TreeListing, image: Image): Generator<string> {
  let before = '[\n';
  for (const entry of tree) {
    yield `${before}  ${showJson(describeEntry(entry, image), 2).replaceAll('\n', '\n  ')}`;
    before = ',\n';
  }
  yield '\n]\n';
}

interface EntryFacts {
  readonly path: string;
  readonly kind: 'A' | 'C' | 'D' | undefined;
  readonly layer: number | 'upper' | undefined;
  readonly type: string;
  /** Four octal digits. */
  readonly mode: string;
  readonly uid: number | undefined;
  readonly gid: number | undefined;
  readonly size: number;
  readonly modified: string | undefined;
  readonly target: string | undefined;
  readonly linkTo: string | undefined;
}

/** The facts of --json, in its order. */
export function describeEntry(entry: TreeEntry, image: Image): EntryFacts {
  const { kind, layer, mode, size, isSelected, stats, target, linkTo } = entry;
  return {
    path: showPathName(entry),
    kind: isSelected ? letters[kind] : undefined,
    layer: isSelected ? nameLayer(image, layer) : undefined,
    type: typeOfMode(mode),
    mode: (mode & 0o7777).toString(8).padStart(4, '0'),
    uid: stats?.uid,
    gid: stats?.gid,
    size,
    modified: showTime(stats?.mtime),
    target: target === undefined ? undefined : showName(target),
    linkTo: linkTo === undefined ? undefined : showPathName(linkTo),
  };
}

/** undefined for a time that a Date can't hold: an image may have any. */
function showTime(time: Date | undefined): string | undefined {
  return time === undefined || Number.isNaN(time.getTime()) ? undefined : time.toISOString();
}
