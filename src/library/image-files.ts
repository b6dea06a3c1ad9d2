// The part of Image that reads files by their paths, in the shape of node:fs/promises.
import type { Tree } from '../inspect/inspect.ts';
import type { Readable } from 'node:stream';
import { type Dirent, type WalkEntry, walkEntries } from './dirent.ts';
import type { ReaddirOptions } from './files.ts';
import type { FilesView } from './image-view.ts';
import { type EncodingOption, type NameEncoding, type PathLike, latin1OfPath } from './path-name.ts';
import { type FileBytes, type ReadStreamOptions, streamFile } from './read-stream.ts';
import { BigIntStats, Stats } from './stats.ts';

/** Which form attributes have. */
export interface StatOptions {
  /** True: BigIntStats, with nanoseconds. */
  readonly bigint?: boolean | undefined;
}

/** How a file is read. */
export interface ReadFileOptions {
  /** With one, text instead of bytes. */
  readonly encoding?: BufferEncoding | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The files of an image that is open.
 *
 * Paths are looked up as in a chroot of the image: symlinks are followed, never out of it, and a path that does not begin with
 * a slash begins at the root, too. Methods reject with an ErrnoError (`code` 'ENOENT' and so on, `syscall`, `path`) as node:fs
 * does, and with an InputError of code 'ERR_STRATAFS_CLOSED' once the image is closed.
 */
export class ImageFiles {
  /** @internal */
  protected readonly view: FilesView;

  /** @internal */
  constructor(view: FilesView) {
    this.view = view;
  }

  /** Attributes of what a path leads to. */
  stat(path: PathLike, options?: StatOptions & { readonly bigint?: false | undefined }): Promise<Stats>;
  stat(path: PathLike, options: StatOptions & { readonly bigint: true }): Promise<BigIntStats>;
  stat(path: PathLike, { bigint }: StatOptions = {}): Promise<Stats | BigIntStats> {
    return this.view.read(({ files, tree }) => statsOf(tree, files.find(path, 'stat'), bigint));
  }

  /** As `stat`; of a symlink its own attributes. */
  lstat(path: PathLike, options?: StatOptions & { readonly bigint?: false | undefined }): Promise<Stats>;
  lstat(path: PathLike, options: StatOptions & { readonly bigint: true }): Promise<BigIntStats>;
  lstat(path: PathLike, { bigint }: StatOptions = {}): Promise<Stats | BigIntStats> {
    return this.view.read(({ files, tree }) => statsOf(tree, files.find(path, 'lstat', false), bigint));
  }

  /**
   * All bytes of a file; text where there is an encoding. EISDIR for a directory, EINVAL for a device or a fifo, EIO where the
   * archive was changed since it was opened.
   */
  readFile(path: PathLike, options?: ReadFileOptions & { readonly encoding?: undefined }): Promise<Buffer>;
  readFile(
    path: PathLike,
    options: BufferEncoding | (ReadFileOptions & { readonly encoding: BufferEncoding }),
  ): Promise<string>;
  readFile(path: PathLike, options: ReadFileOptions | BufferEncoding = {}): Promise<Buffer | string> {
    const { encoding, signal } = typeof options === 'string' ? { encoding: options } : options;
    return this.view.read(async ({ files, content }, stop) => {
      const pieces: Uint8Array[] = [];
      for await (const piece of content.read(files.findFile(path))) {
        stop.throwIfAborted();
        pieces.push(piece);
      }
      const bytes = Buffer.concat(pieces);
      return encoding === undefined ? bytes : bytes.toString(encoding);
    }, signal);
  }

  /** A stream of a file's bytes. Its 'error' is what `readFile` rejects with. */
  createReadStream(path: PathLike, options: ReadStreamOptions | BufferEncoding = {}): Readable {
    const chosen = typeof options === 'string' ? { encoding: options } : options;
    const find = async (): Promise<FileBytes> => {
      const { files, content } = await this.view.merged();
      return { content, inode: files.findFile(path) };
    };
    return streamFile(find, this.view.usage, chosen);
  }

