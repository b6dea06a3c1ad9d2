// What an image stores and does not show.
import {
  type InspectedImage,
  type Waste as WasteInLayers,
  findWaste as findWasteInLayers,
} from '../inspect/inspect.ts';
import { type PathName, pathNameOf } from './path-name.ts';

type WastedPathInLayers = WasteInLayers['paths'][number];
type WastedFileInLayers = WastedPathInLayers['files'][number];

/** A stored file that no name shows any more. Its path is the last of its names. */
export interface WastedFile extends Omit<WastedFileInLayers, 'path'>, PathName {}

/** All that is hidden under one path. */
export interface WastedPath extends Omit<WastedPathInLayers, 'path' | 'files'>, PathName {
  /** Base first. */
  readonly files: readonly WastedFile[];
}

/** Bytes that an image stores and does not show. */
export interface Waste extends Omit<WasteInLayers, 'paths'> {
  /** The greatest first. */
  readonly paths: readonly WastedPath[];
}

/** As `Image.waste`. */
export function findWaste(inspected: InspectedImage): Waste {
  const found = findWasteInLayers(inspected);
  return {
    ...found,
    paths: found.paths.map((path) => ({
      ...path,
      ...pathNameOf(path.path),
      files: path.files.map((file) => ({ ...file, ...pathNameOf(file.path) })),
    })),
  };
}
