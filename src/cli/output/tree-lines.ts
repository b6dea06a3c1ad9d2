// The lines of `stratafs tree`, and its JSON.
import type { Image } from '../../library/image.ts';
import type { TreeEntry } from '../../library/tree.ts';
import { latin1Of } from '../../vfs/names.ts';
import { showName } from '../../vfs/show-text.ts';
import { type Palette, type Style, paint } from './color.ts';
import { typeOfMode } from './mode.ts';
import { showPathName } from './shown-path.ts';

export const letters = { added: 'A', changed: 'C', deleted: 'D' } as const;

/** "upper" for the topmost layer of a mount, otherwise the number. */
function nameLayer({ hasUpper, layers }: Image, layer: number): number | 'upper' {
  return hasUpper && layer === layers.length ? 'upper' : layer;
}

/** One line for each entry, ending in a newline. */
export function* formatTree(
  entries: readonly TreeEntry[],
  image: Image,
  size: (bytes: number) => string,
  palette: Palette,
): Generator<string> {
  const layerNames = entries.map(({ layer, isSelected }) =>
    isSelected ? String(nameLayer(image, layer)) : '',
  );
  const sizes = entries.map((entry) => `${entry.kind === 'deleted' ? '-' : ''}${size(entry.size)}`);
  const layerWidth = widest(layerNames);
  const sizeWidth = widest(sizes);
  const branches = branchesOf(entries);
  for (const [n, entry] of entries.entries()) {
    const letter = entry.isSelected ? paint(styleOf(entry, palette), letters[entry.kind]) : ' ';
    const layer = (layerNames[n] as string).padStart(layerWidth);
    const columns = `${letter} ${layer}  ${(sizes[n] as string).padStart(sizeWidth)}`;
    yield `${columns}  ${branches[n] as string}${showEntry(entry, palette)}\n`;
  }
}

const widest = (texts: readonly string[]): number =>
  texts.reduce((width, { length }) => Math.max(width, length), 0);

function styleOf({ kind }: TreeEntry, { added, changed, deleted }: Palette): Style {
  return { added, changed, deleted }[kind];
}

/** The name, the target of a symlink, the first of several hard links. The start has its path. */
function showEntry(entry: TreeEntry, palette: Palette): string {
  const { pathBytes, mode, target, linkTo } = entry;
  const name = entry.depth === 0 ? pathBytes : pathBytes.subarray(pathBytes.lastIndexOf('/') + 1);
  const style = palette.hasColors ? nameStyle(entry, name, palette) : '';
  const slash = typeOfMode(mode) === 'directory' && entry.path !== '/' ? '/' : '';
  const shown = `${paint(style, showName(name))}${slash}`;
  if (target !== undefined) return `${shown} -> ${showName(target)}`;
  return linkTo === undefined ? shown : `${shown} (link to ${showPathName(linkTo)})`;
}

function nameStyle({ kind, mode, stats }: TreeEntry, name: Buffer, palette: Palette): Style {
  if (kind === 'deleted') return palette.deleted;
  return palette.fileStyle({ name: latin1Of(name), mode, linkCount: stats?.nlink });
}

/** The branches before each name, as in tree(1). */
function branchesOf(entries: readonly TreeEntry[]): string[] {
  const branches = new Array<string>(entries.length);
  /** By depth: true if a later entry is in the same directory. */
  const hasNext: boolean[] = [];
  for (let n = entries.length - 1; n >= 0; n--) {
    const depth = entries[n]?.depth ?? 0;
    hasNext.length = Math.min(hasNext.length, depth + 1);
    let text = depth === 0 ? '' : hasNext[depth] === true ? '\u251c\u2500\u2500 ' : '\u2514\u2500\u2500 ';
    for (let above = depth - 1; above > 0; above--) {
      text = `${hasNext[above] === true ? '\u2502   ' : '    '}${text}`;
    }
    hasNext[depth] = true;
    branches[n] = text;
  }
  return branches;
}

/** The last line: how many names of each kind, and the sum of sizes. */
export function formatTreeTotal(entries: readonly TreeEntry[], size: (bytes: number) => string): string {
  const counts = { added: 0, changed: 0, deleted: 0 };
  for (const { kind, isSelected } of entries) if (isSelected) counts[kind]++;
  const texts = Object.entries(counts).map(([kind, count]) => `${count} ${kind}`);
  return `\n${texts.join(', ')}, ${size(entries[0]?.size ?? 0)}\n`;
}

/** An entry of --json. */
export function describeEntry(entry: TreeEntry, image: Image): object {
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
