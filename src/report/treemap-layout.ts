// The layout of the treemap: computes the tiles for a directory and the bytes that count.
//
// Within a directory areas are proportional to bytes (d3's squarified tiling). The largest directories are opened
// first, up to the number of tiles that a browser draws quickly. All files too small to see share one tile.
import { type HierarchyRectangularNode, treemapSquarify } from 'd3-hierarchy';
import type { NodeTable } from './node-table.ts';

export interface Box {
  x0: number;
  y0: number;
  x1: number;
  y1: number;
}

export interface Tile extends Box {
  /** For `rest`: the directory that holds the nodes it represents. */
  readonly node: number;
  /**
   * The outermost of nested directories that share one tile, because each has bytes in only one directory. Otherwise
   * `node`.
   */
  readonly top: number;
  /** A directory with tiles inside; a file or a closed directory; everything that is too small. */
  kind: 'frame' | 'leaf' | 'rest';
  /** 0 in the directory that is shown. */
  readonly depth: number;
  readonly bytes: number;
  /** The frame around it; -1 for none. Like `children`, an index in the list; children are sorted by size. */
  readonly parent: number;
  readonly children: number[];
  /** The nodes that a `rest` represents. */
  readonly nodes: readonly number[];
  hasTitle: boolean;
}

export const TILE_LIMIT = 2500;
/** Pixels: the title of a frame; its border; the minimum area of a tile, and minimum sides of an open directory. */
export const TITLE_HEIGHT = 19;
const RIM = 3;
const LEAST_AREA = 14;
const LEAST_SIDE = 22;
const LEAST_TITLE_WIDTH = 44;
const LEAST_TITLED_HEIGHT = 46;

export function layOut(table: NodeTable, sums: Float64Array, root: number, size: Box): Tile[] {
  const tiles: Tile[] = [];
  const closed: number[] = [];
  const open = (parent: number, node: number, box: Box): void => {
    const added = tileDirectory(table, sums, node, box, parent, (tiles[parent]?.depth ?? -1) + 1);
    if (tiles.length + added.length > TILE_LIMIT || added.every(({ kind }) => kind === 'rest')) return;
    const frame = tiles[parent];
    if (frame !== undefined) frame.kind = 'frame';
    for (const tile of added) {
      if (tile.kind === 'leaf' && table.isDirectory(tile.node)) closed.push(tiles.length);
      frame?.children.push(tiles.length);
      tiles.push(tile);
    }
  };
  open(-1, root, size);
  for (let next = takeLargest(tiles, closed); next !== undefined; next = takeLargest(tiles, closed)) {
    const tile = tiles[next] as Tile;
    const inner = insideOf(tile);
    if (inner.x1 - inner.x0 < LEAST_SIDE || inner.y1 - inner.y0 < LEAST_SIDE) continue;
    open(next, tile.node, inner);
  }
  for (const tile of tiles) tile.hasTitle = tile.kind === 'frame' && isTitled(tile);
  return tiles;
}

const areaOf = ({ x0, y0, x1, y1 }: Box): number => (x1 - x0) * (y1 - y0);

function takeLargest(tiles: readonly Tile[], closed: number[]): number | undefined {
  let best = -1;
  let bestArea = -1;
  closed.forEach((index, place) => {
    const area = areaOf(tiles[index] as Tile);
    if (area <= bestArea) return;
    best = place;
    bestArea = area;
  });
  return best < 0 ? undefined : closed.splice(best, 1)[0];
}

function isTitled({ x0, y0, x1, y1 }: Box): boolean {
  return x1 - x0 >= LEAST_TITLE_WIDTH && y1 - y0 >= LEAST_TITLED_HEIGHT;
}

function insideOf(box: Box): Box {
  const { x0, y0, x1, y1 } = box;
  return { x0: x0 + RIM, y0: y0 + (isTitled(box) ? TITLE_HEIGHT : RIM), x1: x1 - RIM, y1: y1 - RIM };
}

/** The tiles of one directory, largest first, the rest last. */
function tileDirectory(
  table: NodeTable,
  sums: Float64Array,
  directory: number,
  box: Box,
  parent: number,
  depth: number,
): Tile[] {
  const total = sums[directory] ?? 0;
  const bytesOf = (node: number): number => sums[node] ?? 0;
  const children = table
    .childrenOf(directory)
    .filter((node) => bytesOf(node) > 0)
    .sort((a, b) => bytesOf(b) - bytesOf(a) || a - b);
  const areaPerByte = total === 0 ? 0 : areaOf(box) / total;
  const isSeen = (node: number): boolean => bytesOf(node) * areaPerByte >= LEAST_AREA;
  const rest = children.filter((node) => !isSeen(node));
  const restBytes = rest.reduce((sum, node) => sum + bytesOf(node), 0);
  const newTile = (top: number, kind: Tile['kind'], bytes: number, nodes: readonly number[]): Tile => ({
    ...{ node: kind === 'leaf' ? innermost(table, sums, top) : top, top, kind, bytes, nodes, depth, parent },
    ...{ x0: 0, y0: 0, x1: 0, y1: 0, children: [], hasTitle: false },
  });
  const tiles = children.filter(isSeen).map((node) => newTile(node, 'leaf', bytesOf(node), []));
  if (rest.length > 0) tiles.push(newTile(directory, 'rest', restBytes, rest));
  squarify(tiles, total, box);
  return tiles;
}

/** The first directory below that has bytes in more than one place. */
function innermost(table: NodeTable, sums: Float64Array, top: number): number {
  for (let node = top; ;) {
    const children = table.childrenOf(node).filter((child) => (sums[child] ?? 0) > 0);
    const [only] = children;
    if (children.length !== 1 || only === undefined || !table.isDirectory(only)) return node;
    node = only;
  }
}

/** Places the tiles in the box. d3 reads `value` and `children` of its nodes and writes their corners. */
function squarify(tiles: readonly Tile[], total: number, { x0, y0, x1, y1 }: Box): void {
  const children = tiles.map((tile) => ({ value: tile.bytes, x0: 0, y0: 0, x1: 0, y1: 0 }));
  const parent = { value: total, children } as unknown as HierarchyRectangularNode<unknown>;
  treemapSquarify(parent, x0, y0, x1, y1);
  tiles.forEach((tile, i) => Object.assign(tile, boxOf(children[i])));
}

function boxOf(placed: Box | undefined): Box {
  const { x0, y0, x1, y1 } = placed ?? { x0: 0, y0: 0, x1: 0, y1: 0 };
  return { x0, y0, x1, y1 };
}
