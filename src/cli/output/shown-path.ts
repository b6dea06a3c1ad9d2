// Formats paths of an image for output.
import type { PathName } from '../../library/path-name.ts';
import { bytesOf } from '../../vfs/names.ts';
import { showName } from '../../vfs/show-text.ts';

/** `latin1`: one character for each byte, without a slash at the start. */
export function showPath(latin1: string): string {
  return `/${showName(bytesOf(latin1))}`;
}

/** The escaped path of an object of the library. */
export function showPathName({ pathBytes }: PathName): string {
  return showName(pathBytes);
}
