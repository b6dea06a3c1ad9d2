// Access of a daemon that is not root to its own files, regardless of their permission bits: the owner's bits are set for the
// duration of one call, and then restored.
//
// An owner without CAP_DAC_OVERRIDE can't create a name in a copied-up directory of mode 0555, nor set a user.* xattr on a file of
// mode 0444 (xattr_permission in fs/xattr.c). The kernel has already checked the caller's permission; the daemon needs access for
// its own work: copies, marks, listings. After `kill -9` during the call the owner's bits stay set, which only helps the owner.
import { statAt } from '../../sys/stat-at.ts';
import { chmodAt } from '../../sys/upper-calls.ts';
import { EACCES } from '../../vfs/errno.ts';

const OWNER_BITS = 0o700;

/**
 * The result of `attempt`. If that is -EACCES, calls it again while the owner of `name` in `dir` (if the name is empty: of the
 * descriptor's file) may read, write and search. Returns -EACCES if the file belongs to another user.
 */
export function withOwnerAccess<T>(dir: number, name: Uint8Array, attempt: () => T): T {
  const first = attempt();
  return first === -EACCES ? withOwnerBits(dir, name, first, attempt) : first;
}

/** The result of `attempt`, which is called with the owner's bits set; `otherwise` if they can't be set. */
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
