// Candidates for a SOURCE, found without reading a layer: the images of an archive, their layers, and the current mounts.
import { REGISTRY_PREFIX } from '../../vfs/image-names.ts';
import { existsSync } from 'node:fs';
import { type ImageSummary, peekImages } from '../../library/images.ts';
import { instructionsOfLayers } from '../../library/layers.ts';
import { listMountTable } from '../../library/mounts.ts';
import { TRANSPORT } from '../options/image-path.ts';
import { showPlatform } from '../options/platform.ts';
import { type Completion, choices, directories, files, join, none } from './completion.ts';
import { expandHome } from './shell-words.ts';

const transports: readonly (readonly [prefix: string, about: string])[] = [
  ['docker-archive:', 'what "docker save" and "podman save" write'],
  ['oci:', 'an OCI image layout'],
  ['oci-archive:', 'an OCI image layout in a tar'],
  ['dir:', 'what "skopeo copy ... dir:DIR" writes'],
];

/** The images of a complete source; none if it can't be read. */
async function imagesOf(source: string): Promise<readonly ImageSummary[]> {
  try {
    return await peekImages(withHome(source));
  } catch {
    return []; // the user is still typing; the command reports any error
  }
}

/** Expands "oci:~/x", which shells don't expand, and "~/x", which they have not expanded yet. */
export function withHome(source: string): string {
  const [transport = ''] = TRANSPORT.exec(source) ?? [];
  return transport + expandHome(source.slice(transport.length));
}

/** The transport at the beginning of a word. The shell completes its path. */
function completeTransport(word: string): Completion | undefined {
  const [transport] = TRANSPORT.exec(word) ?? [];
  if (transport === undefined) return undefined;
  // A registry is not asked for names.
  if (transport === REGISTRY_PREFIX) return none;
  return transport === 'oci:' || transport === 'dir:' ? directories(transport) : files(transport);
}

/** A SOURCE: a path, a transport, an image after the path of its archive, and mount points if `takesMounts`. */
export async function completeSource(word: string, takesMounts: boolean): Promise<Completion> {
  const images = await completeReference(word);
  if (images.candidates.length > 0) return images;
  const path = completeTransport(word);
  if (path !== undefined) return path;
  const start: Completion = { candidates: transports.map(([value, about]) => ({ value, about })) };
  return join(join(files(), start), takesMounts ? await completeMountPoint(word) : none);
}

/** Completes `PATH:` with the names of its images, and with `@N` for images without a name. */
async function completeReference(word: string): Promise<Completion> {
  for (let colon = word.lastIndexOf(':'); colon > 0; colon = word.lastIndexOf(':', colon - 1)) {
    const source = word.slice(0, colon);
    if (!existsSync(expandHome(source.replace(TRANSPORT, '')))) continue;
    const images = (await imagesOf(source)).filter(({ isArtifact }) => !isArtifact);
    const found = new Map<string, ImageSummary[]>();
    for (const image of images) {
      for (const text of referencesTo(image, word.slice(colon + 1))) {
        found.set(text, [...(found.get(text) ?? []), image]);
      }
    }
    const candidates = [...found].map(([text, meant]) => ({
      value: `${source}:${text}`,
      about: describeImages(meant),
    }));
    if (candidates.length > 0) return { candidates };
  }
  return none;
}

function referencesTo({ names, index }: ImageSummary, typed: string): string[] {
  if (names.length === 0 || typed.startsWith('@')) return [`@${index}`];
  // In the archive's spelling, or in the short form if the user began with it.
  if (names.some((name) => name.startsWith(typed))) return [...names];
  return names.map((name) => name.replace(/^(?:docker\.io\/(?:library\/)?|localhost\/)/, ''));
}

/** Describes an image by its platform: images of the same name differ in it. */
function describeImages(images: readonly ImageSummary[]): string {
  const platforms = images.flatMap(({ platform }) =>
    platform === undefined ? [] : [showPlatform(platform)],
  );
  const counts = images.map(({ layerCount }) => (layerCount === 1 ? '1 layer' : `${layerCount} layers`));
  return [...platforms, ...(counts.length === 1 ? counts : [])].join(', ');
}

/** IMAGE, or IMAGE#LAYER for the stack up to a layer. */
export async function completeOperand(word: string): Promise<Completion> {
  const hash = word.lastIndexOf('#');
  const layers = hash < 1 ? none : await completeLayer(word.slice(0, hash), word.slice(0, hash + 1));
  return layers.candidates.length > 0 ? layers : completeSource(word, true);
}

/** The numbers of a source's layers, base first, each with the instruction that made it. */
export async function completeLayer(source: string | undefined, prefix: string): Promise<Completion> {
  const images = source === undefined ? [] : await imagesOf(source);
  const [image] = images.flatMap((each) => each.image ?? []);
  // With several images it is unknown which one is meant; the command reports that.
  if (image === undefined || images.length > 1) return none;
  const instructions = instructionsOfLayers({ image });
  return {
    candidates: instructions.map((about, i) => ({ value: `${prefix}${i + 1}`, about: about ?? '' })),
  };
}

/** The platforms of a source; common platforms if the source is unknown. */
export async function completePlatform(source: string | undefined, prefix: string): Promise<Completion> {
  const images = source === undefined ? [] : await imagesOf(source);
  const platforms = images.flatMap(({ platform }) =>
    platform === undefined ? [] : [showPlatform(platform)],
  );
  return choices(
    prefix,
    platforms.length > 0 ? [...new Set(platforms)] : ['linux/amd64', 'linux/arm64', 'linux/arm/v7'],
  );
}

/** The mount points of stratafs, relative if they are below the working directory, unless the user typed a slash. */
export async function completeMountPoint(word: string): Promise<Completion> {
  const here = `${process.cwd().replace(/\/$/, '')}/`;
  const shorten = (path: string): string =>
    !word.startsWith('/') && path.startsWith(here) ? path.slice(here.length) : path;
  const candidates = (await listMountTable()).map(({ mountPoint, source }) => ({
    value: shorten(mountPoint),
    about: source,
  }));
  return { candidates: candidates.filter(({ value }) => value !== '') };
}

/** Completes TARGET: a transport, then a path. */
export function completeTarget(word: string): Completion {
  return completeTransport(word) ?? { candidates: transports.map(([value, about]) => ({ value, about })) };
}
