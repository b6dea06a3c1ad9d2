// SOURCE:PATH, which names a file of an image.
import { showText } from '../../vfs/show-text.ts';
import { UsageError } from './usage-error.ts';

/** The prefix of a source that names its kind. */
export const TRANSPORT = /^(?:docker-archive:|oci:|oci-archive:|dir:|docker:\/\/)/;

export interface ImagePath {
  readonly source: string;
  /** Begins with a slash. */
  readonly path: string;
}

/**
 * Splits at the first ":/" after the transport: an image reference has none. undefined if there is none, or nothing before
 * it.
 */
export function splitImagePath(text: string): ImagePath | undefined {
  const [transport = ''] = TRANSPORT.exec(text) ?? [];
  const colon = text.indexOf(':/', transport.length);
  if (colon <= transport.length) return undefined;
  return { source: text.slice(0, colon), path: text.slice(colon + 1) };
}

/** Throws UsageError for any other form. */
export function parseImagePath(text: string): ImagePath {
  const split = splitImagePath(text);
  if (split !== undefined) return split;
  throw new UsageError(
    `cp: found '${showText(text)}', expected SOURCE:PATH with an absolute path, such as app.tar:/etc/passwd`,
  );
}
