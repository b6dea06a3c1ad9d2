// Makes the index of a layer from a table of contents: its names by the rules for members of a tar (layer/layer-draft.ts),
// its bytes by members of the blob.
//
// The table lacks times of access, and eStargz's has whole seconds. Sparse files are stored with their holes.
import { LayerDraft } from '../layer/layer-draft.ts';
import { freezeDraft } from '../layer/freeze-draft.ts';
import type { MemberIndex } from '../layer/member-spans.ts';
import { appendPath } from '../tar/names.ts';
import { Member } from '../tar/member.ts';
import { makeRdev, S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFREG } from '../vfs/attr.ts';
import { InputError } from '../vfs/input-error.ts';
import { latin1Of, PATH_MAX } from '../vfs/names.ts';
import type { TocEntry } from './toc-entry.ts';
import { type TocFile, placeChunks, readTocFiles } from './toc-files.ts';

/** Bytes of a table, uncompressed: about 200,000 names. */
export const TOC_LIMIT = 64 << 20;

/** Names of the format, in the root. They don't belong to the image. */
const LEFT_OUT = ['stargz.index.json', '.prefetch.landmark', '.no.prefetch.landmark'];

const FORMATS = {
  dir: S_IFDIR,
  reg: S_IFREG,
  hardlink: S_IFREG,
  symlink: S_IFLNK,
  char: S_IFCHR,
  block: S_IFBLK,
  fifo: S_IFIFO,
} as const;

export interface TocOptions {
  /** Members lie before this offset in the blob. */
  readonly end: number;
  /** SpanKind.inflate or SpanKind.zstd. */
  readonly kind: number;
  /** Names the table in messages. */
  readonly where: string;
}

/** The index that the JSON `bytes` state. Throws InputError where it can't be used: then the whole layer must be read. */
export function readToc(bytes: Buffer, { end, kind, where }: TocOptions): MemberIndex {
  const files = readTocFiles(parse(bytes, where), where);
  const spans = placeChunks(files, end, kind, where);
  const refuse = (found: string, expected: string): InputError =>
    new InputError(`${where}: found ${found}, expected ${expected}`);
  const draft = new LayerDraft(refuse);
  const member = new Member();
  for (const [i, file] of files.entries()) {
    if (file.entry.type === 'chunk') continue;
    fillMember(member, file, refuse);
    member.offset = i;
    if (!LEFT_OUT.includes(latin1Of(member.path.subarray(0, member.pathLength)))) draft.add(member);
  }
  return { index: freezeDraft(draft, where), spans, leftOut: LEFT_OUT };
}

function parse(bytes: Buffer, where: string): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch (error) {
    // SyntaxError, and RangeError for what is nested too deep.
    throw new InputError(`${where}: found something else than JSON`, { cause: error });
  }
}

function fillMember(
  member: Member,
  file: TocFile,
  refuse: (found: string, expected: string) => InputError,
): void {
  const { entry } = file;
  if (entry.type === 'chunk') return;
  const place = { error: (_: number, found: string, expected: string) => refuse(found, expected) as never };
  member.pathLength = appendPath(member.path, 0, entry.name, 0, entry.name.length, place, 'a name');
  member.isHardLink = entry.type === 'hardlink';
  const format = FORMATS[entry.type];
  member.mode = format | (format === S_IFLNK ? 0o777 : entry.mode);
  member.uid = entry.uid;
  member.gid = entry.gid;
  member.rdev = format === S_IFCHR || format === S_IFBLK ? makeRdev(entry.major, entry.minor) : 0;
  setTimes(member, entry);
  member.xattrs = entry.xattrs;
  member.linkLength = 0;
  if (member.isHardLink) {
    member.linkLength = appendPath(member.link, 0, entry.linkName, 0, entry.linkName.length, place, 'a link');
  } else if (format === S_IFLNK) {
    const { length } = entry.linkName;
    if (length === 0 || length >= PATH_MAX || entry.linkName.includes(0)) {
      throw refuse(`a symlink target of ${length} bytes`, `1 to ${PATH_MAX - 1} bytes, none of them NUL`);
    }
    member.link.set(entry.linkName);
    member.linkLength = length;
  }
  setContent(member, file);
}

function setTimes(member: Member, { mtime, atime = mtime }: TocEntry): void {
  member.mtimeSec = mtime?.sec ?? 0;
  member.mtimeNsec = mtime?.nsec ?? 0;
  member.atimeSec = atime?.sec ?? 0;
  member.atimeNsec = atime?.nsec ?? 0;
}

function setContent(member: Member, { entry, chunks }: TocFile): void {
  const stored = chunks.filter(({ sha256 }) => sha256 !== undefined);
  member.size = entry.size;
  member.dataOffset = stored[0]?.place ?? 0;
  member.dataLength = stored.reduce((sum, { size }) => sum + size, 0);
  member.sparse =
    stored.length === chunks.length
      ? undefined
      : Float64Array.from(stored.flatMap(({ fileOffset, size }) => [fileOffset, size]));
}
