// Formats paths of an image for output.
import type { PathName } from '../../library/path-name.ts';
import { showName } from '../../vfs/show-text.ts';

/** The escaped path of an object of the library. */
export function showPathName({ pathBytes }: PathName): string {
  return showName(pathBytes);
}
