// What a tar can't hold of a tree, and its writers leave out: told, so that nothing is lost silently.
import type { WrittenMember } from './tar-writer.ts';
import { S_IFMT, S_IFSOCK } from '../vfs/attr.ts';
import { showName } from '../vfs/names.ts';

/** Gets the path, bytes as latin1, and what becomes of it, for people. */
export type OnLeftOut = (path: string, what: string) => void;

/** False for what is no member of a tar. */
export function canBeMember(mode: number, path: string, onLeftOut: OnLeftOut | undefined): boolean {
  if ((mode & S_IFMT) !== S_IFSOCK) return true;
  onLeftOut?.(path, "is a socket, which a tar can't hold: left out");
  return false;
}

/**
 * Tells the attributes that few readers will find: a pax record without a value takes an attribute away (pax(1)), for ours
 * and for Go's. GNU tar sets it, so it is written all the same.
 */
export function tellEmptyXattrs(
  { xattrs }: Pick<WrittenMember, 'xattrs'>,
  path: string,
  onLeftOut: OnLeftOut | undefined,
): void {
  for (const [name, value] of xattrs) {
    if (value.length > 0) continue;
    onLeftOut?.(path, `its attribute ${showName(name)} is empty, which in a tar means that there is none`);
  }
}