  /** The target of a symlink, unchanged. EINVAL for anything else. */
  readlink(path: PathLike, options?: BufferEncoding | EncodingOption<BufferEncoding>): Promise<string>;
  readlink(path: PathLike, options: 'buffer' | EncodingOption<'buffer'>): Promise<Buffer>;
  readlink(
    path: PathLike,
    options: NameEncoding | EncodingOption<NameEncoding> = {},
  ): Promise<string | Buffer> {
    return this.view.read(({ files }) => files.readlink(path, encodingOf(options)));
  }

  /** The names in a directory, in bytewise order, without '.' and '..'. */
  readdir(
    path: PathLike,
    options?: BufferEncoding | (ReaddirOptions & EncodingOption<BufferEncoding> & { withFileTypes?: false }),
  ): Promise<string[]>;
  readdir(
    path: PathLike,
    options: 'buffer' | (EncodingOption<'buffer'> & { encoding: 'buffer'; withFileTypes?: false }),
  ): Promise<Buffer[]>;
  readdir(
    path: PathLike,
    options: ReaddirOptions & EncodingOption<BufferEncoding> & { withFileTypes: true },
  ): Promise<Dirent[]>;
  readdir(path: PathLike, options: { encoding: 'buffer'; withFileTypes: true }): Promise<Dirent<Buffer>[]>;
  readdir(
    path: PathLike,
    options: NameEncoding | ReaddirOptions = {},
  ): Promise<(string | Buffer | Dirent<string | Buffer>)[]> {
    const chosen = typeof options === 'string' ? { encoding: options } : options;
    return this.view.read(({ files }) => files.readdir(path, chosen));
  }

  /**
   * All that is beneath a directory, a directory before what is in it, names in bytewise order. Symlinks are listed and not
   * followed.
   *
   * @example
   * ```ts
   * import { openImage } from 'stratafs';
   *
   * await using image = await openImage('fixtures/expressweb.tar');
   * for await (const { path, stats } of image.walk('/usr/src')) console.log(path, stats.size);
   * ```
   */
  async *walk(
    path: PathLike = '/',
    { signal }: { readonly signal?: AbortSignal | undefined } = {},
  ): AsyncGenerator<WalkEntry, void> {
    const { tree, inode } = await this.view.read(
      ({ files, tree: merged }) => ({ tree: merged, inode: files.findDirectory(path) }),
      signal,
    );
    yield* walkEntries(tree, inode, directoryBytes(path), this.view.usage.signalWith(signal));
  }

  /** The value of an extended attribute, byte for byte. ENODATA where the file does not have it. */
  getxattr(path: PathLike, name: string | Uint8Array): Promise<Buffer> {
    return this.view.read(({ files }) => files.getxattr(path, name, true));
  }

  /** As `getxattr`, of a symlink itself. */
  lgetxattr(path: PathLike, name: string | Uint8Array): Promise<Buffer> {
    return this.view.read(({ files }) => files.getxattr(path, name, false));
  }

  /** The names of a file's extended attributes. */
  listxattr(path: PathLike): Promise<string[]> {
    return this.view.read(({ files }) => files.listxattr(path, true));
  }

  /** As `listxattr`, of a symlink itself. */
  llistxattr(path: PathLike): Promise<string[]> {
    return this.view.read(({ files }) => files.listxattr(path, false));
  }
}

function statsOf(tree: Tree, inode: number, bigint: boolean | undefined): Stats | BigIntStats {
  return bigint === true ? new BigIntStats(tree, inode) : new Stats(tree, inode);
}

function encodingOf(options: NameEncoding | EncodingOption<NameEncoding>): NameEncoding | undefined {
  return typeof options === 'string' ? options : options.encoding;
}

/** Without leading and trailing slashes. */
function directoryBytes(path: PathLike): Buffer {
  return Buffer.from(latin1OfPath(path).replace(/^\/+|\/+$/g, ''), 'latin1');
}
