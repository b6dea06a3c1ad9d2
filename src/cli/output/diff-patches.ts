// The patches that --patch prints of differences: of regular files and symlinks, as git does; of a removed directory
// those of all that was in it.
import {
  type ComparedImage,
  type DifferenceInTrees as Difference,
  type PatchSide,
  formatPatch,
  pathsBeneath,
} from '../../library/comparison.ts';
import { S_IFLNK, S_IFMT, S_IFREG } from '../../vfs/attr.ts';

/** Maximum size of a text file in bytes: of larger files, the patch says only that they differ. */
const TEXT_LIMIT = 4 << 20;

export class DiffPatches {
  readonly #a: ComparedImage;
  readonly #b: ComparedImage;

  constructor(a: ComparedImage, b: ComparedImage) {
    this.#a = a;
    this.#b = b;
  }

  /** Bytes as latin1. */
  async *of({ kind, path, before, after }: Difference): AsyncGenerator<string, void> {
    if (kind === 'D' && before !== undefined && this.#a.tree.isDirectory(before)) {
      for (const beneath of pathsBeneath(this.#a.tree, path, before)) {
        yield formatPatch(beneath.path, await sideOf(this.#a, beneath.inode), undefined);
      }
      return;
    }
    const old = before === undefined ? undefined : await sideOf(this.#a, before);
    const now = after === undefined ? undefined : await sideOf(this.#b, after);
    if (old === undefined && now === undefined) return;
    // What changes its type goes, and something else comes.
    const isOther = old !== undefined && now !== undefined && ((old.mode ^ now.mode) & S_IFMT) !== 0;
    if (isOther) yield formatPatch(path, old, undefined);
    yield formatPatch(path, isOther ? undefined : old, now);
  }
}

/** undefined for what has no content. */
async function sideOf({ tree, content }: ComparedImage, inode: number): Promise<PatchSide | undefined> {
  const mode = tree.modeOf(inode);
  const type = mode & S_IFMT;
  if (type === S_IFLNK) return { mode: 0o120000, text: Buffer.from(tree.readlink(inode)).toString('latin1') };
  if (type !== S_IFREG) return undefined;
  if (tree.sizeOf(inode) > TEXT_LIMIT) return { mode, text: `\0${tree.sizeOf(inode)} bytes, inode ${inode}` };
  const parts: string[] = [];
  for await (const bytes of content.read(inode)) parts.push(Buffer.from(bytes).toString('latin1'));
  return { mode, text: parts.join('') };
}
