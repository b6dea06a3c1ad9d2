// Copies files of an image to a directory of this machine, by the rules of docker cp.
import { type MergedImage, type SelectedPath, type Tree, walkTree } from '../inspect/inspect.ts';
import { S_IFMT, S_IFREG } from '../vfs/attr.ts';
import { ErrnoError } from '../vfs/errno.ts';
import { bytesOf } from '../vfs/names.ts';
import { showName } from '../vfs/show-text.ts';
import { writeFailure } from '../vfs/write-failure.ts';
import { openDestination } from './destination.ts';
import { TreeWriter } from './tree-writer.ts';

export interface CopyOutOptions {
  /** True: owners, set-ID bits, devices and xattrs are copied too, as far as this user can set them. */
  readonly isArchive: boolean;
  readonly signal?: AbortSignal | undefined;
  /** Gets the bytes written and the total of all regular files. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  /** Called for each path of the destination that was not copied, or not completely. `problem`: for people. */
  readonly onProblem: (path: string, problem: string) => void;
  /** The image's layer (base 0) that other programs may change meanwhile; -1 for none. */
  readonly liveLayer: number;
}

/**
 * Copies `sources`, at least one, to `destination`. Throws InputError if the destination does not fit, or if nothing more
 * can be written: the disk is full, for example. Files that are complete by then stay; there is never a part of one.
 */
export async function copyOut(
  merged: MergedImage,
  sources: readonly SelectedPath[],
  destination: string,
  options: CopyOutOptions,
): Promise<void> {
  const { tree } = merged;
  const kinds = sources.map(({ inode }) => ({ isDirectory: tree.isDirectory(inode) }));
  const target = openDestination(destination, kinds);
  const { directory, shown, name } = target;
  const showPath = (path: string): string => {
    const names = showName(bytesOf(path));
    return names === '' ? shown || '/' : `${shown}/${names}`;
  };
  let done = 0;
  const total = options.onProgress === undefined ? 0 : sizeOfSources(tree, sources);
  const writer = new TreeWriter(merged, directory, {
    isArchive: options.isArchive,
    signal: options.signal,
    onWritten: (bytes) => options.onProgress?.((done += bytes), total),
    onProblem: (path, problem) => options.onProblem(showPath(path), problem),
    liveLayer: options.liveLayer,
  });
  try {
    for (const source of sources) {
      const newName = name ?? source.name;
      if (newName === undefined) await writer.copyContent(source.inode);
      else await writer.copyAs(source.inode, newName);
    }
  } catch (error) {
    throw error instanceof ErrnoError ? writeFailure(error, showPath(error.path ?? '')) : error;
  } finally {
    target.close();
  }
  if (writer.ownersLost > 0) {
    options.onProblem(showPath(''), `${writer.ownersLost} owners could not be set (EPERM)`);
  }
}

/** Bytes of all regular files, each inode once. */
function sizeOfSources(tree: Tree, sources: readonly SelectedPath[]): number {
  const inodes = new Set<number>();
  for (const { inode } of sources) {
    inodes.add(inode);
    if (!tree.isDirectory(inode)) continue;
    for (const found of walkTree(tree, inode, new Uint8Array(0))) inodes.add(found.inode);
  }
  let size = 0;
  for (const inode of inodes) if ((tree.modeOf(inode) & S_IFMT) === S_IFREG) size += tree.sizeOf(inode);
  return size;
}
