// Makes the paths of members canonical: no leading, doubled or trailing slash, no "." component.
//
// A ".." component is refused. Docker refuses those that lead out of the root, and no tool that saves images writes
// any. Since no ".." is ever resolved, no path can leave the root. The layer checks the length of single names.
import { PATH_MAX } from '../vfs/names.ts';
import type { Place } from './place.ts';

const SLASH = 0x2f;
const DOT = 0x2e;

/**
 * Appends the components of bytes `start` to `end` to the path in `out` (at least PATH_MAX bytes), which has `length`
 * bytes so far. Returns its new length; 0 is the root. Throws FormatError for "..", a NUL, and a path of PATH_MAX bytes
 * or more. `what` names the path in messages.
 */
export function appendPath(
  out: Uint8Array,
  length: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  place: Pick<Place, 'error'>,
  what: string,
): number {
  let at = start;
  while (at < end) {
    while (at < end && bytes[at] === SLASH) at++;
    const first = at;
    while (at < end && bytes[at] !== SLASH) {
      if (bytes[at] === 0) throw place.error(at, 'a NUL byte', `${what} without one`);
      at++;
    }
    const size = at - first;
    if (size === 0) break;
    if (bytes[first] === DOT) {
      if (size === 1) continue;
      if (size === 2 && bytes[first + 1] === DOT) {
        throw place.error(first, "a '..' component", `${what} that stays below the root`);
      }
    }
    if (length + 1 + size >= PATH_MAX) {
      throw place.error(
        start,
        `${what} of ${PATH_MAX} bytes or more`,
        `at most ${PATH_MAX - 1} (ENAMETOOLONG)`,
      );
    }
    if (length > 0) out[length++] = SLASH;
    for (let i = first; i < at; i++) out[length++] = bytes[i] as number;
  }
  return length;
}
