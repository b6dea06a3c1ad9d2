// A file system for a user who acts as the image's root, as fakeroot(1) lets one act: put around an overlay whose upper
// keeps owners in xattrs. The kernel checks no permissions on such a mount, and lets nobody else in.
//
// Every caller counts as root. Directories show no sticky bit: in one that has it the kernel itself lets nobody but the
// owner remove a name, whatever the file system says. The bit is kept, also by a chmod(2) that was computed without it.
import { Attr, S_IFDIR, S_IFMT } from '../../vfs/attr.ts';
import type { FileSystem, MaybePromise, NodeId, Status } from '../../vfs/filesystem.ts';
import type { AttrChanges, Call, OpenFile } from '../../vfs/operation.ts';
import { makeOwnerMaps } from './id-mapping.ts';
import { MappedReadOnly, MappedWritable, callBy } from './mapped-owners.ts';

const S_ISVTX = 0o1000;
const ROOT = 0;

/** `inner` for a user who acts as root; it is closed with the answer. */
export function fakeRoot(inner: FileSystem): FileSystem {
  return inner.isReadOnly
    ? new FakeRootReadOnly(inner, makeOwnerMaps({}), false, true)
    : new FakeRootWritable(inner, makeOwnerMaps({}), false, true);
}

function hideStickyBit(attr: Attr): void {
  if ((attr.mode & S_IFMT) === S_IFDIR) attr.mode &= ~S_ISVTX;
}

class FakeRootReadOnly extends MappedReadOnly {
  override show(attr: Attr): void {
    hideStickyBit(attr);
  }
}

class FakeRootWritable extends MappedWritable {
  readonly #known = new Attr();

  override show(attr: Attr): void {
    hideStickyBit(attr);
  }

  protected override callOf(call: Call): Call {
    return callBy(call, ROOT, ROOT);
  }

  override setattr(node: NodeId, changes: AttrChanges, call: Call, out: Attr): MaybePromise<Status> {
    // Root's changes take no set-ID bits off.
    const kept: AttrChanges = { ...changes, killsPrivileges: false };
    if (changes.mode !== undefined && this.#isSticky(node)) kept.mode = changes.mode | S_ISVTX;
    return super.setattr(node, kept, call, out);
  }

  #isSticky(node: NodeId): boolean {
    const status = this.inner.getattr(node, this.#known);
    const { mode } = this.#known;
    return status === 0 && (mode & S_IFMT) === S_IFDIR && (mode & S_ISVTX) !== 0;
  }

  override open(
    node: NodeId,
    flags: number,
    _killsPrivileges: boolean,
    call: Call,
    out: OpenFile,
  ): MaybePromise<Status> {
    return super.open(node, flags, false, call, out);
  }

  override write(node: NodeId, offset: number, bytes: Uint8Array): MaybePromise<number> {
    return super.write(node, offset, bytes, undefined);
  }
}
