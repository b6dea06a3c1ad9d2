// A file system made of arithmetic: `directories` directories of `files` files each. For tests of the protocol and
// the driver alone.
import { Attr, S_IFDIR, S_IFREG } from '../../src/vfs/attr.ts';
import { type ReadResult } from '../../src/vfs/blob-reader.ts';
import { EIO, EISDIR, EINVAL, ENODATA, ENOENT, ENXIO, EOPNOTSUPP } from '../../src/vfs/errno.ts';
import type { DirectorySink, Entry, NodeId, ReadOnlyFileSystem, StatFs } from '../../src/vfs/filesystem.ts';

export class SyntheticFileSystem implements ReadOnlyFileSystem {
  readonly isReadOnly = true;
  readonly hasPosixAcl = false;
  readonly directories: number;
  readonly files: number;
  /** Answers READ of regular files. */
  onRead: (node: NodeId, offset: number, length: number) => ReadResult | Promise<ReadResult>;
  readonly forgotten: [number, number][] = [];
  closeCount = 0;
  readonly #entry: Entry = { nodeId: 0 as NodeId, generation: 0, attr: new Attr() };

  constructor(directories: number, files: number) {
    this.directories = directories;
    this.files = files;
    this.onRead = (node, offset, length) => this.content(node).subarray(offset, offset + length);
  }

  /** Node 1 is the root, 2 to directories + 1 the directories, the rest files in order. */
  lookup(parent: NodeId, name: Uint8Array, out: Entry): number {
    const text = Buffer.from(name).toString('latin1');
    const number = Number(text.slice(1));
    if (parent === 1 && text.startsWith('d') && number < this.directories) return this.#fill(2 + number, out);
    if (parent > 1 && this.#isDirectory(parent) && text.startsWith('f') && number < this.files) {
      return this.#fill(this.#firstFile(parent) + number, out);
    }
    return -ENOENT;
  }

  forget(node: NodeId, count: number): void {
    this.forgotten.push([node, count]);
  }

  getattr(node: NodeId, out: Attr): number {
    const isDirectory = this.#isDirectory(node);
    out.ino = node;
    out.mode = isDirectory ? S_IFDIR | 0o755 : S_IFREG | 0o644;
    out.nlink = isDirectory ? 2 : 1;
    out.size = isDirectory ? 4096 : this.content(node).length;
    out.blocks = 8;
    out.atimeSec = out.mtimeSec = out.ctimeSec = -5;
    out.atimeNsec = out.mtimeNsec = out.ctimeNsec = 123456789;
    return 0;
  }

  readlink(): number {
    return -EINVAL;
  }

  read(node: NodeId, offset: number, length: number): ReadResult | Promise<ReadResult> {
    return this.#isDirectory(node) ? -EISDIR : this.onRead(node, offset, length);
  }

  readdir(node: NodeId, cookie: number, sink: DirectorySink): number {
    const entry = this.#entry;
    const count = node === 1 ? this.directories : this.files;
    const first = node === 1 ? 2 : this.#firstFile(node);
    for (let i = cookie; i < count + 2; i++) {
      const name = Buffer.from(i === 0 ? '.' : i === 1 ? '..' : `${node === 1 ? 'd' : 'f'}${i - 2}`);
      this.#fill(i < 2 ? 1 : first + i - 2, entry);
      if (i < 2) entry.nodeId = 0 as NodeId;
      if (!sink.add(name, 0, name.length, i + 1, entry)) break;
    }
    return 0;
  }

  seek(): number {
    return -ENXIO;
  }

  getxattr(_node: NodeId, name: Uint8Array): Uint8Array | number {
    const text = Buffer.from(name).toString('latin1');
    if (text === 'user.broken') throw new Error('a defect');
    if (text === 'security.selinux') return -EOPNOTSUPP;
    return text === 'user.name' ? Buffer.from('value') : -ENODATA;
  }

  listxattr(): Uint8Array {
    return Buffer.from('user.name\0');
  }

  getFlags(): number {
    return 0;
  }

  statfs(out: StatFs): number {
    out.blocks = 1000;
    out.blockSize = 4096;
    out.nameLength = 255;
    return 0;
  }

  close(): void {
    this.closeCount++;
  }

  content(node: NodeId): Buffer {
    if (this.#isDirectory(node)) throw new Error(`${EIO}`);
    return Buffer.from(`file ${node}\n`);
  }

  #isDirectory(node: number): boolean {
    return node <= this.directories + 1;
  }

  #firstFile(directory: number): number {
    return 2 + this.directories + (directory - 2) * this.files;
  }

  #fill(node: number, out: Entry): number {
    out.nodeId = node as NodeId;
    out.generation = 0;
    return this.getattr(out.nodeId, out.attr);
  }
}
