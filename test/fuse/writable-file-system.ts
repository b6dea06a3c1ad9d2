// A writable file system for tests of the protocol and the driver alone: names and attributes in memory, the bytes of
// each file in an unnamed file of the temporary directory, so that the kernel can be handed a descriptor of them.
import { closeSync, constants, fstatSync, fsyncSync, ftruncateSync, readSync, writeSync } from 'node:fs';
import { Attr, S_IFDIR, S_IFLNK, S_IFMT } from '../../src/vfs/attr.ts';
import { FileRange, type ReadResult } from '../../src/vfs/blob-reader.ts';
import {
  EEXIST,
  EINVAL,
  EISDIR,
  ENODATA,
  ENOENT,
  ENOSYS,
  ENOTDIR,
  ENOTEMPTY,
  ENXIO,
  EPERM,
} from '../../src/vfs/errno.ts';
import type {
  DirectorySink,
  Entry,
  MaybePromise,
  NodeId,
  StatFs,
  Status,
  WritableFileSystem,
} from '../../src/vfs/filesystem.ts';
import type { AttrChanges, Call, NewInode, OpenFile } from '../../src/vfs/operation.ts';
import { TestNode, setTime } from './test-node.ts';

const key = (name: Uint8Array): string => Buffer.from(name).toString('latin1');

export class WritableTestFileSystem implements WritableFileSystem {
  readonly isReadOnly = false;
  readonly hasPosixAcl = false;
  /** Makes an answer late: every change passes through it. */
  later: (result: () => number) => MaybePromise<number> = (result) => result();
  /** Answers files with descriptors that the kernel may use. */
  offersBacking = false;
  readonly nodes = new Map<number, TestNode>();
  #nextId = 2;

  constructor() {
    this.nodes.set(1, new TestNode(1, S_IFDIR | 0o755, process.getuid?.() ?? 0, process.getgid?.() ?? 0));
  }

  lookup(parent: NodeId, name: Uint8Array, out: Entry): Status {
    const child = this.#node(parent).children.get(key(name));
    return child === undefined ? -ENOENT : this.#enter(child, out);
  }

  forget(node: NodeId, count: number): void {
    const found = this.#node(node);
    found.lookups -= count;
    if (found.lookups < 0) throw new Error(`node ${node} was forgotten too often`);
  }

  getattr(node: NodeId, out: Attr): Status {
    const found = this.#node(node);
    Object.assign(out, found.attr);
    if (found.fd >= 0) {
      const stat = fstatSync(found.fd, { bigint: true });
      out.size = Number(stat.size);
      out.blocks = Number(stat.blocks);
      if (stat.mtimeNs !== found.replacedMtime) {
        out.mtimeSec = Number(stat.mtimeNs / 1_000_000_000n);
        out.mtimeNsec = Number(stat.mtimeNs % 1_000_000_000n);
      }
    }
    return 0;
  }

  readlink(node: NodeId): Uint8Array | number {
    return this.#node(node).target;
  }

