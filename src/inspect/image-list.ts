// The images of several sources, newest first, as `docker images` lists them, with what they share.
import type { ImageSummary } from '../image/open-image.ts';
import { type LayerSummary } from './layer-summary.ts';
import { type ImageUse, shareLayers } from './shared-layers.ts';

/** One image of a source, and its layers where it could be read. */
export interface FoundImage extends Omit<ImageSummary, 'image' | 'index'> {
  /** As it was given. */
  readonly source: string;
  readonly layers: readonly LayerSummary[] | undefined;
}

/** An image of a source, with what it shares with the others. */
export interface ListedImage extends FoundImage {
  /** undefined where it could not be read. */
  readonly use: ImageUse | undefined;
}

/** The images of one or several sources. */
export interface ImageList {
  readonly images: readonly ListedImage[];
  /** Bytes of all layers, each once. */
  readonly totalSize: number;
}

/** Images of the same age stay in the order in which they were found. */
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

/** One an archive's name for the image; `<none>` where it has none, as docker shows it. */
export function repositoryTags(names: readonly string[]): RepositoryTag[] {
  if (names.length === 0) return [{ repository: NONE, tag: NONE }];
  return names.map(splitName);
}

/** `repo:tag` as docker shows it; a bare tag as the archive has it. */
export function familiarName(name: string): string {
  const { repository, tag } = splitName(name);
  if (repository === NONE) return tag;
  return tag === NONE ? repository : `${repository}:${tag}`;
}

/**
 * docker.io and library are what docker leaves out of a familiar name. A bare word is a tag: it can only be the reference name of
 * an OCI layout (image-spec, annotations.md; `oci:PATH:TAG` of skopeo and umoci), since docker names no image without a tag.
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
