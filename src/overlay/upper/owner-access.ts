// What the owner of a file may do whatever its permission bits say, for a daemon that is not root: the bits are given
// for the while of one call, and taken back.
//
// An owner without CAP_DAC_OVERRIDE can't put a name into a copied-up directory of mode 0555, nor set a user.* attribute
// on a file of mode 0444 (xattr_permission in fs/xattr.c). The kernel has checked the caller before; this is about what
// the daemon does beside: copies, marks, lists. A `kill -9` in between leaves bits that the owner alone profits from.
import { statAt } from '../../sys/stat-at.ts';
import { chmodAt } from '../../sys/upper-calls.ts';
import { EACCES } from '../../vfs/errno.ts';

const OWNER_BITS = 0o700;

/**
 * The answer of `attempt`; where that is -EACCES, its answer once the owner of `name` in `dir` (with an empty name: of the
 * descriptor) may read, write and search. -EACCES stays where the file is somebody else's.
 */
export function withOwnerAccess<T>(dir: number, name: Uint8Array, attempt: () => T): T {
  const first = attempt();
  return first === -EACCES ? withOwnerBits(dir, name, first, attempt) : first;
}

/** The answer of `attempt`, made with those bits from the first; `otherwise` where they can't be given. */
export function withOwnerBits<T>(dir: number, name: Uint8Array, otherwise: T, attempt: () => T): T {
  const stat = statAt(dir, name);
  if (typeof stat === 'number') return otherwise;
  const mode = stat.mode & 0o7777;
  if ((mode & OWNER_BITS) === OWNER_BITS) return attempt();
  if (chmodAt(dir, name, mode | OWNER_BITS) < 0) return otherwise;
  try {
    return attempt();
  } finally {
    chmodAt(dir, name, mode);
  }
}
