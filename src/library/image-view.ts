// ImageView: an open image as the methods of Image read it. The merged tree is made when it is first needed.
import { type ComparedImage, type InspectedImage, mergeForComparison } from '../inspect/inspect.ts';
import { Files } from './files.ts';
import type { Usage } from './usage.ts';

/** What a method reads. */
export interface MergedFiles extends ComparedImage {
  readonly files: Files;
}

export class ImageView {
  readonly inspected: InspectedImage;
  /** Of all views of the same layers. */
  readonly usage: Usage;
  #merged: MergedFiles | undefined;

  constructor(inspected: InspectedImage, usage: Usage) {
    this.inspected = inspected;
    this.usage = usage;
  }

  /** Throws InputError where the layers can't be merged. */
  get merged(): MergedFiles {
    if (this.#merged === undefined) {
      const merged = mergeForComparison(this.inspected);
      this.#merged = { ...merged, files: new Files(merged) };
    }
    return this.#merged;
  }

  /** Runs `body` as an operation of the image; it stops, at the latest after a piece of a file, when `stop` is aborted. */
  read<T>(
    body: (merged: MergedFiles, stop: AbortSignal) => T | Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    return this.usage.run((stop) => body(this.merged, stop), signal);
  }
}
