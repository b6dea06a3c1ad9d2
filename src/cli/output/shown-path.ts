// A path of an image as commands print it.
import { bytesOf } from '../../vfs/names.ts';
import { showName } from '../../vfs/show-text.ts';

/** `latin1`: one character for each byte, without a slash at the start. */
export function showPath(latin1: string): string {
  return `/${showName(bytesOf(latin1))}`;
}
