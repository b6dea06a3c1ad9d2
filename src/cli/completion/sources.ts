// Candidates for a SOURCE, found without reading a layer: the images that an archive holds, their
// layers, and the mounts that there are.
import { existsSync } from 'node:fs';
import { type ImageSummary, peekImages } from '../../library/images.ts';
import { instructionsOfLayers } from '../../library/layers.ts';
import { listMountTable } from '../../library/mounts.ts';
import { showPlatform } from '../options/platform.ts';
import { type Completion, choices, directories, files, join, none } from './completion.ts';
import { expandHome } from './shell-words.ts';

const transports: readonly (readonly [prefix: string, about: string])[] = [
  ['docker-archive:', 'what "docker save" and "podman save" write'],
  ['oci:', 'an OCI image layout'],
  ['oci-archive:', 'an OCI image layout in a tar'],
  ['dir:', 'what "skopeo copy ... dir:DIR" writes'],
];

const TRANSPORT = /^(?:docker-archive|oci|oci-archive|dir):/;

/** The images of a source that is complete; none where it can't be read. */
async function imagesOf(source: string): Promise<readonly ImageSummary[]> {
  try {
    return await peekImages(withHome(source));
  } catch {
    return []; // it is being typed: what is wrong with it, the command will say
  }
}

/** "oci:~/x" and "~/x": no shell knows the first, and none has done the second yet. */
function withHome(source: string): string {
  const [transport = ''] = TRANSPORT.exec(source) ?? [];
  return transport + expandHome(source.slice(transport.length));
}

/** The transport that a word begins with; its path is for the shell to find. */
function completeTransport(word: string): Completion | undefined {
  const [transport] = TRANSPORT.exec(word) ?? [];
  if (transport === undefined) return undefined;
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

/** The names of the images of `PATH:` in a word, and the places of those that have none. */
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
  // As archives spell them; shorter, where that is how the user began.
  if (names.some((name) => name.startsWith(typed))) return [...names];
  return names.map((name) => name.replace(/^(?:docker\.io\/(?:library\/)?|localhost\/)/, ''));
}

/** Images of one name differ in their platforms. */
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

/** The numbers of a source's layers, base first, with the instruction that made each. */
export async function completeLayer(source: string | undefined, prefix: string): Promise<Completion> {
  const images = source === undefined ? [] : await imagesOf(source);
  const [image] = images.flatMap((each) => each.image ?? []);
  // Of several images it is not known which one is meant; the command would say so.
  if (image === undefined || images.length > 1) return none;
  const instructions = instructionsOfLayers({ image });
  return {
    candidates: instructions.map((about, i) => ({ value: `${prefix}${i + 1}`, about: about ?? '' })),
  };
}

/** The platforms that a source has; the usual ones where it isn't known. */
export async function completePlatform(source: string | undefined, prefix: string): Promise<Completion> {
  const images = source === undefined ? [] : await imagesOf(source);
  const known = images.flatMap(({ platform }) => (platform === undefined ? [] : [showPlatform(platform)]));
  return choices(
    prefix,
    known.length > 0 ? [...new Set(known)] : ['linux/amd64', 'linux/arm64', 'linux/arm/v7'],
  );
}

/** The mount points of stratafs; those below the working directory as relative paths, except after a slash. */
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

/** TARGET: a transport, then a path. */
export function completeTarget(word: string): Completion {
  return completeTransport(word) ?? { candidates: transports.map(([value, about]) => ({ value, about })) };
}
