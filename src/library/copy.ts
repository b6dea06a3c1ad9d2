// Copies files of an image to a directory of this machine.
import { copyOut } from '../copy/copy-out.ts';
import { type InspectedImage, type MergedImage, isUpper } from '../inspect/inspect.ts';
import { type PathSelection, selectPaths } from './selection.ts';

/** How files are copied, and what is reported meanwhile. */
export interface CopyOptions extends Omit<PathSelection, 'paths'> {
  /** True: owners, set-ID bits, devices and xattrs are copied too, as far as this user can set them. */
  readonly archive?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Gets the bytes written and the total. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  /** Called for each path of the destination that was not copied, or not completely; `problem`: for people. */
  readonly onProblem?: ((path: string, problem: string) => void) | undefined;
}

/** As `Image.copy`. */
export function copyFiles(
  { image }: InspectedImage,
  merged: MergedImage,
  paths: PathSelection['paths'],
  destination: string,
  { archive = false, followLinks, signal, onProgress, onProblem }: CopyOptions,
): Promise<void> {
  return copyOut(merged, selectPaths(merged, { paths, followLinks }), destination, {
    isArchive: archive,
    signal,
    onProgress,
    onProblem: (path, problem) => onProblem?.(path, problem),
    liveLayer: image.layers.findIndex(isUpper),
  });
}
