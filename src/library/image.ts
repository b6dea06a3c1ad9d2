// Image: an image that is open. Its files, layers and history can be read without a mount, without root and without FUSE.
import type { Readable } from 'node:stream';
import {
  type CompareOptions,
  type ErofsOptions,
  type ImageDocument,
  type InspectOptions,
  type Inspection,
  type LayerChanges,
  type WrittenErofs,
  countChanges,
  createdOf,
  describeImage,
  historyGap,
  historyOf,
  inspectOperand,
  isUpper,
  stackUpTo,
  writeErofs,
} from '../inspect/inspect.ts';
import type { Image as ImageDescription, Platform } from '../mount/mount.ts';
import { InputError } from '../vfs/input-error.ts';
import { type CopyOptions, copyFiles } from './copy.ts';
import { type Difference, compareImages } from './difference.ts';
import { type ExportOptions, writeExport } from './export.ts';
import { ImageFiles } from './image-files.ts';
import { ImageView } from './image-view.ts';
import { type HistoryEntry, type LayerDetails, layersOf, stepsOf } from './layers.ts';
import type { PathLike } from './path-name.ts';
import { WrittenStream } from './read-stream.ts';
import { type TreeListing, type TreeOptions, treeOf } from './tree.ts';
import { Usage } from './usage.ts';
import { type Waste, findWaste } from './waste.ts';
import { type PathHistory, findVersions } from './which.ts';

export type { ImageDocument } from '../inspect/inspect.ts';

/** `CompareOptions`, and how the other image is opened where it is named by a string. */
export interface DiffOptions extends CompareOptions {
  readonly open?: InspectOptions | undefined;
}

/**
 * An image whose layers are open until it is closed. Layers are counted from 1 at the base.
 *
 * @example The setuid files of an image
 * ```ts
 * import { openImage } from 'stratafs';
 *
 * await using image = await openImage('fixtures/expressweb.tar');
 * for await (const { path, stats } of image.walk()) {
 *   if (stats.isFile() && (stats.mode & 0o4000) !== 0) console.log(path, 'layer', stats.layer);
 * }
 * ```
 */
export class Image extends ImageFiles implements AsyncDisposable {
  /** @internal */
  declare protected readonly view: ImageView;
  readonly #close: () => void;
  #layers: readonly LayerDetails[] | undefined;
  #history: readonly HistoryEntry[] | undefined;

  /** @internal Made by `openImage`. `close` closes the layers. */
  constructor(view: ImageView, close: () => void) {
    super(view);
    this.#close = close;
  }

  /** As it was given to `openImage`. */
  get source(): string {
    return this.view.inspected.image.source;
  }

  /** All names that the archive gives the image (`repo:tag`), in its own spelling. */
  get names(): readonly string[] {
    return this.view.inspected.image.names;
  }

  /** `sha256:<hex>` of the config, which docker calls the image ID; undefined for a stack of layers without a config. */
  get id(): string | undefined {
    return this.view.inspected.image.id;
  }

  /** The operating system and processor that the image is for. */
  get platform(): Platform | undefined {
    return this.view.inspected.image.platform;
  }

  /** When the image was made (RFC 3339), as its config says; undefined where it does not. */
  get created(): string | undefined {
    return createdOf(this.view.inspected.image);
  }

  /** The parsed config. It is foreign input: every field may be missing or of another type. */
  get config(): unknown {
    return this.view.inspected.image.config;
  }

