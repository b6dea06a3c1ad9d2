// Which marks in `user.` xattrs this process may follow to another file.
//
// A user who may write to a file may set such an xattr on it. A redirect or a metacopy then shows any lower file under that
// name, without a check of the lower file's own permissions: with root's rights, that is a hole. So root follows none, and
// any other process only those of files that are its own user's. Root of a user namespace owns what the namespace maps.
import { readFileSync } from 'node:fs';
import { isInitialRoot } from '../sys/initial-root.ts';

export class UserMarkTrust {
  readonly #isInitialRoot: boolean;
  readonly #euid: number;
  readonly #overflowUid: number;

  constructor() {
    this.#isInitialRoot = isInitialRoot();
    this.#euid = process.geteuid?.() ?? 0;
    this.#overflowUid = readOverflowUid();
  }

  /** False for root: no mark in `user.` is followed. */
  get mayFollow(): boolean {
    return !this.#isInitialRoot;
  }

  /**
   * True where a redirect or metacopy in `user.` of a file may be followed. `uid`: the file's owner as stat(2) shows it.
   * `opensAsOwner`: whether open(2) with O_NOATIME succeeds, which only the owner may; asked where `uid` says too little.
   */
  follows(uid: number, opensAsOwner: () => boolean): boolean {
    if (this.#isInitialRoot) return false;
    if (this.#euid !== 0) return uid === this.#euid;
    // An owner that the namespace doesn't map shows as this one, which it may map too.
    return uid !== this.#overflowUid || opensAsOwner();
  }
}

function readOverflowUid(): number {
  try {
    return Number(readFileSync('/proc/sys/kernel/overflowuid', 'latin1'));
  } catch {
    return 65534; // ENOENT, in a container without /proc/sys: the kernel's default
  }
}
