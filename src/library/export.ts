// What an image shows, as one tar.
import { type InspectedImage, type MergedImage, exportTar, isUpper } from '../inspect/inspect.ts';
import { type PathName, pathNameOf } from './path-name.ts';
import { type PathSelection, exportRoots, selectPaths } from './selection.ts';

/** Something to know of one path that was written to a tar, or was not. */
export interface PathRemark extends PathName {
  /** One line for people. */
  readonly remark: string;
}

/** The paths that are exported, by default all, and the callbacks of an export. */
export interface ExportOptions extends Partial<PathSelection> {
  readonly signal?: AbortSignal | undefined;
  /** Called for what a tar can't hold: sockets, and attributes that other readers don't find. */
  readonly onLeftOut?: ((remark: PathRemark) => void) | undefined;
  /** Called for files of a mount's upper directory that were changed while they were read. */
  readonly onChanged?: ((remark: PathRemark) => void) | undefined;
}

/** Writes a tar to `take`. Paths of `merged` are those of `inspected`. */
export async function writeExport(
  { image }: InspectedImage,
  merged: MergedImage,
  { paths, followLinks, signal, onLeftOut, onChanged }: ExportOptions,
  take: (bytes: Uint8Array) => Promise<void>,
): Promise<void> {
  await exportTar(merged, {
    take,
    roots: paths === undefined ? undefined : exportRoots(selectPaths(merged, { paths, followLinks })),
    ...(signal === undefined ? {} : { signal }),
    onLeftOut: (path, remark) => onLeftOut?.({ ...pathNameOf(path), remark }),
    live: {
      layer: image.layers.findIndex(isUpper),
      onChanged: (path, remark) => onChanged?.({ ...pathNameOf(path), remark }),
    },
  });
}
