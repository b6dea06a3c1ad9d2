// Which owners and modes that a `user.` xattr keeps (vfs/override-stat.ts) this process shows.
//
// A user who may write to a file may set such an xattr, and could have root's mount show a set-user-ID program of root's. So root
// believes only what lies on its own files, and no set-ID bit on a file that others may write to. Any other process believes all:
// a layer of somebody else's may hold such files in any case, and its mount has no more rights than the process. `--fake-root`
// asks for all of them, whoever the files belong to.
import { S_IFMT, S_IFREG, SET_ID_BITS } from '../vfs/attr.ts';
import type { OverrideStat } from './override-stat.ts';
import { isInitialRoot } from '../sys/initial-root.ts';

const OTHERS_WRITE = 0o022;

export class OverrideTrust {
  readonly #isLimited: boolean;

  constructor(fakesRoot: boolean) {
    this.#isLimited = !fakesRoot && isInitialRoot();
  }

  /** `attribute`: its name; `uid`: the file's owner, as stat(2) shows it. */
  believes(attribute: string, uid: number): boolean {
    return !this.#isLimited || !attribute.startsWith('user.') || uid === 0;
  }

  /** The part of a believed `override` that shows; the inode's own mode is `mode`. */
  limit(attribute: string, override: OverrideStat, mode: number): OverrideStat {
    if (!this.#isLimited || !attribute.startsWith('user.')) return override;
    if ((mode & S_IFMT) !== S_IFREG || (mode & OTHERS_WRITE) === 0) return override;
    return { ...override, mode: override.mode & ~SET_ID_BITS };
  }
}
