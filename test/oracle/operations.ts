// Random sequences of file operations, as execute.py carries them out. The generator keeps a rough model of the tree, so
// that most operations find what they need; what really happens is for the two file systems to agree on.
import { constants } from 'node:fs';
import {
  S_IFBLK,
  S_IFCHR,
  S_IFDIR,
  S_IFIFO,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  S_IFSOCK,
} from '../../src/vfs/attr.ts';
import type { Random } from '../tree/random.ts';

/** The call's name (`do_` in execute.py, or `remount`), and its arguments. */
export type Operation = readonly [string, ...(string | number)[]];

const { O_RDONLY, O_WRONLY, O_RDWR, O_CREAT, O_EXCL, O_TRUNC, O_APPEND, O_DIRECTORY, O_NOFOLLOW, O_SYNC } =
  constants;
const O_TMPFILE = 0o20000000 | O_DIRECTORY;
const newNames = ['n', 'nn', 'new', 'x'.repeat(255), '\xf6', '.wh.n', 'a', 'b', 'zz'];
const xattrNames = ['user.x', 'user.y', 'user.long', 'trusted.t', 'security.s', 'user.overlay.opaque'];
const fallocateModes = [0, 1, 3, 0x10, 0x11];

/** Twice how many times on average the file system is mounted anew in the middle; no call, but a phase of the test. */
const REMOUNTS = 3;

export interface SequenceOptions {
  readonly count: number;
  /** By path, modes with type bits; the root is ''. */
  readonly tree: ReadonlyMap<string, number>;
}

/** What the model knows: paths that probably exist, and which slots of execute.py are probably taken. */
class Model {
  readonly tree: Map<string, number>;
  readonly #random: Random;

  constructor(random: Random, tree: ReadonlyMap<string, number>) {
    this.#random = random;
    this.tree = new Map(tree);
  }

  ofType(type: number): string {
    const paths = [...this.tree.keys()].filter((path) => ((this.tree.get(path) as number) & S_IFMT) === type);
    return paths.length === 0 || this.#random.oneIn(40) ? this.any() : this.#random.pick(paths);
  }

  directory(): string {
    return this.ofType(S_IFDIR);
  }

  file(): string {
    return this.ofType(S_IFREG);
  }

  any(): string {
    return this.#random.oneIn(30) ? this.fresh() : this.#random.pick([...this.tree.keys()]);
  }

  /** A name that may be free. */
  fresh(): string {
    const directory = this.directory();
    const name = this.#random.pick(newNames);
    return directory === '' ? name : `${directory}/${name}`;
  }

  add(path: string, mode: number): void {
    if (!this.tree.has(path)) this.tree.set(path, mode);
  }

  remove(path: string): void {
    if (path !== '') this.tree.delete(path);
  }

  rename(from: string, to: string): void {
    const moved = [...this.tree].filter(([path]) => path === from || path.startsWith(`${from}/`));
    if (from === '' || to === '' || moved.length === 0 || to.startsWith(`${from}/`)) return;
    for (const [path] of moved) this.tree.delete(path);
    for (const path of [...this.tree.keys()]) if (path.startsWith(`${to}/`)) this.tree.delete(path);
    for (const [path, mode] of moved) this.tree.set(to + path.slice(from.length), mode);
  }
}

/** `count` operations; the same for the same numbers and tree. */
export function randomOperations(random: Random, { count, tree }: SequenceOptions): Operation[] {
  const model = new Model(random, tree);
  const makers = new Makers(random, model);
  const operations: Operation[] = [];
  while (operations.length < count) {
    operations.push(random.below(2 * count) < REMOUNTS ? ['remount'] : makers.next());
  }
  return operations;
}

class Makers {
  readonly #random: Random;
  readonly #model: Model;
  readonly #weighted: (() => Operation)[] = [];

