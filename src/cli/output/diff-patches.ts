// The patches that --patch prints: of regular files and symlinks, as in git, and of all files in a removed directory.
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
    // A change of type is a removal and an addition.
    const isOther = old !== undefined && now !== undefined && ((old.mode ^ now.mode) & S_IFMT) !== 0;
    if (isOther) yield formatPatch(path, old, undefined);
    yield formatPatch(path, isOther ? undefined : old, now);
  }
}

/** undefined for a file without content. */
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
