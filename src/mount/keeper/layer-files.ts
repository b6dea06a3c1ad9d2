// The files of a mount's layers, as the next daemon must find them again.
//
// They are looked at before the mount is made: afterwards a path may lead into the mount, and a daemon that follows it waits for
// its own answer.
import { realpathSync, statSync } from 'node:fs';
import type { Image } from '../../image/image.ts';
import { fileStateOf } from '../../sys/file-state.ts';
import type { FileState } from '../../vfs/blob-reader.ts';

/** One layer's file. */
export interface LayerFile extends FileState {
  readonly dev: number;
  readonly ino: number;
}

export function layerFile(path: string): LayerFile {
  const stats = statSync(path, { bigint: true });
  return { dev: Number(stats.dev), ino: Number(stats.ino), ...fileStateOf(stats) };
}

/**
 * The file of each layer, base first. Undefined if the next daemon of a mount on `place` could not open them: one is a directory
 * or has no path of its own, or the mount is to cover it or one of the paths `others`, which that daemon needs too.
 */
export function findLayerFiles(
  { layers }: Image,
  place: string,
  others: readonly string[],
): LayerFile[] | undefined {
  const paths = layers.flatMap((source) => (source.kind === 'blob' ? source.blob.path : []));
  if (paths.length !== layers.length || paths.some((path) => path.startsWith('/proc/'))) return undefined;
  try {
    if ([...new Set(paths), ...others].some((path) => isCovered(path, place))) return undefined;
    return paths.map(layerFile);
  } catch {
    return undefined; // ENOENT: removed since it was opened
  }
}

function isCovered(path: string, place: string): boolean {
  const beneath = place === '/' ? place : `${place}/`;
  return `${path}/`.startsWith(beneath) || `${realpathSync(path)}/`.startsWith(beneath);
}
