// Lists the images of several sources, newest first, like `docker images`, with the layers and bytes that they share.
import type { ImageSummary } from '../image/open-image.ts';
import { type LayerSummary } from './layer-summary.ts';
import { type ImageUse, shareLayers } from './shared-layers.ts';

/** One image of a source, and its layers if they could be read. */
export interface FoundImage extends Omit<ImageSummary, 'image' | 'index'> {
  /** As the user wrote it. */
  readonly source: string;
  readonly layers: readonly LayerSummary[] | undefined;
}

/** An image of a source, with the bytes that it shares with others. */
export interface ListedImage extends FoundImage {
  /** undefined if the image could not be read. */
  readonly use: ImageUse | undefined;
}

/** The images of one or several sources. */
export interface ImageList {
  readonly images: readonly ListedImage[];
  /** Bytes of all layers; a shared layer counts once. */
  readonly totalSize: number;
}

/** Sorts the newest first; images of the same age keep their order. */
export function listFoundImages(found: readonly FoundImage[]): ImageList {
  const readable = found.filter(({ layers }) => layers !== undefined);
  const { images: uses, totalSize } = shareLayers(readable.map(({ layers }) => layers ?? []));
  const images = found.map((image) => ({ ...image, use: uses[readable.indexOf(image)] }));
  const age = ({ created }: FoundImage): number => Date.parse(created ?? '') || 0;
  return { images: images.sort((a, b) => age(b) - age(a)), totalSize };
}

export interface RepositoryTag {
  readonly repository: string;
  readonly tag: string;
}

const NONE = '<none>';

/** One entry for each name that the archive gives the image; `<none>`, as in docker, if it has none. */
export function repositoryTags(names: readonly string[]): RepositoryTag[] {
  if (names.length === 0) return [{ repository: NONE, tag: NONE }];
  return names.map(splitName);
}

/** `repo:tag` as docker shows it; a bare tag stays as it is. */
export function familiarName(name: string): string {
  const { repository, tag } = splitName(name);
  if (repository === NONE) return tag;
  return tag === NONE ? repository : `${repository}:${tag}`;
}

/**
 * Drops docker.io and library, as docker does in a familiar name. A bare word is a tag: docker names no image without a
 * tag, so it can only be the reference name in an OCI layout (image-spec, annotations.md; skopeo's `oci:PATH:TAG`).
 */
function splitName(name: string): RepositoryTag {
  const familiar = name.replace(/^(?:index\.)?docker\.io\//, '').replace(/^library\//, '');
  if (name === familiar && /^[^/:@]+$/.test(name)) return { repository: NONE, tag: name };
  const [plain = ''] = familiar.split('@');
  const colon = plain.indexOf(':', plain.lastIndexOf('/') + 1);
  return colon < 0
    ? { repository: plain, tag: NONE }
    : { repository: plain.slice(0, colon), tag: plain.slice(colon + 1) };
}