  /** Base first. The upper directory of a mount is the last. */
  get layers(): readonly LayerDetails[] {
    return (this.#layers ??= layersOf(this.view.inspected));
  }

  /** The steps that made the image, base first, each with its layer. */
  get history(): readonly HistoryEntry[] {
    return (this.#history ??= stepsOf(this.view.inspected));
  }

  /** In what the numbers of steps and of layers differ: one line. undefined where each layer has its step. */
  get historyGap(): string | undefined {
    return historyGap(historyOf(this.view.inspected));
  }

  /** True where the topmost layer is the upper directory of a mount: what was written to it. */
  get hasUpper(): boolean {
    return this.view.inspected.image.layers.some(isUpper);
  }

  /** What `docker image inspect` prints of it. */
  inspect(): ImageDocument {
    return describeImage(this.view.inspected);
  }

  /** What `mount` mounts of it: where its layers are, less the upper directory of a mount. */
  get description(): ImageDescription {
    const { image } = this.view.inspected;
    return { ...image, layers: image.layers.filter((layer) => !isUpper(layer)) };
  }

  /** The image of the lowest `layer` layers; 0 is an empty one. It is open as long as this image is. */
  upTo(layer: number): Image {
    const { length } = this.view.inspected.layers;
    if (!Number.isInteger(layer) || layer < 0 || layer > length) {
      throw new InputError(`layer ${layer}: ${this.source} has ${length} layers, expected 0 to ${length}`, {
        code: 'ERR_STRATAFS_NO_LAYER',
      });
    }
    return new Image(this.view.ofLowest(stackUpTo(this.view.inspected, layer)), () => undefined);
  }

  /** How many names each layer adds, changes and deletes, base first. */
  layerChanges(): Promise<LayerChanges[]> {
    return this.view.usage.run(() => countChanges(this.view.inspected));
  }

  /**
   * The versions of a path in the layers: which layer it comes from, and what the layers below have there. Symlinks on the way
   * are followed, the last name is not. A path that was deleted can be asked for, too.
   */
  which(
    path: PathLike,
    { signal }: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<PathHistory> {
    return this.view.usage.run((stop) => findVersions(this.view.inspected, path, stop), signal);
  }

  /**
   * The names at and beneath `path`, a directory before what is in it, with the layer that last added or changed each, and sizes
   * that add up. With `changes`, only names that layers changed, deleted ones too. Entries are made when they are read.
   *
   * @example What the layers above the base change
   * ```ts
   * import { openImage } from 'stratafs';
   *
   * await using image = await openImage('fixtures/expressweb.tar');
   * for (const { kind, layer, path } of await image.tree('/usr', { changes: 'above-base' })) console.log(kind, layer, path);
   * ```
   */
  tree(path: PathLike = '/', options: TreeOptions = {}): Promise<TreeListing> {
    return this.view.read((merged) =>
      treeOf(this.view.inspected, merged, merged.files.resolve(path, 'scandir'), options),
    );
  }

  /**
   * What differs in `other`, which is an image that is open, or what `stratafs diff` takes: a source, `SOURCE#LAYER`, a mount
   * point, a directory. Sorted by path; empty where both show the same.
   *
   * @example What the top layer of an image changes
   * ```ts
   * import { openImage } from 'stratafs';
   *
   * await using image = await openImage('fixtures/expressweb.tar');
   * const below = image.upTo(image.layers.length - 1);
   * for (const { kind, path } of await below.diff(image)) console.log(kind, path);
   * ```
   */
  async diff(other: Image | string, options: DiffOptions = {}): Promise<Difference[]> {
    const { open, ...compared } = options;
    if (typeof other === 'string') {
      await using opened = imageOf(await this.view.usage.run(() => inspectOperand(other, open)));
      return await this.diff(opened, compared);
    }
    return this.view.usage.run(
      (signal) =>
        other.view.usage.run(
          async (stop) =>
            compareImages(await this.view.merged(), await other.view.merged(), { ...compared, signal: stop }),
          signal,
        ),
      options.signal,
    );
  }

  /** The bytes that layers store and the image does not show: files that higher layers overwrite or delete. */
  waste(): Promise<Waste> {
    return this.view.usage.run(() => findWaste(this.view.inspected));
  }

  /**
   * What the image shows as one tar, as `docker export` writes a container: owners, times, xattrs, hard links and holes are in it.
   * It is written as far as it is read.
   *
   * @example
   * ```ts
   * import { createWriteStream } from 'node:fs';
   * import { pipeline } from 'node:stream/promises';
   * import { openImage } from 'stratafs';
   *
   * await using image = await openImage('fixtures/expressweb.tar');
   * await pipeline(image.export(), createWriteStream('/dev/null'));
   * ```
   */
  export(options: ExportOptions = {}): Readable {
    return new WrittenStream((take, stop) =>
      this.view.usage.run(
        async (signal) =>
          writeExport(this.view.inspected, await this.view.merged(), { ...options, signal }, take),
        options.signal === undefined ? stop : AbortSignal.any([stop, options.signal]),
      ),
    );
  }

  /**
   * Writes the image's files as an EROFS image, which the kernel mounts without stratafs. `take` gets all bytes in order;
   * the next call is made when its promise has resolved. Rejects with an InputError for what EROFS can't hold.
   *
   * @example
   * ```ts
   * import { open } from 'node:fs/promises';
   * import { openImage } from 'stratafs';
   *
   * await using image = await openImage('fixtures/expressweb.tar');
   * await using file = await open('/dev/null', 'w');
   * const { size } = await image.writeErofs(async (bytes) => {
   *   await file.writeFile(bytes);
   * });
   * console.log(size);
   * ```
   */
  writeErofs(take: (bytes: Uint8Array) => Promise<void>, options: ErofsOptions = {}): Promise<WrittenErofs> {
    return this.view.usage.run(
      async (signal) =>
        writeErofs(this.view.inspected, await this.view.merged(), { ...options, signal }, take),
      options.signal,
    );
  }

  /**
   * Copies files to `destination` by the rules of `docker cp`: an existing directory gets them under their own names, anything
   * else gets the only path as itself; of a path that ends in `/.` only the content is copied. Permissions, times, hard links and
   * holes are kept. Nothing is written through a symlink below `destination`, and a file appears when it is complete.
   *
   * Rejects with an ErrnoError for a path that the image doesn't have, and with an InputError where the destination does not fit or
   * is full. Other failures concern one path: `onProblem` gets them, and the copy goes on.
   */
  copy(paths: PathLike | readonly PathLike[], destination: string, options: CopyOptions = {}): Promise<void> {
    return this.view.usage.run(
      async (signal) =>
        copyFiles(this.view.inspected, await this.view.merged(), paths, destination, { ...options, signal }),
      options.signal,
    );
  }

  /** Ends what still reads the image, and closes its layers. May be called twice. */
  async close(): Promise<void> {
    await this.view.usage.end();
    this.#close();
  }

  /** As `close`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** The image takes the inspection over, and closes it. */
export function imageOf(inspection: Inspection): Image {
  let isClosed = false;
  return new Image(new ImageView(inspection, new Usage(inspection.image.source), inspection.trees), () => {
    if (!isClosed) inspection.close();
    isClosed = true;
  });
}
