// A file system whose owners are shown differently from how they are stored: put around an Overlay where that is asked
// for, so that nobody else pays for it.
//
// Every Attr on its way out is mapped to what is shown; callers, new owners and ACLs on their way in to what is stored.
// A caller whose ID can't be stored makes nothing (EOVERFLOW, as under the kernel's ID-mapped mounts); an owner that
// can't be stored is EINVAL.
import { types } from 'node:util';
import type { AnswerTable } from '../../vfs/answer-table.ts';
import type { Attr } from '../../vfs/attr.ts';
import type { ReadResult } from '../../vfs/blob-reader.ts';
import { EINVAL, EOVERFLOW } from '../../vfs/errno.ts';
import type {
  DirectorySink,
  Entry,
  FileSystem,
  MaybePromise,
  NodeId,
  ReadOnlyFileSystem,
  StatFs,
  Status,
  WritableFileSystem,
} from '../../vfs/filesystem.ts';
import { type AttrChanges, Call, type NewInode, type OpenFile } from '../../vfs/operation.ts';
import { type OwnerMaps, mapAcl } from './id-mapping.ts';

const ACL_PREFIX = Buffer.from('system.posix_acl_');

/**
 * `inner`, with owners put through `maps`; it is closed with the answer. Without `usesAcl` the kernel is told of no
 * ACLs: it then obeys none, and they are plain xattrs.
 */
export function mapOwners(inner: FileSystem, maps: OwnerMaps, usesAcl: boolean): FileSystem {
  return inner.isReadOnly
    ? new MappedReadOnly(inner, maps, usesAcl)
    : new MappedWritable(inner, maps, usesAcl);
}

function isAcl(name: Uint8Array): boolean {
  return ACL_PREFIX.compare(name, 0, Math.min(ACL_PREFIX.length, name.length)) === 0;
}

class Mapped<T extends FileSystem> {
  protected readonly inner: T;
  protected readonly maps: OwnerMaps;
  readonly hasPosixAcl: boolean;
  readonly answerTable: AnswerTable | undefined;
  readonly #sink: MappedSink;

  constructor(inner: T, maps: OwnerMaps, usesAcl: boolean, hidesStickyBits = false) {
    this.inner = inner;
    this.maps = maps;
    this.hasPosixAcl = usesAcl && inner.hasPosixAcl;
    this.answerTable = inner.answerTable && {
      ...inner.answerTable,
      showUser: (id) => maps.users.show(id),
      showGroup: (id) => maps.groups.show(id),
      hidesStickyBits,
    };
    this.#sink = new MappedSink(this);
  }

  show(attr: Attr): void {
    attr.uid = this.maps.users.show(attr.uid);
    attr.gid = this.maps.groups.show(attr.gid);
  }

  /** Maps `attr` once `status` says that it is filled. */
  protected shown(status: MaybePromise<Status>, attr: Attr): MaybePromise<Status> {
    if (types.isPromise(status)) return status.then((settled) => this.#shownNow(settled, attr));
    return this.#shownNow(status, attr);
  }

  #shownNow(status: Status, attr: Attr): Status {
    if (status >= 0) this.show(attr);
    return status;
  }

  lookup(parent: NodeId, name: Uint8Array, out: Entry): Status {
    return this.#shownNow(this.inner.lookup(parent, name, out), out.attr);
  }
  forget(node: NodeId, count: number): void {
    this.inner.forget(node, count);
  }
  getattr(node: NodeId, out: Attr): Status {
    return this.#shownNow(this.inner.getattr(node, out), out);
  }
  readlink(node: NodeId): Uint8Array | number {
    return this.inner.readlink(node);
  }
  read(node: NodeId, offset: number, length: number): ReadResult | Promise<ReadResult> {
    return this.inner.read(node, offset, length);
  }
  readdir(node: NodeId, cookie: number, sink: DirectorySink): Status {
    this.#sink.outer = sink;
    return this.inner.readdir(node, cookie, sink.wantsAttributes ? this.#sink : sink);
  }
  seek(node: NodeId, offset: number, whence: number): number {
    return this.inner.seek(node, offset, whence);
  }
  getxattr(node: NodeId, name: Uint8Array): Uint8Array | number {
    const value = this.inner.getxattr(node, name);
    if (typeof value === 'number' || !isAcl(name)) return value;
    const { users, groups } = this.maps;
    return (
      mapAcl(
        value,
        (id) => users.show(id),
        (id) => groups.show(id),
      ) ?? -EINVAL
    );
  }
  listxattr(node: NodeId): Uint8Array | number {
    return this.inner.listxattr(node);
  }
  getFlags(node: NodeId): MaybePromise<number> {
    return this.inner.getFlags(node);
  }
  statfs(out: StatFs): Status {
    return this.inner.statfs(out);
  }
  close(): void | Promise<void> {
    return this.inner.close();
  }
}

/** Maps what readdir adds, on its way to the sink that it was given. */
class MappedSink implements DirectorySink {
  readonly wantsAttributes = true;
  outer: DirectorySink | undefined;
  readonly #owners: { show(attr: Attr): void };

