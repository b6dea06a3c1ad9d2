// The versions of a path in the layers of an image.
import { type InspectedImage, type PathVersion as VersionInLayers, tracePaths } from '../inspect/inspect.ts';
import { type PathLike, type PathName, pathNameOf } from './path-name.ts';

/** What one layer did to a path. */
export interface PathVersion extends Omit<VersionInLayers, 'with' | 'from'> {
  /** The directory above with which it was deleted; undefined where it was deleted itself. */
  readonly with: PathName | undefined;
  /** Of a moved one: its path in the layers below. */
  readonly from: PathName | undefined;
}

/** The layers that have had a path, and what each did to it. */
export interface PathHistory extends PathName {
  /** False where the image shows nothing there. */
  readonly isShown: boolean;
  /** The topmost layer first; empty where no layer has the path. */
  readonly versions: readonly PathVersion[];
}

/** As `Image.which`. */
export async function findVersions(
  inspected: InspectedImage,
  path: PathLike,
  signal: AbortSignal,
): Promise<PathHistory> {
  const [history] = await tracePaths(inspected, [path], signal);
  const { path: found = '', isShown = false, versions = [] } = history ?? {};
  return {
    ...pathNameOf(found),
    isShown,
    versions: versions.map(({ with: directory, from, ...version }) => ({
      ...version,
      with: directory === undefined ? undefined : pathNameOf(directory),
      from: from === undefined ? undefined : pathNameOf(from),
    })),
  };
}
