// A writable file system that only records its calls, and answers as a test wants. For tests of the protocol.
import type { Attr } from '../../src/vfs/attr.ts';
import type { Entry, MaybePromise, NodeId, Status, WritableFileSystem } from '../../src/vfs/filesystem.ts';
import { type AttrChanges, Call, type NewInode, type OpenFile } from '../../src/vfs/operation.ts';
import { SyntheticFileSystem } from './synthetic-file-system.ts';

/** The node that every new name gets. */
export const MADE = 77 as NodeId;

export class RecordingFileSystem implements WritableFileSystem {
  readonly isReadOnly = false;
  readonly hasPosixAcl = false;
  /** The calls: names, arguments (bytes as text, a Call as its owner, what is filled left out). */
  readonly calls: unknown[][] = [];
  /** The Calls that were passed, in order. */
  readonly passed: Call[] = [];
  /** The answer of every change. */
  result: () => MaybePromise<number> = () => 0;
  /** What opens answer as backing descriptor. */
  backingFd = -1;
  /** The nodes whose attributes have changed, until they are taken. */
  changedNodes: NodeId[] = [];
  readonly below = new SyntheticFileSystem(2, 3);

  lookup(parent: NodeId, name: Uint8Array, out: Entry): Status {
    return this.below.lookup(parent, name, out);
  }

  forget(node: NodeId, count: number): void {
    void this.#record('forget', node, count);
  }

  getattr(node: NodeId, out: Attr): Status {
    return this.below.getattr(node, out);
  }

  readlink = (): number => this.below.readlink();
  read = this.below.read.bind(this.below);
  readdir = this.below.readdir.bind(this.below);
  seek = (): number => this.below.seek();
  getxattr = this.below.getxattr.bind(this.below);
  listxattr = (): Uint8Array => this.below.listxattr();
  statfs = this.below.statfs.bind(this.below);

  close(): void {
    void this.#record('close');
  }

  takeChangedNodes(): readonly NodeId[] {
    const taken = this.changedNodes;
    this.changedNodes = [];
    return taken;
  }

  onChangedNodes = (): void => undefined;

  setattr(node: NodeId, changes: AttrChanges, call: Call, out: Attr): MaybePromise<Status> {
    this.getattr(node, out);
    return this.#record('setattr', node, changes, call);
  }

  mknod(parent: NodeId, name: Uint8Array, inode: NewInode, call: Call, out: Entry): MaybePromise<Status> {
    this.#fill(out);
    return this.#record('mknod', parent, name, inode, call);
  }

  mkdir(parent: NodeId, name: Uint8Array, inode: NewInode, call: Call, out: Entry): MaybePromise<Status> {
    this.#fill(out);
    return this.#record('mkdir', parent, name, inode, call);
  }

  symlink(
    parent: NodeId,
    name: Uint8Array,
    target: Uint8Array,
    inode: NewInode,
    call: Call,
    out: Entry,
  ): MaybePromise<Status> {
    this.#fill(out);
    return this.#record('symlink', parent, name, target, inode, call);
  }

  link(node: NodeId, parent: NodeId, name: Uint8Array, call: Call, out: Entry): MaybePromise<Status> {
    this.#fill(out);
    return this.#record('link', node, parent, name, call);
  }

  unlink(parent: NodeId, name: Uint8Array, call: Call): MaybePromise<Status> {
    return this.#record('unlink', parent, name, call);
  }

  rmdir(parent: NodeId, name: Uint8Array, call: Call): MaybePromise<Status> {
    return this.#record('rmdir', parent, name, call);
  }

  rename(
    parent: NodeId,
    name: Uint8Array,
    newParent: NodeId,
    newName: Uint8Array,
    flags: number,
    call: Call,
  ): MaybePromise<Status> {
    return this.#record('rename', parent, name, newParent, newName, flags, call);
  }

  open(node: NodeId, flags: number, kills: boolean, call: Call, out: OpenFile): MaybePromise<Status> {
    out.backingFd = this.backingFd;
    return this.#record('open', node, flags, kills, call);
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
    this.#fill(out);
    file.backingFd = this.backingFd;
    return this.#record('create', parent, name, flags, inode, call);
  }

  tmpfile(
    parent: NodeId,
    flags: number,
    inode: NewInode,
    call: Call,
    out: Entry,
    file: OpenFile,
  ): MaybePromise<Status> {
    this.#fill(out);
    file.backingFd = this.backingFd;
    return this.#record('tmpfile', parent, flags, inode, call);
  }

  release(node: NodeId): void {
    void this.#record('release', node);
  }

  write(node: NodeId, offset: number, bytes: Uint8Array, killer: Call | undefined): MaybePromise<number> {
    return this.#record('write', node, offset, bytes, killer !== undefined);
  }

  fsync(node: NodeId, isDataOnly: boolean): MaybePromise<Status> {
    return this.#record('fsync', node, isDataOnly);
  }

  fallocate(node: NodeId, mode: number, offset: number, length: number, call: Call): MaybePromise<Status> {
    return this.#record('fallocate', node, mode, offset, length, call);
  }

  copyFileRange(...args: [NodeId, number, NodeId, number, number]): MaybePromise<number> {
    return this.#record('copyFileRange', ...args);
  }

  setxattr(
    node: NodeId,
    name: Uint8Array,
    value: Uint8Array,
    flags: number,
    dropsSetgid: boolean,
    call: Call,
  ): MaybePromise<Status> {
    return this.#record('setxattr', node, name, value, flags, dropsSetgid, call);
  }

  removexattr(node: NodeId, name: Uint8Array, call: Call): MaybePromise<Status> {
    return this.#record('removexattr', node, name, call);
  }

  getFlags(node: NodeId): MaybePromise<number> {
    return this.#record('getFlags', node);
  }

  setFlags(node: NodeId, flags: number, call: Call): MaybePromise<Status> {
    return this.#record('setFlags', node, flags, call);
  }

  #record(...call: unknown[]): MaybePromise<number> {
    this.calls.push(
      call.map((argument) => {
        if (argument instanceof Uint8Array) return Buffer.from(argument).toString('latin1');
        if (!(argument instanceof Call)) return argument;
        this.passed.push(argument);
        return `${argument.uid}:${argument.gid}`;
      }),
    );
    return this.result();
  }

  #fill(out: Entry): void {
    out.nodeId = MADE;
    out.generation = 0;
    this.getattr(MADE, out.attr);
  }
}