  constructor(owners: { show(attr: Attr): void }) {
    this.#owners = owners;
  }

  /** The entry's owners and mode are put back: an entry that did not fit may be added again as it is. */
  add(names: Uint8Array, start: number, end: number, cookie: number, entry: Entry): boolean {
    const { uid, gid, mode } = entry.attr;
    this.#owners.show(entry.attr);
    const isAdded = this.outer?.add(names, start, end, cookie, entry) ?? false;
    entry.attr.uid = uid;
    entry.attr.gid = gid;
    entry.attr.mode = mode;
    return isAdded;
  }
}

export class MappedReadOnly extends Mapped<ReadOnlyFileSystem> implements ReadOnlyFileSystem {
  readonly isReadOnly = true;
}

/** The call as if made by `uid` and `gid`; whether it is interrupted is the original's to tell. */
export function callBy(original: Call, uid: number, gid: number): Call {
  const mapped = new Call(uid, gid, original.pid);
  Object.defineProperty(mapped, 'isInterrupted', { get: () => original.isInterrupted });
  return mapped;
}

export class MappedWritable extends Mapped<WritableFileSystem> implements WritableFileSystem {
  readonly isReadOnly = false;

  /** Undefined where the caller's IDs can't be stored. */
  protected callOf(call: Call): Call | undefined {
    const uid = this.maps.users.store(call.uid);
    const gid = this.maps.groups.store(call.gid);
    return uid < 0 || gid < 0 ? undefined : callBy(call, uid, gid);
  }

  /** What makes an inode, or changes one by the caller's leave. */
  #making(call: Call, attr: Attr, make: (mapped: Call) => MaybePromise<Status>): MaybePromise<Status> {
    const mapped = this.callOf(call);
    return mapped === undefined ? -EOVERFLOW : this.shown(make(mapped), attr);
  }

