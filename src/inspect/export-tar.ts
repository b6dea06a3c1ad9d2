// Writes the merged tree as one tar, like `docker export`: all visible files, no whiteouts.
import { type WrittenMember, TarWriter } from '../tar/tar-writer.ts';
import { type OnLeftOut, canBeMember, reportDoubtfulXattrs } from '../tar/left-out.ts';
import type { Tree } from '../tree/tree.ts';
import { Attr, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG, rdevMajor, rdevMinor } from '../vfs/attr.ts';
import { readLive } from './live-content.ts';
import type { MergedImage } from './merged-image.ts';
import { walkTree } from './tree-walk.ts';

const NO_BYTES = new Uint8Array(0);

export interface ExportOptions {
  /** Receives all bytes in order; the next call is made when the last has resolved. */
  readonly take: (bytes: Uint8Array) => Promise<void>;
  readonly signal?: AbortSignal | undefined;
  readonly onLeftOut?: OnLeftOut | undefined;
  /** The files that are written, in this order; by default the whole tree. */
  readonly roots?: readonly ExportRoot[] | undefined;
  /** A layer whose files other processes may write to during the export: the upper directory of a mount. */
  readonly live?: LiveLayer | undefined;
}

/** A file, or a directory with everything in it. */
export interface ExportRoot {
  readonly inode: number;
  /** Its path in the tar, bytes; empty for the root of the tar. */
  readonly path: Uint8Array;
}

export interface LiveLayer {
  /** Base 0. */
  readonly layer: number;
  /** Called for each file that changed before it was read: its path (bytes as latin1), and a text about the replacement in the tar. */
  readonly onChanged: (path: string, what: string) => void;
}

/** A directory precedes its content; names are in bytewise order. The first of several hard links holds the content. */
export async function exportTar({ tree, content }: MergedImage, options: ExportOptions): Promise<void> {
  const writer = new TarWriter(options.take);
  /** Inodes whose first name could not be read, so that their other names have no link target. */
  const lost = new Set<number>();
  for (const member of membersOf(tree, options.roots ?? [{ inode: 0, path: NO_BYTES }])) {
    options.signal?.throwIfAborted();
    const { inode, path } = member;
    const mode = tree.modeOf(inode);
    const shown = Buffer.from(path).toString('latin1');
    if (!canBeMember(mode, shown, options.onLeftOut)) continue;
    const isFile = (mode & S_IFMT) === S_IFREG && member.linkTo === undefined;
    const pieces = isFile ? content.pieces(inode) : undefined;
    const described = describeMember(tree, member, pieces);
    if (member.linkTo === undefined) reportDoubtfulXattrs(described, shown, options.onLeftOut);
    if (!isFile && !lost.has(inode)) {
      await writer.add(described);
      continue;
    }
    const bytes = pieces === undefined ? content.read(inode) : content.readPieces(inode, pieces);
    const live = tree.layerOf(inode) === options.live?.layer ? options.live : undefined;
    if (live === undefined) {
      await writer.add(described, bytes);
      continue;
    }
    const onShort = (): void => live.onChanged(shown, 'became shorter, and ends in zeros');
    const read = lost.has(inode) ? undefined : await readLive(bytes, described.size, onShort);
    if (read !== undefined) {
      await writer.add(described, read);
      continue;
    }
    lost.add(inode);
    live.onChanged(shown, 'was left out, since it was removed or replaced');
  }
  await writer.finish();
}

export interface Member {
  readonly inode: number;
  readonly path: Uint8Array;
  /** Path of the first name of the same inode; undefined if this is the first. */
  readonly linkTo: Uint8Array | undefined;
}

function* membersOf(tree: Tree, roots: readonly ExportRoot[]): Generator<Member> {
  const firstPaths = new Map<number, Uint8Array>();
  const attr = new Attr();
  for (const { inode, path } of namesBeneath(tree, roots)) {
    tree.readAttr(inode, attr);
    const mayBeLinked = attr.nlink > 1 && !tree.isDirectory(inode);
    const linkTo = mayBeLinked ? firstPaths.get(inode) : undefined;
    if (mayBeLinked && linkTo === undefined) firstPaths.set(inode, path);
    yield { inode, path, linkTo };
  }
}

function* namesBeneath(tree: Tree, roots: readonly ExportRoot[]): Generator<ExportRoot> {
  for (const root of roots) {
    yield root;
    if (tree.isDirectory(root.inode)) yield* walkTree(tree, root.inode, root.path);
  }
}

/** One member without its content. `pieces`: as in TarWriter. */
export function describeMember(
  tree: Tree,
  { inode, path, linkTo }: Member,
  pieces: [number, number][] | undefined,
): WrittenMember {
  const attr = new Attr();
  tree.readAttr(inode, attr);
  const { mode, uid, gid, mtimeSec, mtimeNsec, rdev } = attr;
  const isLink = (mode & S_IFMT) === S_IFLNK;
  return {
    ...{ path, mode, uid, gid, mtimeSec, mtimeNsec, pieces },
    rdevMajor: rdevMajor(rdev),
    rdevMinor: rdevMinor(rdev),
    size: (mode & S_IFMT) === S_IFDIR ? 0 : attr.size,
    link: linkTo ?? (isLink ? tree.readlink(inode) : undefined),
    isHardLink: linkTo !== undefined,
    xattrs: xattrsOf(tree, inode),
  };
}

/** Names and values, as bytes; values are views. */
export function xattrsOf(tree: Tree, inode: number): [Uint8Array, Uint8Array][] {
  const names = Buffer.from(tree.listxattr(inode)).toString('latin1').split('\0').slice(0, -1);
  return names.map((text) => {
    const name = Buffer.from(text, 'latin1');
    return [name, tree.getxattr(inode, name) ?? NO_BYTES];
  });
}
