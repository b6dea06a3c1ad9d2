// The inodes of a layer that is being indexed, as growing columns, numbered in the order of the archive.
import { S_IFDIR } from '../vfs/attr.ts';

const FIRST_CAPACITY = 1 << 8;

/** Columns as in LayerIndex; a symlink's `dataOffset` is in the draft's arena. */
export class DraftInodes {
  count = 0;
  mode = new Uint32Array(FIRST_CAPACITY);
  uid = new Uint32Array(FIRST_CAPACITY);
  gid = new Uint32Array(FIRST_CAPACITY);
  rdev = new Uint32Array(FIRST_CAPACITY);
  size = new Float64Array(FIRST_CAPACITY);
  mtimeSec = new Float64Array(FIRST_CAPACITY);
  mtimeNsec = new Uint32Array(FIRST_CAPACITY);
  atimeSec = new Float64Array(FIRST_CAPACITY);
  atimeNsec = new Uint32Array(FIRST_CAPACITY);
  dataOffset = new Float64Array(FIRST_CAPACITY);
  xattr = new Uint32Array(FIRST_CAPACITY);
  flags = new Uint8Array(FIRST_CAPACITY);
  readonly #limit: number;
  readonly #refuse: () => Error;

  /** Adding more than `limit` inodes throws the error that `refuse` returns. */
  constructor(limit: number, refuse: () => Error) {
    this.#limit = limit;
    this.#refuse = refuse;
  }

  /** A new inode, all zero. */
  add(): number {
    if (this.count === this.mode.length) this.#grow();
    return this.count++;
  }

  /** Adds a directory that has no entry of its own: owned by root, 0755, time 0. */
  addDirectory(flags: number): number {
    const inode = this.add();
    this.mode[inode] = S_IFDIR | 0o755;
    this.flags[inode] = flags;
    return inode;
  }

  #grow(): void {
    if (this.count >= this.#limit) throw this.#refuse();
    const capacity = Math.min(this.#limit, this.count * 2);
    this.mode = enlarged(this.mode, new Uint32Array(capacity));
    this.uid = enlarged(this.uid, new Uint32Array(capacity));
    this.gid = enlarged(this.gid, new Uint32Array(capacity));
    this.rdev = enlarged(this.rdev, new Uint32Array(capacity));
    this.size = enlarged(this.size, new Float64Array(capacity));
    this.mtimeSec = enlarged(this.mtimeSec, new Float64Array(capacity));
    this.mtimeNsec = enlarged(this.mtimeNsec, new Uint32Array(capacity));
    this.atimeSec = enlarged(this.atimeSec, new Float64Array(capacity));
    this.atimeNsec = enlarged(this.atimeNsec, new Uint32Array(capacity));
    this.dataOffset = enlarged(this.dataOffset, new Float64Array(capacity));
    this.xattr = enlarged(this.xattr, new Uint32Array(capacity));
    this.flags = enlarged(this.flags, new Uint8Array(capacity));
  }
}

function enlarged<T extends Float64Array | Uint32Array | Uint8Array>(old: T, larger: T): T {
  larger.set(old);
  return larger;
}