  constructor(random: Random, model: Model) {
    this.#random = random;
    this.#model = model;
    const weights: [number, () => Operation][] = [
      [12, () => this.#open()],
      [4, () => ['close', this.#slot()]],
      [8, () => ['read', this.#slot(), this.#offset(), this.#length()]],
      [12, () => ['write', this.#slot(), this.#offset(), this.#length(), random.below(1000)]],
      [3, () => ['ftruncate', this.#slot(), this.#offset()]],
      [3, () => ['truncate', model.file(), this.#offset()]],
      [3, () => this.#fallocate()],
      [3, () => this.#copy()],
      [2, () => ['seek', this.#slot(), this.#offset(), 3 + random.below(2)]],
      [5, () => ['fstat', this.#slot()]],
      [10, () => ['stat', model.any()]],
      [5, () => this.#make('mkdir', S_IFDIR, this.#permissions())],
      [3, () => this.#symlink()],
      [3, () => this.#mknod()],
      [5, () => this.#link()],
      [2, () => this.#named('linkfd', this.#slot())],
      [6, () => this.#remove('unlink', random.oneIn(20) ? model.any() : model.file())],
      [4, () => this.#remove('rmdir', model.directory())],
      [12, () => this.#rename()],
      [4, () => ['chmod', model.any(), this.#permissions()]],
      [2, () => ['fchmod', this.#slot(), this.#permissions()]],
      [3, () => ['chown', model.any(), ...this.#owners()]],
      [1, () => ['fchown', this.#slot(), ...this.#owners()]],
      [3, () => ['utimens', model.any(), this.#time(), this.#time()]],
      [1, () => ['touch', model.any()]],
      [3, () => ['readlink', model.ofType(S_IFLNK)]],
      [2, () => ['access', model.any(), random.below(8)]],
      [4, () => this.#setxattr()],
      [2, () => ['getxattr', model.any(), random.pick(xattrNames)]],
      [2, () => ['removexattr', model.any(), this.#xattrName()]],
      [3, () => ['listxattr', model.any()]],
      [1, () => ['fsync', this.#slot()]],
      [6, () => ['readdir', model.directory()]],
      [2, () => ['diropen', random.below(3), model.directory()]],
      [4, () => ['dirread', random.below(3), random.pick([300, 400, 900])]],
      [1, () => ['dirseek', random.below(3), random.below(6)]],
      [2, () => ['dirend', random.below(3)]],
      [3, () => ['mmap', random.below(3), this.#slot(), random.below(2)]],
      [5, () => ['mread', random.below(3), this.#offset(), this.#length()]],
      [4, () => ['mwrite', random.below(3), this.#offset(), this.#length(), random.below(1000)]],
      [1, () => ['msync', random.below(3)]],
      [1, () => ['munmap', random.below(3)]],
      [1, () => ['umask', random.pick([0, 0o22, 0o77])]],
    ];
    for (const [weight, maker] of weights) {
      for (let n = 0; n < weight; n++) this.#weighted.push(maker);
    }
  }

  next(): Operation {
    return this.#random.pick(this.#weighted)();
  }

  #slot(): number {
    return this.#random.below(5);
  }

  /** Page borders, their neighbours, and anything. */
  #offset(): number {
    const dice = this.#random.below(4);
    if (dice === 0) return 4096 * this.#random.below(8);
    if (dice === 1) return 4096 * this.#random.below(4) + this.#random.below(3);
    return dice === 2 ? this.#random.below(12_000) : this.#random.below(400_000);
  }

  #length(): number {
    const dice = this.#random.below(4);
    if (dice === 0) return 4096 * (1 + this.#random.below(4));
    return dice === 1 ? 1 + this.#random.below(20) : 1 + this.#random.below(dice === 2 ? 9000 : 140_000);
  }

  #permissions(): number {
    const dice = this.#random.below(4);
    if (dice < 2) return this.#random.pick([0o644, 0o755, 0o600, 0o777, 0o444]);
    return this.#random.below(dice === 2 ? 0o1000 : 0o10000);
  }

  /** Not -1 both: the kernel keeps from FUSE that this takes set-ID bits off. */
  #owners(): [number, number] {
    return this.#random.pick([
      [0, 0],
      [1, 1],
      [2, 1],
      [-1, 1],
      [-1, 2],
      [1, -1],
      [0, -1],
    ]);
  }

  /** Nanoseconds, a third of them before the epoch. */
  #time(): number {
    const second = this.#random.below(900_000_000) - 300_000_000;
    // Exact in a double only as a multiple of some power of two: whole milliseconds are.
    return (second * 1000 + this.#random.below(1000)) * 1_000_000;
  }

  #open(): Operation {
    const random = this.#random;
    let flags = random.pick([O_RDONLY, O_RDONLY, O_WRONLY, O_RDWR, O_RDWR]);
    if (random.oneIn(10)) {
      return [
        'open',
        this.#slot(),
        this.#model.directory(),
        random.pick([O_WRONLY, O_RDWR]) | O_TMPFILE,
        0o640,
      ];
    }
    if (random.oneIn(6)) flags |= O_TRUNC;
    if (random.oneIn(6)) flags |= O_APPEND;
    if (random.oneIn(12)) flags |= O_NOFOLLOW;
    if (random.oneIn(20)) flags |= O_SYNC;
    if (random.oneIn(25)) flags |= O_DIRECTORY;
    if (!random.oneIn(3)) return ['open', this.#slot(), this.#model.file(), flags, 0];
    flags |= O_CREAT;
    flags &= ~O_DIRECTORY;
    if (random.oneIn(3)) flags |= O_EXCL;
    const path = random.oneIn(3) ? this.#model.any() : this.#model.fresh();
    this.#model.add(path, S_IFREG | 0o644);
    return ['open', this.#slot(), path, flags, this.#permissions()];
  }

  #fallocate(): Operation {
    return [
      'fallocate',
      this.#slot(),
      this.#random.pick(fallocateModes),
      this.#offset(),
      this.#random.oneIn(20) ? 0 : this.#length(),
    ];
  }

  #copy(): Operation {
    return ['copy', this.#slot(), this.#offset(), this.#slot(), this.#offset(), this.#length()];
  }

  #make(call: string, type: number, ...rest: number[]): Operation {
    const path = this.#random.oneIn(8) ? this.#model.any() : this.#model.fresh();
    this.#model.add(path, type);
    return [call, path, ...rest];
  }

  /** A call whose last argument is the new name. */
  #named(call: string, first: string | number): Operation {
    const path = this.#model.fresh();
    this.#model.add(path, S_IFREG);
    return [call, first, path];
  }

  #symlink(): Operation {
    const path = this.#model.fresh();
    this.#model.add(path, S_IFLNK);
    const target = this.#random.oneIn(3) ? '../a' : this.#random.oneIn(2) ? `/${this.#model.any()}` : 'aa';
    return ['symlink', target, path];
  }

  #mknod(): Operation {
    const [type, rdev] = this.#random.pick([
      [S_IFIFO, 0],
      [S_IFSOCK, 0],
      [S_IFREG, 0],
      [S_IFCHR, 0x103],
      [S_IFBLK, 0xf001],
    ] as const);
    return this.#make('mknod', type, type | this.#permissions(), rdev);
  }

  #link(): Operation {
    return this.#named('link', this.#random.oneIn(4) ? this.#model.any() : this.#model.file());
  }

  #remove(call: string, path: string): Operation {
    this.#model.remove(path);
    return [call, path];
  }

  #rename(): Operation {
    const random = this.#random;
    const flags = random.below(8) === 0 ? random.pick([1, 2, 2, 3]) : 0;
    const from = random.oneIn(2) ? this.#model.directory() : this.#model.any();
    const to = random.oneIn(2)
      ? this.#model.fresh()
      : random.oneIn(2)
        ? this.#model.directory()
        : this.#model.any();
    if (flags !== 2) this.#model.rename(from, to);
    return ['rename', from, to, flags];
  }

  #xattrName(): string {
    return this.#random.oneIn(8)
      ? this.#random.pick(['system.posix_acl_access', 'system.posix_acl_default'])
      : this.#random.pick(xattrNames);
  }

  #setxattr(): Operation {
    const random = this.#random;
    const flags = random.oneIn(5) ? random.pick([1, 2]) : 0;
    if (random.oneIn(3)) {
      const isDefault = random.oneIn(3);
      const path = isDefault ? this.#model.directory() : this.#model.any();
      return ['setxattr', path, `system.posix_acl_${isDefault ? 'default' : 'access'}`, this.#acl(), flags];
    }
    const length = random.oneIn(6) ? random.below(3000) : random.below(20);
    return ['setxattr', this.#model.any(), random.pick(xattrNames), 'v'.repeat(length), flags];
  }

  /** The value of a POSIX ACL xattr (linux/posix_acl_xattr.h): version, then tag, permissions, id of each entry. */
  #acl(): string {
    const [user, userOne, group, mask, other] = [0x01, 0x02, 0x04, 0x10, 0x20];
    const entries: [number, number, number][] = [
      [user, this.#random.below(8), 0xffffffff],
      ...(this.#random.oneIn(2) ? [[userOne, this.#random.below(8), 1] as [number, number, number]] : []),
      [group, this.#random.below(8), 0xffffffff],
    ];
    if (entries.length > 2) entries.push([mask, this.#random.below(8), 0xffffffff]);
    entries.push([other, this.#random.below(8), 0xffffffff]);
    const bytes = Buffer.alloc(4 + 8 * entries.length);
    bytes.writeUInt32LE(2);
    entries.forEach(([tag, permissions, id], n) => {
      bytes.writeUInt16LE(tag, 4 + 8 * n);
      bytes.writeUInt16LE(permissions, 6 + 8 * n);
      bytes.writeUInt32LE(id, 8 + 8 * n);
    });
    return bytes.toString('latin1');
  }
}
