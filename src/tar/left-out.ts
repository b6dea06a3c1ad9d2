// What a tar can't hold of a tree, and its writers leave out: told, so that nothing is lost silently.
import type { WrittenMember } from './tar-writer.ts';
import { S_IFMT, S_IFSOCK } from '../vfs/attr.ts';
import { showName } from '../vfs/names.ts';
import { encodeXattrName } from './xattr-key.ts';

/** Gets the path, bytes as latin1, and what becomes of it, for people. */
export type OnLeftOut = (path: string, what: string) => void;

/** False for what is no member of a tar. */
export function canBeMember(mode: number, path: string, onLeftOut: OnLeftOut | undefined): boolean {
  if ((mode & S_IFMT) !== S_IFSOCK) return true;
  onLeftOut?.(path, "is a socket, which a tar can't hold: left out");
  return false;
}

/**
 * Reports the xattrs that some readers won't find: a pax record without a value takes an xattr away (pax(1)), for us and
 * for Go's tools, though GNU tar sets it; and an encoded name is decoded by GNU tar and us alone.
 */
export function reportDoubtfulXattrs(
  { xattrs }: Pick<WrittenMember, 'xattrs'>,
  path: string,
  onLeftOut: OnLeftOut | undefined,
): void {
  for (const [name, value] of xattrs) {
    const shown = showName(name);
    if (value.length === 0) {
      onLeftOut?.(path, `its attribute ${shown} is empty, which in a tar means that there is none`);
    }
    const encoded = encodeXattrName(shown);
    if (encoded !== shown) {
      onLeftOut?.(
        path,
        `its attribute ${shown} is written as ${encoded}: GNU tar and stratafs decode that name, container engines do not`,
      );
    }
  }
}
