// The paths of an image that are copied or exported.
import { type ExportRoot, type MergedImage, type SelectedPath, selectPath } from '../inspect/inspect.ts';
import { ENOENT, ErrnoError } from '../vfs/errno.ts';
import { type PathLike, latin1OfPath, textOfPath } from './path-name.ts';

/** Which paths are selected, and what a symlink among them means. */
export interface PathSelection {
  /** One path, or several. A path that ends in `/.` is the content of a directory. */
  readonly paths: PathLike | readonly PathLike[];
  /** True: a symlink that is selected is followed, inside the image; it keeps its name. */
  readonly followLinks?: boolean | undefined;
}

/** Throws ErrnoError for a path that the image doesn't have. */
export function selectPaths(
  { tree }: MergedImage,
  { paths, followLinks = false }: PathSelection,
): SelectedPath[] {
  const list = typeof paths === 'string' || paths instanceof Uint8Array ? [paths] : paths;
  return list.map((path) => {
    const latin1 = latin1OfPath(path);
    const found = latin1 === '' ? -ENOENT : selectPath(tree, latin1, { followsLast: followLinks });
    if (typeof found === 'number') throw new ErrnoError(found, 'lstat', textOfPath(path));
    return found;
  });
}

/** The names that selected paths have in a tar: their last names, as docker cp writes them. */
export function exportRoots(selected: readonly SelectedPath[]): ExportRoot[] {
  return selected.map(({ inode, name = new Uint8Array(0) }) => ({ inode, path: name }));
}
