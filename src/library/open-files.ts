// Opens the files of an image alone: what they show, without what the layers did to them.
import { type InspectOptions, reopenMerged } from '../inspect/inspect.ts';
import { Files } from './files.ts';
import { ImageFiles } from './image-files.ts';
import type { FilesView, ShownFiles } from './image-view.ts';
import { type OpenOptions, openImage } from './open-image.ts';
import { Usage } from './usage.ts';

/** The files of an image, open until they are closed. */
class SavedFiles extends ImageFiles implements AsyncDisposable {
  readonly #close: () => void;

  constructor(view: FilesView, close: () => void) {
    super(view);
    this.#close = close;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.view.usage.end();
    this.#close();
  }
}

/**
 * The files of the image or mount that `source` names, as `openImage` shows them. Of an image whose merged tree was saved, only
 * that is loaded, which takes a fraction of the time. Rejects as `openImage`. The caller closes them.
 */
export async function openFiles(
  source: string,
  options: OpenOptions = {},
): Promise<ImageFiles & AsyncDisposable> {
  return (await reopenFiles(source, options)) ?? (await openImage(source, options));
}

async function reopenFiles(source: string, options: InspectOptions): Promise<SavedFiles | undefined> {
  const saved = await reopenMerged(source, options);
  if (saved === undefined) return undefined;
  const shown: ShownFiles = { ...saved, files: new Files(saved) };
  const usage = new Usage(source);
  const view: FilesView = {
    usage,
    merged: () => Promise.resolve(shown),
    read: (body, signal) => usage.run((stop) => body(shown, stop), signal),
  };
  return new SavedFiles(view, () => saved.close());
}
