// Archive of the members of one tar, which is listed once when it is opened.
//
// Of several members with one name the last counts, as after unpacking. Symlinks and hard links are resolved among the
// members, with the archive as root. docker 20.10 saves a repeated layer as a symlink `../<other>/layer.tar`, skopeo
// saves `<id>/layer.tar` as a symlink `../<diffid>.tar`, and some docker version wrote `../../<other>/layer.tar`, which
// docker load accepts too.
import { InputError } from '../vfs/input-error.ts';
import type { BlobLocation } from '../layer/layer.ts';
import { type Archive, pathParts } from './archive.ts';
import { showText } from '../vfs/show-text.ts';
import { type TarMember, visitMembers } from './tar-members.ts';

/** The kernel's MAXSYMLINKS. */
const LINK_LIMIT = 40;

/** Limit of the members. docker 20.10 saves an image of 127 layers with about 510. */
const MEMBER_LIMIT = 100_000;

/** If no name among so many first members fits an image archive, the tar is a layer. */
const SNIFF_LIMIT = 64;

/** True for names at the top of an image archive: blobs by digest or ID, and manifests. */
export function looksLikeImage(name: string): boolean {
  return /^(?:(?:manifest|index|config)\.json$|oci-layout$|repositories$|blobs(?:\/|$)|(?:sha256[:-])?[0-9a-f]{64}(?:[./]|$))/.test(
    name,
  );
}

/** The file that has the bytes of an archive. */
export interface TarFile {
  /** Absolute path of a plain tar. */
  readonly file: string;
  /** As BlobLocation.isCopy. */
  readonly isCopy: boolean;
}

export class TarArchive implements Archive {
  readonly path: string;
  readonly #file: string;
  readonly #isCopy: boolean;
  /** By normalised name, its bytes as latin1. */
  readonly #members: ReadonlyMap<string, TarMember>;

  private constructor(path: string, { file, isCopy }: TarFile, members: ReadonlyMap<string, TarMember>) {
    this.path = path;
    this.#file = file;
    this.#isCopy = isCopy;
    this.#members = members;
  }

  /**
   * Lists the tar, whose name in messages is `path`. With `isSniffed`, returns undefined as
   * soon as the first members show that it is not an image archive, so that a root of 100,000 files is not listed to
   * the end. Throws FormatError for a malformed or truncated tar.
   */
  static async open(path: string, tar: TarFile, isSniffed: boolean): Promise<TarArchive | undefined> {
    const members = new Map<string, TarMember>();
    let isImage = !isSniffed;
    await visitMembers(path, tar.file, (member) => {
      members.set(member.name, member);
      isImage ||= looksLikeImage(member.name);
      return members.size < (isImage ? MEMBER_LIMIT : SNIFF_LIMIT);
    });
    if (members.size < (isImage ? MEMBER_LIMIT : SNIFF_LIMIT)) return new TarArchive(path, tar, members);
    if (isSniffed) return undefined;
    throw new InputError(
      `${path}: found ${MEMBER_LIMIT} members and more, expected an image archive, which has fewer`,
    );
  }

  find(name: string): BlobLocation | undefined {
    const { member } = this.#resolve(name);
    if (member === undefined) return undefined;
    if (member.kind !== 'file') {
      throw new InputError(`${this.path}: ${showText(name)}: found no regular file`);
    }
    const { offset, length, name: memberName } = member;
    const isCopy = this.#isCopy ? { isCopy: true } : {};
    return { path: this.#file, offset, length, member: memberName, ...isCopy };
  }

  danglingTarget(name: string): string | undefined {
    const { lastLink } = this.#resolve(name);
    return lastLink === undefined ? undefined : Buffer.from(lastLink.target, 'latin1').toString();
  }

  /** The member that `name` leads to, and the last link on the way. `..` stops at the top, as in a chroot. */
  #resolve(name: string): { member: TarMember | undefined; lastLink: TarMember | undefined } {
    const where = `${this.path}: ${showText(name)}`;
    // A stack: the next part of the path is the last element.
    const pending = pathParts(Buffer.from(name).toString('latin1')).reverse();
    let current: string[] = [];
    let member: TarMember | undefined;
    let lastLink: TarMember | undefined;
    for (let links = 0; pending.length > 0;) {
      const part = pending.pop() as string;
      if (part === '..') {
        if (current.pop() === undefined && lastLink === undefined)
          throw new InputError(`${where}: found a path that leads out of the archive`);
        member = undefined;
        continue;
      }
      current.push(part);
      member = this.#members.get(current.join('/'));
      if (member === undefined || (member.kind !== 'symlink' && member.kind !== 'hardlink')) continue;
      if (++links > LINK_LIMIT) {
        throw new InputError(`${where}: found more than ${LINK_LIMIT} links, at ${showText(member.name)}`);
      }
      const { target } = member;
      lastLink = member;
      // The target of a hard link is a member's name. The target of a symlink is relative to the link's directory.
      if (member.kind === 'hardlink' || target.startsWith('/')) current = [];
      else current.pop();
      pending.push(...pathParts(target).reverse());
      member = undefined;
    }
    return { member, lastLink };
  }
}
