// An inode of WritableTestFileSystem: its bytes, if it has any, lie in an unnamed file of the temporary directory.
import { constants, openSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { Attr, S_IFDIR, S_IFMT, S_IFREG } from '../../src/vfs/attr.ts';
import type { NodeId } from '../../src/vfs/filesystem.ts';
import type { TimeChange } from '../../src/vfs/operation.ts';

const UNNAMED = constants.O_RDWR | constants.O_DIRECTORY | 0o20000000;
export class TestNode {
  readonly id: NodeId;
  readonly attr = new Attr();
  readonly children = new Map<string, TestNode>();
  readonly xattrs = new Map<string, Buffer>();
  target = Buffer.alloc(0);
  fd = -1;
  opens = 0;
  lookups = 0;
  flags = 0;
  /** The mtime of `fd` that `attr` has another for; later ones are right. */
  replacedMtime = -1n;

  constructor(id: number, mode: number, uid: number, gid: number) {
    this.id = id as NodeId;
    const { attr } = this;
    attr.ino = id;
    attr.mode = mode;
    attr.uid = uid;
    attr.gid = gid;
    attr.nlink = this.isDirectory ? 2 : 1;
    setTime(attr, 'atime', 'now');
    setTime(attr, 'mtime', 'now');
    attr.hasBtime = true;
    attr.btimeSec = 1_000_000_000;
    attr.btimeNsec = 5;
    if ((mode & S_IFMT) === S_IFREG) this.fd = openSync(tmpdir(), UNNAMED, 0o600);
  }

  get isDirectory(): boolean {
    return (this.attr.mode & S_IFMT) === S_IFDIR;
  }
}

export function setTime(attr: Attr, which: 'atime' | 'mtime', time: TimeChange): void {
  const now = Date.now();
  attr[`${which}Sec`] = time === 'now' ? Math.floor(now / 1000) : time.sec;
  attr[`${which}Nsec`] = time === 'now' ? (now % 1000) * 1_000_000 : time.nsec;
}