  read(node: NodeId, offset: number, length: number): ReadResult {
    return new FileRange(this.#node(node).fd, offset, this.#available(node, offset, length), true);
  }

  readdir(node: NodeId, cookie: number, sink: DirectorySink): Status {
    const directory = this.#node(node);
    const entries: [string, TestNode][] = [['.', directory], ['..', directory], ...directory.children];
    for (const [i, [name, child]] of entries.entries()) {
      if (i < cookie) continue;
      const entry: Entry = { nodeId: i < 2 ? (0 as NodeId) : child.id, generation: 0, attr: new Attr() };
      this.getattr(child.id, entry.attr);
      const bytes = Buffer.from(name, 'latin1');
      if (!sink.add(bytes, 0, bytes.length, i + 1, entry)) break;
      if (sink.wantsAttributes && i >= 2) child.lookups++;
    }
    return 0;
  }

  seek(node: NodeId, offset: number, whence: number): number {
    const size = this.#available(node, 0, Infinity);
    if (offset >= size) return -ENXIO;
    return whence === 3 ? offset : size;
  }

  getxattr(node: NodeId, name: Uint8Array): Uint8Array | number {
    return this.#node(node).xattrs.get(key(name)) ?? -ENODATA;
  }

  listxattr(node: NodeId): Uint8Array {
    return Buffer.from([...this.#node(node).xattrs.keys()].map((name) => `${name}\0`).join(''), 'latin1');
  }

  statfs(out: StatFs): Status {
    out.blockSize = 4096;
    out.blocks = out.blocksFree = out.blocksAvailable = 1_000_000;
    out.nameLength = 255;
    return 0;
  }

  close(): void {
    for (const { fd } of this.nodes.values()) if (fd >= 0) closeSync(fd);
  }

  takeChangedNodes(): readonly NodeId[] {
    return [];
  }

  onChangedNodes(): void {
    // Nothing changes by itself.
  }

  setattr(node: NodeId, changes: AttrChanges, _call: Call, out: Attr): MaybePromise<Status> {
    return this.later(() => {
      const found = this.#node(node);
      const { attr, fd } = found;
      if (changes.mode !== undefined) attr.mode = (attr.mode & S_IFMT) | changes.mode;
      if (changes.uid !== undefined) attr.uid = changes.uid;
      if (changes.gid !== undefined) attr.gid = changes.gid;
      if (changes.size !== undefined) ftruncateSync(fd, changes.size);
      if (changes.killsPrivileges === true) attr.mode &= ~0o6000;
      if (changes.atime !== undefined) setTime(attr, 'atime', changes.atime);
      if (changes.mtime !== undefined) {
        setTime(attr, 'mtime', changes.mtime);
        if (fd >= 0) found.replacedMtime = fstatSync(fd, { bigint: true }).mtimeNs;
      }
      return this.getattr(node, out);
    });
  }

  mknod(parent: NodeId, name: Uint8Array, inode: NewInode, call: Call, out: Entry): MaybePromise<Status> {
    const entryName = key(name);
    return this.later(() => this.#make(parent, entryName, inode, call, out));
  }

  mkdir(parent: NodeId, name: Uint8Array, inode: NewInode, call: Call, out: Entry): MaybePromise<Status> {
    return this.mknod(parent, name, inode, call, out);
  }

  symlink(
    parent: NodeId,
    name: Uint8Array,
    target: Uint8Array,
    inode: NewInode,
    call: Call,
    out: Entry,
  ): MaybePromise<Status> {
    const entryName = key(name);
    const copy = Buffer.from(target);
    return this.later(() => {
      const status = this.#make(parent, entryName, inode, call, out);
      if (status !== 0) return status;
      this.#node(out.nodeId).target = copy;
      out.attr.size = this.#node(out.nodeId).attr.size = copy.length;
      return 0;
    });
  }

  link(node: NodeId, parent: NodeId, name: Uint8Array, _call: Call, out: Entry): MaybePromise<Status> {
    const entryName = key(name);
    return this.later(() => {
      const found = this.#node(node);
      const { children } = this.#node(parent);
      if (children.has(entryName)) return -EEXIST;
      children.set(entryName, found);
      found.attr.nlink++;
      return this.#enter(found, out);
    });
  }

  unlink(parent: NodeId, name: Uint8Array): MaybePromise<Status> {
    return this.#remove(parent, name, false);
  }

  rmdir(parent: NodeId, name: Uint8Array): MaybePromise<Status> {
    return this.#remove(parent, name, true);
  }

  rename(
    parent: NodeId,
    name: Uint8Array,
    newParent: NodeId,
    newName: Uint8Array,
    flags: number,
  ): MaybePromise<Status> {
    const [from, to] = [key(name), key(newName)];
    return this.later(() => {
      const [old, next] = [this.#node(parent).children, this.#node(newParent).children];
      const moved = old.get(from);
      const replaced = next.get(to);
      if (moved === undefined || (flags === 2 && replaced === undefined)) return -ENOENT;
      if (flags === 4) return -EINVAL;
      if (flags === 1 && replaced !== undefined) return -EEXIST;
      old.delete(from);
      next.set(to, moved);
      if (flags === 2 && replaced !== undefined) old.set(from, replaced);
      else if (replaced !== undefined && replaced !== moved) replaced.attr.nlink--;
      return 0;
    });
  }

  open(
    node: NodeId,
    flags: number,
    killsPrivileges: boolean,
    _call: Call,
    out: OpenFile,
  ): MaybePromise<Status> {
    return this.later(() => this.#open(node, flags, killsPrivileges, out));
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
    const entryName = key(name);
    return this.later(() => {
      const status = this.#make(parent, entryName, inode, call, out);
      return status === 0 ? this.#open(out.nodeId, flags, false, file) : status;
    });
  }

  tmpfile(
    _parent: NodeId,
    flags: number,
    inode: NewInode,
    call: Call,
    out: Entry,
    file: OpenFile,
  ): MaybePromise<Status> {
    return this.later(() => {
      const node = this.#add(inode, call);
      node.attr.nlink = 0;
      this.#enter(node, out);
      return this.#open(node.id, flags, false, file);
    });
  }

  release(node: NodeId): void {
    const found = this.#node(node);
    if (--found.opens < 0) throw new Error(`node ${node} was released too often`);
  }

  write(node: NodeId, offset: number, bytes: Uint8Array, killer: Call | undefined): MaybePromise<number> {
    const found = this.#node(node);
    if (found.opens === 0) throw new Error(`node ${node} is written and not open`);
    const copy = Buffer.from(bytes);
    return this.later(() => {
      if (killer !== undefined) found.attr.mode &= ~0o6000;
      return writeSync(found.fd, copy, 0, copy.length, offset);
    });
  }

  fsync(node: NodeId): MaybePromise<Status> {
    return this.later(() => {
      const { fd } = this.#node(node);
      if (fd >= 0) fsyncSync(fd);
      return 0;
    });
  }

  /** The kernel then says EOPNOTSUPP, and asks no more. */
  fallocate(): MaybePromise<Status> {
    return this.later(() => -ENOSYS);
  }

  copyFileRange(
    from: NodeId,
    fromOffset: number,
    to: NodeId,
    toOffset: number,
    length: number,
  ): MaybePromise<number> {
    return this.later(() => {
      const bytes = Buffer.alloc(Math.min(length, this.#available(from, fromOffset, length)));
      readSync(this.#node(from).fd, bytes, 0, bytes.length, fromOffset);
      return writeSync(this.#node(to).fd, bytes, 0, bytes.length, toOffset);
    });
  }

  setxattr(node: NodeId, name: Uint8Array, value: Uint8Array, flags: number): MaybePromise<Status> {
    const [entryName, copy] = [key(name), Buffer.from(value)];
    return this.later(() => {
      const { xattrs } = this.#node(node);
      if (flags === 1 && xattrs.has(entryName)) return -EEXIST;
      if (flags === 2 && !xattrs.has(entryName)) return -ENODATA;
      xattrs.set(entryName, copy);
      return 0;
    });
  }

  removexattr(node: NodeId, name: Uint8Array): MaybePromise<Status> {
    const entryName = key(name);
    return this.later(() => (this.#node(node).xattrs.delete(entryName) ? 0 : -ENODATA));
  }

  getFlags(node: NodeId): MaybePromise<number> {
    return this.later(() => this.#node(node).flags);
  }

  setFlags(node: NodeId, flags: number): MaybePromise<Status> {
    return this.later(() => {
      this.#node(node).flags = flags;
      return 0;
    });
  }

  #node(node: number): TestNode {
    const found = this.nodes.get(node);
    if (found === undefined) throw new Error(`node ${node} was never given`);
    return found;
  }

  #available(node: NodeId, offset: number, length: number): number {
    return Math.max(0, Math.min(length, fstatSync(this.#node(node).fd).size - offset));
  }

  #enter(node: TestNode, out: Entry): Status {
    node.lookups++;
    out.nodeId = node.id;
    out.generation = 0;
    return this.getattr(node.id, out.attr);
  }

  #add({ mode, umask, rdev }: NewInode, { uid, gid }: Call): TestNode {
    const storedMode = (mode & S_IFMT) === S_IFLNK ? mode : mode & ~umask;
    const node = new TestNode(this.#nextId++, storedMode, uid, gid);
    node.attr.rdev = rdev;
    this.nodes.set(node.id, node);
    return node;
  }

  #make(parent: NodeId, name: string, inode: NewInode, call: Call, out: Entry): Status {
    const directory = this.#node(parent);
    if (!directory.isDirectory) return -ENOTDIR;
    if (directory.children.has(name)) return -EEXIST;
    const node = this.#add(inode, call);
    if (node.isDirectory) directory.attr.nlink++;
    directory.children.set(name, node);
    setTime(directory.attr, 'mtime', 'now');
    return this.#enter(node, out);
  }

  #remove(parent: NodeId, name: Uint8Array, isDirectory: boolean): MaybePromise<Status> {
    const entryName = key(name);
    return this.later(() => {
      const directory = this.#node(parent);
      const child = directory.children.get(entryName);
      if (child === undefined) return -ENOENT;
      if (child.isDirectory !== isDirectory) return isDirectory ? -ENOTDIR : -EISDIR;
      if (child.children.size > 0) return -ENOTEMPTY;
      directory.children.delete(entryName);
      child.attr.nlink -= isDirectory ? 2 : 1;
      if (isDirectory) directory.attr.nlink--;
      return 0;
    });
  }

  #open(node: NodeId, flags: number, killsPrivileges: boolean, out: OpenFile): Status {
    const found = this.#node(node);
    if (found.fd < 0) return -EPERM;
    if ((flags & constants.O_TRUNC) !== 0) ftruncateSync(found.fd, 0);
    if (killsPrivileges) found.attr.mode &= ~0o6000;
    found.opens++;
    if (this.offersBacking) out.backingFd = found.fd;
    return 0;
  }
}