  /** What makes nothing that the caller would own: IDs that can't be stored are no hindrance. */
  #acting<R>(call: Call, act: (mapped: Call) => R): R {
    return act(this.callOf(call) ?? call);
  }

  takeChangedNodes(): readonly NodeId[] {
    return this.inner.takeChangedNodes();
  }
  onChangedNodes(listener: () => void): void {
    this.inner.onChangedNodes(listener);
  }
  setattr(node: NodeId, changes: AttrChanges, call: Call, out: Attr): MaybePromise<Status> {
    const mapped = { ...changes };
    if (changes.uid !== undefined) mapped.uid = this.maps.users.store(changes.uid);
    if (changes.gid !== undefined) mapped.gid = this.maps.groups.store(changes.gid);
    if ((mapped.uid ?? 0) < 0 || (mapped.gid ?? 0) < 0) return -EINVAL;
    return this.#acting(call, (by) => this.shown(this.inner.setattr(node, mapped, by, out), out));
  }
  mknod(parent: NodeId, name: Uint8Array, inode: NewInode, call: Call, out: Entry): MaybePromise<Status> {
    return this.#making(call, out.attr, (by) => this.inner.mknod(parent, name, inode, by, out));
  }
  mkdir(parent: NodeId, name: Uint8Array, inode: NewInode, call: Call, out: Entry): MaybePromise<Status> {
    return this.#making(call, out.attr, (by) => this.inner.mkdir(parent, name, inode, by, out));
  }
  symlink(
    parent: NodeId,
    name: Uint8Array,
    target: Uint8Array,
    inode: NewInode,
    call: Call,
    out: Entry,
  ): MaybePromise<Status> {
    return this.#making(call, out.attr, (by) => this.inner.symlink(parent, name, target, inode, by, out));
  }
  link(node: NodeId, parent: NodeId, name: Uint8Array, call: Call, out: Entry): MaybePromise<Status> {
    return this.#acting(call, (by) => this.shown(this.inner.link(node, parent, name, by, out), out.attr));
  }
  unlink(parent: NodeId, name: Uint8Array, call: Call): MaybePromise<Status> {
    return this.#acting(call, (by) => this.inner.unlink(parent, name, by));
  }
  rmdir(parent: NodeId, name: Uint8Array, call: Call): MaybePromise<Status> {
    return this.#acting(call, (by) => this.inner.rmdir(parent, name, by));
  }
  rename(
    parent: NodeId,
    name: Uint8Array,
    newParent: NodeId,
    newName: Uint8Array,
    flags: number,
    call: Call,
  ): MaybePromise<Status> {
    return this.#acting(call, (by) => this.inner.rename(parent, name, newParent, newName, flags, by));
  }
  open(
    node: NodeId,
    flags: number,
    killsPrivileges: boolean,
    call: Call,
    out: OpenFile,
  ): MaybePromise<Status> {
    return this.#acting(call, (by) => this.inner.open(node, flags, killsPrivileges, by, out));
  }
  create(
    parent: NodeId,
    name: Uint8Array,
    flags: number,
    inode: NewInode,
    call: Call,
    out: Entry,
    file: OpenFile,
  ): MaybePromise<Status> {
    return this.#making(call, out.attr, (by) => this.inner.create(parent, name, flags, inode, by, out, file));
  }
  tmpfile(
    parent: NodeId,
    flags: number,
    inode: NewInode,
    call: Call,
    out: Entry,
    file: OpenFile,
  ): MaybePromise<Status> {
    return this.#making(call, out.attr, (by) => this.inner.tmpfile(parent, flags, inode, by, out, file));
  }
  release(node: NodeId): void {
    this.inner.release(node);
  }
  write(node: NodeId, offset: number, bytes: Uint8Array, killer: Call | undefined): MaybePromise<number> {
    if (killer === undefined) return this.inner.write(node, offset, bytes, killer);
    return this.#acting(killer, (by) => this.inner.write(node, offset, bytes, by));
  }
  fsync(node: NodeId, isDataOnly: boolean): MaybePromise<Status> {
    return this.inner.fsync(node, isDataOnly);
  }
  fallocate(node: NodeId, mode: number, offset: number, length: number, call: Call): MaybePromise<Status> {
    return this.#acting(call, (by) => this.inner.fallocate(node, mode, offset, length, by));
  }
  copyFileRange(
    from: NodeId,
    fromOffset: number,
    to: NodeId,
    toOffset: number,
    length: number,
  ): MaybePromise<number> {
    return this.inner.copyFileRange(from, fromOffset, to, toOffset, length);
  }
  setxattr(
    node: NodeId,
    name: Uint8Array,
    value: Uint8Array,
    flags: number,
    dropsSetgid: boolean,
    call: Call,
  ): MaybePromise<Status> {
    const { users, groups } = this.maps;
    const stored = isAcl(name)
      ? mapAcl(
          value,
          (id) => users.store(id),
          (id) => groups.store(id),
        )
      : value;
    if (stored === undefined) return -EINVAL;
    return this.#acting(call, (by) => this.inner.setxattr(node, name, stored, flags, dropsSetgid, by));
  }
  removexattr(node: NodeId, name: Uint8Array, call: Call): MaybePromise<Status> {
    return this.#acting(call, (by) => this.inner.removexattr(node, name, by));
  }
  setFlags(node: NodeId, flags: number, call: Call): MaybePromise<Status> {
    return this.#acting(call, (by) => this.inner.setFlags(node, flags, by));
  }
}
