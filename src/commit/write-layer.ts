// Writes the entries of a layer as a tar, with whiteouts and opaque whiteouts as in the OCI image-spec, layer.md.
//
// The same changes give the same bytes, whenever and wherever they are written.
import { type OnLeftOut, canBeMember, reportDoubtfulXattrs } from '../tar/left-out.ts';
import { TarWriter, type WrittenMember } from '../tar/tar-writer.ts';
import { S_IFDIR, S_IFMT, S_IFREG } from '../vfs/attr.ts';
import { InputError } from '../vfs/input-error.ts';
import { bytesOf } from '../vfs/names.ts';
import { showPath } from '../vfs/show-text.ts';
import { type ChangeSource, type DescribedInode, joinPath } from './layer-change.ts';

const WHITEOUT_PREFIX = '.wh.';
const OPAQUE = '.wh..wh..opq';
/** A whiteout is an empty file. */
const MARK: DescribedInode = {
  ...{ mode: S_IFREG | 0o600, uid: 0, gid: 0, mtimeSec: 0, mtimeNsec: 0, rdevMajor: 0, rdevMinor: 0 },
  ...{ size: 0, link: undefined, xattrs: [], pieces: undefined },
};

export interface WriteLayerOptions {
  /** Gets all bytes in order; the next call waits for the last one. */
  readonly take: (bytes: Uint8Array) => Promise<void>;
  readonly signal?: AbortSignal | undefined;
  readonly onLeftOut?: OnLeftOut | undefined;
}

/** InputError for a name that would be read as a whiteout. */
export async function writeLayer(source: ChangeSource, options: WriteLayerOptions): Promise<void> {
  const writer = new TarWriter(options.take);
  const firstPaths = new Map<number, string>();
  for (const change of source.changes) {
    options.signal?.throwIfAborted();
    if (change.kind === 'inode') await writeInode(writer, source, change, firstPaths, options);
    else {
      const mark = change.kind === 'opaque' ? joinPath(change.path, OPAQUE) : whiteoutPath(change.path);
      await writer.add({ ...MARK, path: bytesOf(mark), isHardLink: false });
    }
  }
  await writer.finish();
}

async function writeInode(
  writer: TarWriter,
  source: ChangeSource,
  { path, inode }: { readonly path: string; readonly inode: number },
  firstPaths: Map<number, string>,
  { onLeftOut }: WriteLayerOptions,
): Promise<void> {
  refuseWhiteoutName(path);
  const described = source.describe(inode, path);
  if (!canBeMember(described.mode, path, onLeftOut)) return;
  const type = described.mode & S_IFMT;
  const first = type === S_IFDIR ? undefined : firstPaths.get(inode);
  if (first !== undefined) {
    const link: WrittenMember = {
      ...{ ...described, path: bytesOf(path), link: bytesOf(first), isHardLink: true },
      ...{ xattrs: [], pieces: undefined },
    };
    await writer.add(link);
    return;
  }
  firstPaths.set(inode, path);
  reportDoubtfulXattrs(described, path, onLeftOut);
  const member = { ...described, path: bytesOf(path), isHardLink: false };
  if (type !== S_IFREG) await writer.add(member);
  else await writer.add(member, source.content(inode, described, path));
}

function whiteoutPath(path: string): string {
  refuseWhiteoutName(path);
  const slash = path.lastIndexOf('/') + 1;
  return `${path.slice(0, slash)}${WHITEOUT_PREFIX}${path.slice(slash)}`;
}

function refuseWhiteoutName(path: string): void {
  if (!path.slice(path.lastIndexOf('/') + 1).startsWith(WHITEOUT_PREFIX)) return;
  throw new InputError(
    `${showPath(path)}: begins with .wh., the prefix of whiteouts, so a layer cannot hold it: rename or remove it first`,
  );
}
