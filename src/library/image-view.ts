// ImageView: an open image as the methods of Image read it. The merged tree is made when it is first needed.
import {
  type ComparedImage,
  type InspectedImage,
  type MergedImage,
  type TreeStore,
  mergeForComparison,
} from '../inspect/inspect.ts';
import { Files } from './files.ts';
import type { Usage } from './usage.ts';

/** What shows the files of an image. */
export interface ShownFiles extends MergedImage {
  readonly files: Files;
}

/** What the methods of ImageFiles read. */
export interface FilesView {
  readonly usage: Usage;
  merged(): Promise<ShownFiles>;
  read<T>(body: (merged: ShownFiles, stop: AbortSignal) => T | Promise<T>, signal?: AbortSignal): Promise<T>;
}

/** What a method reads. */
export interface MergedFiles extends ComparedImage, ShownFiles {}

export class ImageView implements FilesView {
  readonly inspected: InspectedImage;
  /** Of all views of the same layers. */
  readonly usage: Usage;
  readonly #trees: TreeStore | undefined;
  #merged: Promise<MergedFiles> | undefined;

  /** `trees`: where the merged tree is loaded from and saved. */
  constructor(inspected: InspectedImage, usage: Usage, trees: TreeStore | undefined) {
    this.inspected = inspected;
    this.usage = usage;
    this.#trees = trees;
  }

  /** Rejects with an InputError where the layers can't be merged. */
  merged(): Promise<MergedFiles> {
    return (this.#merged ??= this.#merge());
  }

  /** The view of the lowest layers, which `inspected` has; not saved. */
  ofLowest(inspected: InspectedImage): ImageView {
    return new ImageView(inspected, this.usage, undefined);
  }

  /** Runs `body` as an operation of the image; it stops, at the latest after a piece of a file, when `stop` is aborted. */
  read<T>(
    body: (merged: MergedFiles, stop: AbortSignal) => T | Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    return this.usage.run(async (stop) => body(await this.merged(), stop), signal);
  }

  async #merge(): Promise<MergedFiles> {
    const merged = await mergeForComparison({ ...this.inspected, trees: this.#trees });
    return { ...merged, files: new Files(merged) };
  }
}
