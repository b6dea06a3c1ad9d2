// Writes files of a merged tree beneath a directory of this machine.
//
// The image is hostile, and so may be what already is in the destination: each name is one component beneath a descriptor
// (openat2 with RESOLVE_BENEATH, NO_SYMLINKS and NO_XDEV), and no call follows a symlink. A file is made under another name
// and renamed into place when it is complete, with its attributes. Directories get theirs last, the deepest first.
import { randomBytes } from 'node:crypto';
import { closeSync } from 'node:fs';
import * as sys from '../sys/upper-calls.ts';
import { statAt } from '../sys/stat-at.ts';
import type { FileContent, MergedImage, Tree } from '../inspect/inspect.ts';
import { Attr, S_IFBLK, S_IFCHR, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from '../vfs/attr.ts';
import { EEXIST, EISDIR, EMLINK, ENOENT, ENOTDIR, EOPNOTSUPP, EPERM, ErrnoError } from '../vfs/errno.ts';
import { bytesOf, latin1Of } from '../vfs/names.ts';
import { type AttributeChoice, check, copyAttributes } from './copy-attributes.ts';
import { describeProblem, endsCopy } from './copy-problem.ts';
import { writeContent } from './write-content.ts';

export interface TreeWriterOptions {
  /** True: owners, set-ID bits, devices and xattrs too, as far as this user can set them. */
  readonly isArchive: boolean;
  readonly signal?: AbortSignal | undefined;
  /** Called after each piece of a file: its length in bytes. */
  readonly onWritten?: ((bytes: number) => void) | undefined;
  /** One path, as below, that was not copied or not completely; `problem`: for people. */
  readonly onProblem: (path: string, problem: string) => void;
  /** The image's layer (base 0) that may change meanwhile; -1 for none. A file of it that can't be read is a problem. */
  readonly liveLayer: number;
}

/** A directory that was made or found. `path`: from the destination, bytes as latin1; '' is the destination. */
interface WrittenDirectory {
  readonly path: string;
  readonly inode: number;
  readonly isNew: boolean;
}

interface FirstCopy {
  /** From the destination, bytes as latin1. */
  readonly path: string;
  readonly dev: number;
  readonly ino: number;
}

const SELF = new Uint8Array(0);
const OPEN_DIRECTORY = sys.O_PATH | sys.DIRECTORY_FLAGS;

/** Hard links that the file system refuses become copies, and those to files that are gone. */
const NO_LINK = new Set([-EMLINK, -ENOENT, -EPERM, -EOPNOTSUPP]);

/** One copy. Paths of its sources share hard links. */
export class TreeWriter {
  readonly #tree: Tree;
  readonly #content: FileContent;
  readonly #root: number;
  readonly #options: TreeWriterOptions;
  readonly #choice: AttributeChoice;
  /** The first copy of each inode with several names. A later source may have replaced it. */
  readonly #firstCopies = new Map<number, FirstCopy>();
  /** Names of unfinished files: this and a number. */
  readonly #draftPrefix = `.stratafs-${randomBytes(6).toString('hex')}-`;
  #drafts = 0;
  #ownersLost = 0;

  /** `root`: a descriptor of the destination, lent. */
  constructor({ tree, content }: MergedImage, root: number, options: TreeWriterOptions) {
    this.#tree = tree;
    this.#content = content;
    this.#root = root;
    this.#options = options;
    this.#choice = {
      keepsXattrs: options.isArchive,
      keepsOwners: options.isArchive && process.geteuid?.() === 0,
    };
  }

  /** Files whose owner could not be set although the options require it. */
  get ownersLost(): number {
    return this.#ownersLost;
  }

  /** Copies `inode`, with everything in it, to `name` in the destination. Throws ErrnoError for what ends the copy. */
  async copyAs(inode: number, name: Uint8Array): Promise<void> {
    const directories: WrittenDirectory[] = [];
    await this.#attempt(latin1Of(name), () => this.#copyOne(this.#root, '', inode, name, directories));
    await this.#copyContents(directories);
  }

  /** Copies the content of directory `inode` to the destination itself. */
  async copyContent(inode: number): Promise<void> {
    await this.#copyContents([{ path: '', inode, isNew: false }]);
  }

  /** `directories` grows while they are copied. */
  async #copyContents(directories: WrittenDirectory[]): Promise<void> {
    const tree = this.#tree;
    for (let next = 0; next < directories.length; next++) {
      const directory = directories[next] as WrittenDirectory;
      await this.#within(directory, async (fd) => {
        const first = tree.firstChild(directory.inode);
        for (let dentry = first; dentry < first + tree.childCount(directory.inode); dentry++) {
          const name = bytesOf(tree.nameOf(dentry));
          const path = joinPath(directory.path, name);
          await this.#attempt(path, () =>
            this.#copyOne(fd, directory.path, tree.dentryInode(dentry), name, directories),
          );
        }
      });
    }
    for (const directory of directories.reverse()) {
      if (!directory.isNew && !this.#options.isArchive) continue;
      await this.#within(directory, (fd) => this.#setAttributes(fd, SELF, directory.inode, directory.path));
    }
  }

  /** Runs `act` with a descriptor of a directory of the copy, unless it can't be opened. */
  async #within(
    { path }: WrittenDirectory,
    act: (descriptor: number) => void | Promise<void>,
  ): Promise<void> {
    await this.#attempt(path, async () => {
      const fd = this.#openDirectory(path);
      try {
        await act(fd);
      } finally {
        closeSync(fd);
      }
    });
  }

  /** Reports a failure that concerns one path only. */
  async #attempt(path: string, act: () => void | Promise<void>): Promise<void> {
    this.#options.signal?.throwIfAborted();
    try {
      await act();
    } catch (error) {
      if (!(error instanceof ErrnoError) || endsCopy(error.errno)) throw error;
      this.#options.onProblem(path, describeProblem(error.errno, error.syscall));
    }
  }

  async #copyOne(
    fd: number,
    parent: string,
    inode: number,
    name: Uint8Array,
    directories: WrittenDirectory[],
  ): Promise<void> {
    const path = joinPath(parent, name);
    if (this.#tree.isDirectory(inode)) {
      directories.push({ path, inode, isNew: this.#makeDirectory(fd, name, path) });
      return;
    }
    const there = statAt(fd, name);
    if (typeof there === 'number') {
      if (there !== -ENOENT) throw new ErrnoError(there, 'stat', path);
    } else if ((there.mode & S_IFMT) === S_IFDIR) throw new ErrnoError(EISDIR, 'rename', path);
    const type = this.#tree.modeOf(inode) & S_IFMT;
    if ((type === S_IFCHR || type === S_IFBLK) && !this.#choice.keepsOwners) {
      this.#options.onProblem(path, 'is a device, which only root copies, with --archive');
      return;
    }
    const draft = Buffer.from(`${this.#draftPrefix}${this.#drafts++}`);
    try {
      if (!(await this.#writeDraft(fd, draft, inode, path))) return;
      const stat = this.#tree.linkCountOf(inode) > 1 ? statAt(fd, draft) : -ENOENT;
      check(sys.renameAt(fd, draft, fd, name, 0), 'rename', path);
      if (typeof stat !== 'number') {
        this.#firstCopies.set(inode, { path, dev: stat.dev, ino: stat.ino });
      }
    } finally {
      // -ENOENT after the rename, which leaves both names if they were links of one file.
      sys.unlinkAt(fd, draft);
    }
  }

  /** True if it is new. */
  #makeDirectory(fd: number, name: Uint8Array, path: string): boolean {
    const status = sys.mkdirAt(fd, name, 0o700, 0);
    if (status !== -EEXIST) {
      check(status, 'mkdir', path);
      return true;
    }
    const there = statAt(fd, name);
    if (typeof there === 'number') throw new ErrnoError(there, 'stat', path);
    if ((there.mode & S_IFMT) !== S_IFDIR) throw new ErrnoError(ENOTDIR, 'mkdir', path);
    return false;
  }

  /** Makes the complete file under the name `draft`. False if its bytes could not be read, which is reported. */
  async #writeDraft(fd: number, draft: Uint8Array, inode: number, path: string): Promise<boolean> {
    const tree = this.#tree;
    if (this.#linkToFirst(fd, draft, inode, path)) return true;
    const mode = tree.modeOf(inode);
    const type = mode & S_IFMT;
    if (type === S_IFLNK) check(sys.symlinkAt(tree.readlink(inode), fd, draft), 'symlink', path);
    else if (type !== S_IFREG) check(sys.mknodAt(fd, draft, mode, rdevOf(tree, inode), 0), 'mknod', path);
    else {
      const problem = await writeContent(this.#content, inode, tree.sizeOf(inode), fd, draft, {
        path,
        signal: this.#options.signal,
        onWritten: this.#options.onWritten,
        isLive: tree.layerOf(inode) === this.#options.liveLayer,
      });
      if (problem !== undefined) {
        this.#options.onProblem(path, problem);
        return false;
      }
    }
    this.#setAttributes(fd, draft, inode, path);
    return true;
  }

  /** False if there is no first copy any more, or the file system makes no link to it. */
  #linkToFirst(fd: number, draft: Uint8Array, inode: number, path: string): boolean {
    const first = this.#firstCopies.get(inode);
    if (first === undefined) return false;
    const slash = first.path.lastIndexOf('/');
    const directory = this.#openDirectory(slash < 0 ? '' : first.path.slice(0, slash));
    try {
      const status = sys.linkAt(directory, bytesOf(first.path.slice(slash + 1)), fd, draft);
      if (NO_LINK.has(status)) return false;
      check(status, 'link', path);
      const linked = statAt(fd, draft);
      if (typeof linked !== 'number' && linked.dev === first.dev && linked.ino === first.ino) return true;
      check(sys.unlinkAt(fd, draft), 'unlink', path);
      return false;
    } finally {
      closeSync(directory);
    }
  }

  #setAttributes(fd: number, name: Uint8Array, inode: number, path: string): void {
    const { hasOwner, refusedXattrs } = copyAttributes(this.#tree, inode, fd, name, this.#choice, path);
    if (!hasOwner) this.#ownersLost++;
    for (const [attribute, errno] of refusedXattrs) {
      const what = `the attribute ${latin1Of(attribute)} could not be set`;
      this.#options.onProblem(path, `${what}: ${describeProblem(errno, 'setxattr')}`);
    }
  }

  /** Component by component: a path may be longer than a system call takes. */
  #openDirectory(path: string): number {
    let fd = check(sys.openAt(this.#root, SELF, OPEN_DIRECTORY), 'open', path);
    for (const name of path === '' ? [] : path.split('/')) {
      const parent = fd;
      fd = sys.openAt(parent, bytesOf(name), OPEN_DIRECTORY);
      closeSync(parent);
      check(fd, 'open', path);
    }
    return fd;
  }
}

function joinPath(directory: string, name: Uint8Array): string {
  return directory === '' ? latin1Of(name) : `${directory}/${latin1Of(name)}`;
}

function rdevOf(tree: Tree, inode: number): number {
  const attr = new Attr();
  tree.readAttr(inode, attr);
  return attr.rdev;
}
