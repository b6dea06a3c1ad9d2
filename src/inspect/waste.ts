// Finds waste: files that a layer stores and that higher layers overwrite or delete, so that the image never shows them.
//
// A file's bytes are wasted when its last name is hidden. They count once, in the layer that stores them. (dive counts
// every copy of a path that several layers have, including the visible one, and ignores opaque directories.)
import type { LayerIndex } from '../layer/layer-index.ts';
import { S_IFMT, S_IFREG } from '../vfs/attr.ts';
import type { InspectedImage } from './inspected-image.ts';
import { sizeOfLayer } from '../layer/layer-size.ts';
import { type Change, type DirectoryNode, pathOf } from './name-trace.ts';
import { stackOf } from './open-stack.ts';

/** One stored file that is hidden. */
export interface WastedFile {
  /** Bytes as latin1, no leading slash: the last of its names. */
  readonly path: string;
  readonly bytes: number;
  /** From 1 at the base: the layer that stores it, and the one that hid its last name. */
  readonly layer: number;
  readonly hiddenBy: number;
  readonly cause: Change['cause'];
}

/** All hidden files of one path. */
export interface WastedPath {
  /** Bytes as latin1, no leading slash. */
  readonly path: string;
  readonly bytes: number;
  /** Base first. */
  readonly files: readonly WastedFile[];
}

/** The waste of one layer. */
export interface LayerWaste {
  readonly number: number;
  /** Bytes of its files. */
  readonly size: number;
  /** Bytes of its files that higher layers hide. */
  readonly wasted: number;
  /** Bytes of lower layers' files that it hides. */
  readonly hides: number;
}

export interface Waste {
  /** Bytes of all layers' files, and of those above the base layer. */
  readonly totalBytes: number;
  readonly userBytes: number;
  readonly wastedBytes: number;
  /** The fraction of `totalBytes` that is visible, 0 to 1; 1 if there are no bytes. */
  readonly efficiency: number;
  /**
   * `wastedBytes` as a fraction of `userBytes`, 0 to 1. It is 1 if upper layers hide more bytes of the base than they
   * store, or store none.
   */
  readonly userWastedPercent: number;
  /** Base first. */
  readonly layers: readonly LayerWaste[];
  /** The largest first. */
  readonly paths: readonly WastedPath[];
}

/** Throws InputError like `stackOf`. */
export function findWaste(inspected: InspectedImage): Waste {
  const indexes = inspected.layers.map(({ layer }) => layer.index);
  const files = new HiddenFiles(indexes).find(inspected);
  const sizes = indexes.map(sizeOfLayer);
  const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);
  const totalBytes = sum(sizes);
  const userBytes = sum(sizes.slice(1));
  const wasted = sizes.map(() => 0);
  const hides = sizes.map(() => 0);
  for (const { bytes, layer, hiddenBy } of files) {
    wasted[layer - 1] = (wasted[layer - 1] ?? 0) + bytes;
    hides[hiddenBy - 1] = (hides[hiddenBy - 1] ?? 0) + bytes;
  }
  const wastedBytes = sum(wasted);
  return {
    totalBytes,
    userBytes,
    wastedBytes,
    efficiency: totalBytes === 0 ? 1 : (totalBytes - wastedBytes) / totalBytes,
    userWastedPercent: wastedBytes === 0 ? 0 : Math.min(1, wastedBytes / userBytes),
    layers: sizes.map((size, i) => ({
      number: i + 1,
      size,
      wasted: wasted[i] ?? 0,
      hides: hides[i] ?? 0,
    })),
    paths: joinPaths(files),
  };
}

/** Finds the regular files of layers that no name shows. */
class HiddenFiles {
  readonly #indexes: readonly LayerIndex[];
  /** By layer and inode: whether a name shows the inode. */
  readonly #isShown: readonly Uint8Array[];
  /** By layer, by inode: the change that hid its last name. */
  readonly #hidden: readonly Map<number, { directory: DirectoryNode; name: string; change: Change }>[];

  constructor(indexes: readonly LayerIndex[]) {
    this.#indexes = indexes;
    this.#isShown = indexes.map(({ inodeCount }) => new Uint8Array(inodeCount));
    this.#hidden = indexes.map(() => new Map());
  }

  find(inspected: InspectedImage): WastedFile[] {
    stackOf(inspected).walk((directory, { name, changes, shown }) => {
      if (shown?.isDirectory === false) (this.#isShown[shown.layer] as Uint8Array)[shown.inode] = 1;
      for (const change of changes) this.#hide(directory, name, change);
    });
    return this.#hidden.flatMap((inodes, layer) =>
      [...inodes].flatMap(([inode, { directory, name, change }]) => {
        if (this.#isShown[layer]?.[inode] === 1) return [];
        const bytes = this.#indexes[layer]?.size[inode] ?? 0;
        const { layer: hider, cause } = change;
        return [{ path: pathOf(directory, name), bytes, layer: layer + 1, hiddenBy: hider + 1, cause }];
      }),
    );
  }

  #hide(directory: DirectoryNode, name: string, change: Change): void {
    const { before } = change;
    if (before === undefined || before.isDirectory) return;
    const mode = this.#indexes[before.layer]?.mode[before.inode] ?? 0;
    if ((mode & S_IFMT) !== S_IFREG) return;
    const inodes = this.#hidden[before.layer];
    const earlier = inodes?.get(before.inode);
    if (earlier !== undefined && earlier.change.layer >= change.layer) return;
    inodes?.set(before.inode, { directory, name, change });
  }
}

function joinPaths(files: readonly WastedFile[]): WastedPath[] {
  const byPath = new Map<string, WastedFile[]>();
  for (const file of files) {
    const others = byPath.get(file.path);
    if (others === undefined) byPath.set(file.path, [file]);
    else others.push(file);
  }
  const paths = [...byPath].map(([path, found]) => ({
    path,
    bytes: found.reduce((total, { bytes }) => total + bytes, 0),
    files: found,
  }));
  return paths.sort((a, b) => b.bytes - a.bytes || (a.path < b.path ? -1 : 1));
}
