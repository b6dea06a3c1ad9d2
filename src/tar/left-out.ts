// Reports what a tar can't hold, so that the writers of tars never drop anything silently.
import type { WrittenMember } from './tar-writer.ts';
import { S_IFMT, S_IFSOCK } from '../vfs/attr.ts';
import { showName } from '../vfs/show-text.ts';
import { encodeXattrName } from './xattr-key.ts';

/** Gets the path (bytes as latin1) and a text for people that says what happens to it. */
export type OnLeftOut = (path: string, what: string) => void;

/** False for a file that can't be a member of a tar. */
export function canBeMember(mode: number, path: string, onLeftOut: OnLeftOut | undefined): boolean {
  if ((mode & S_IFMT) !== S_IFSOCK) return true;
  onLeftOut?.(path, "is a socket, which a tar can't hold: left out");
  return false;
}

/**
 * Reports xattrs that some readers won't find. By pax(1) a record without a value deletes an xattr: stratafs and Go's
 * tools do so, GNU tar sets it to empty. Only GNU tar and stratafs decode an encoded name.
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
