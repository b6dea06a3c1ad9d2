// Turns the text that the user typed into an Image: detects the kind of archive, reads its images, and chooses one.
//
// docker 25 and later write an OCI layout and manifest.json into one tar. Such an archive is read as a layout, which
// has digests and platforms; it gets the names of both, and the layers of manifest.json.
import { resolve } from 'node:path';
import { FormatError, InputError } from '../vfs/input-error.ts';
import { BLOCK_SIZE } from '../tar/header.ts';
import type { Compression } from '../layer/layer.ts';
import type { Archive } from './archive.ts';
import {
  type CandidateState,
  type ImageCandidate,
  type ImageContent,
  namesOf,
  type Place,
} from './candidate.ts';
import { chooseImage } from './choose.ts';
import { readDirArchive } from './dir-archive.ts';
import { DirectoryArchive } from './directory-archive.ts';
import { readDockerArchive } from './docker-archive.ts';
import { inspectHostFile, withPath } from './host-file.ts';
import type { Image, Platform } from './image.ts';
import { showText } from '../vfs/show-text.ts';
import { readLegacyDockerArchive } from './legacy-docker-archive.ts';
import { bareImage, layerOfPath } from './lower-stack.ts';
import { readOciLayout } from './oci-layout.ts';
import { matchRank, parsePlatform, showPlatform } from './platform.ts';
import { isSameName } from './reference.ts';
import { type LayerSelection, selectLayers } from './select-layers.ts';
import { spoolPipe } from './pipe-source.ts';
import { parseSource, showSource, type Source } from './source.ts';
import { TarArchive, type TarFile } from './tar-archive.ts';
import { unpackArchive, type UnpackingOptions } from './unpacked-archive.ts';

export interface OpenImageSourceOptions extends LayerSelection, UnpackingOptions {
  /** `os/architecture[/variant]`; by default the host's if the source has several. */
  readonly platform?: string | undefined;
  /**
   * Gets the problem of an image whose config can't be read; the image is then opened with its layers only. If
   * undefined, such an image can't be opened.
   */
  readonly onBrokenConfig?: ((problem: InputError) => void) | undefined;
}

/** An image in a list. */
export interface ImageSummary {
  /** The N of `@N`, from 0; several manifests of one image share it. */
  readonly index: number;
  readonly names: readonly string[];
  /** `sha256:<hex>` of the config; undefined if it can't be read. */
  readonly id: string | undefined;
  readonly platform: Platform | undefined;
  readonly layerCount: number;
  /** RFC 3339, copied from the config. */
  readonly created: string | undefined;
  /** The reason why it can't be mounted; undefined if it can. */
  readonly problem: string | undefined;
  /** Not an image at all. Or an image whose blobs were never saved: often the other platforms of an index. */
  readonly isArtifact: boolean;
  readonly isMissing: boolean;
  /** The image that opening it gives, without a config if that can't be read; undefined if nothing could be read. */
  readonly image: Image | undefined;
}

/**
 * The image that `text` names, with the places of its layers, which are not read. Throws InputError if it is not an
 * image, or if the choice is ambiguous.
 */
export async function openImageSource(text: string, options: OpenImageSourceOptions = {}): Promise<Image> {
  const { parsed, source } = await locate(text, options);
  const platform = options.platform === undefined ? undefined : parsePlatform(options.platform);
  const candidates = await readSource(parsed, options);
  if (candidates === undefined) {
    refuseSelector(parsed);
    const layer = await layerOfPath(parsed.path);
    const isCopy = parsed.isCopy === true && layer.kind === 'blob';
    const stack = [isCopy ? { ...layer, blob: { ...layer.blob, isCopy } } : layer];
    return selectLayers(bareImage(source, stack), options);
  }
  const candidate = chooseImage(candidates, {
    path: showText(parsed.path),
    selector: parsed.selector,
    platform,
  });
  const { state } = candidate;
  const platforms = platformsOf(candidates, candidate);
  if (state.kind === 'broken' && state.withoutConfig !== undefined && options.onBrokenConfig !== undefined) {
    options.onBrokenConfig(state.error);
    return selectLayers({ ...imageOf(source, candidate, state.withoutConfig), platforms }, options);
  }
  if (state.kind !== 'image') throw state.error;
  return selectLayers({ ...imageOf(source, candidate, state.content), platforms }, options);
}

/** The source that `text` names. A pipe becomes a file, which serves again when the image is reopened by its source. */
async function locate(text: string, options: UnpackingOptions): Promise<{ parsed: Source; source: string }> {
  const typed = await parseSource(text);
  const parsed = await spoolPipe(typed, options);
  return { parsed, source: parsed === typed ? text : showSource(parsed) };
}

function imageOf(source: string, candidate: ImageCandidate, content: ImageContent): Image {
  const { config, platform, history, layers, manifest, configDocument } = content;
  const names = namesOf(candidate);
  return { source, names, id: candidate.id, config, platform, history, layers, manifest, configDocument };
}

/** The platforms of the images that share a place in the index with `chosen`, each once, in the order of the index. */
function platformsOf(candidates: readonly ImageCandidate[], chosen: ImageCandidate): Platform[] {
  const places = new Set(chosen.places.map(({ index }) => index));
  const found = new Map<string, Platform>();
  for (const { places: others, platform, state } of candidates) {
    if (platform === undefined || state.kind === 'artifact') continue;
    if (others.some(({ index }) => places.has(index))) found.set(showPlatform(platform), platform);
  }
  return [...found.values()];
}

/**
 * The images that `text` names, including those that can't be mounted: all of the source, or the one chosen. A bare
 * layer or root is one image without a name.
 */
export async function listImages(
  text: string,
  options: OpenImageSourceOptions = {},
): Promise<ImageSummary[]> {
  const { parsed, source } = await locate(text, options);
  const platform = options.platform === undefined ? undefined : parsePlatform(options.platform);
  const candidates = await readSource(parsed, options);
  if (candidates === undefined) {
    refuseSelector(parsed);
    const image = bareImage(source, [await layerOfPath(parsed.path)]);
    return [
      {
        index: 0,
        names: [],
        id: undefined,
        platform: undefined,
        layerCount: 1,
        created: undefined,
        problem: undefined,
        isArtifact: false,
        isMissing: false,
        image,
      },
    ];
  }
  const { path, selector } = parsed;
  const chosen =
    selector.kind === 'all'
      ? candidates.filter((candidate) => suits(candidate, platform))
      : [chooseImage(candidates, { path: showText(path), selector, platform })];
  return chosen.map((candidate) => summarise(source, candidate));
}

/** An image that doesn't state its platform suits every platform. */
function suits(candidate: ImageCandidate, platform: Platform | undefined): boolean {
  return (
    platform === undefined || candidate.platform === undefined || matchRank(platform, candidate.platform) >= 0
  );
}

function summarise(source: string, candidate: ImageCandidate): ImageSummary {
  const { places, id, platform, state } = candidate;
  const content =
    state.kind === 'image' ? state.content : state.kind === 'broken' ? state.withoutConfig : undefined;
  return {
    index: places[0]?.index ?? 0,
    names: namesOf(candidate),
    id,
    platform,
    layerCount: content?.layers.length ?? 0,
    created: content?.created,
    problem: state.kind === 'image' ? undefined : state.error.message,
    isArtifact: state.kind === 'artifact',
    isMissing: state.kind === 'broken' && state.isMissing,
    image: content === undefined ? undefined : imageOf(source, candidate, content),
  };
}

/** The images of a source; undefined for a tar that is not an image archive, which is then one layer. */
async function readSource(
  { transport, path, isCopy = false }: Source,
  options: UnpackingOptions,
): Promise<ImageCandidate[] | undefined> {
  const file = await inspectHostFile(path);
  const shown = showText(path);
  try {
    if (file.kind === 'directory') {
      if (transport === 'oci-archive')
        throw new InputError(`${shown}: is a directory, expected a tar; try oci:${shown}`);
      const archive = await DirectoryArchive.open(path);
      if (transport === 'dir') return await readDir(archive);
      return (
        (await readArchive(archive, transport)) ??
        (await readDirArchive(archive, true)) ??
        refuseDirectory(shown)
      );
    }
    if (transport === 'oci')
      throw new InputError(`${shown}: is a file, expected a directory; try oci-archive:${shown}`);
    if (transport === 'dir')
      throw new InputError(`${shown}: is a file, expected a directory of skopeo's dir:`);
    const archive = await openTar({ file: path, isCopy }, file.compression, transport === undefined, options);
    return archive === undefined ? undefined : await readArchive(archive, transport);
  } catch (error) {
    throw withPath(error, path);
  }
}

async function readDir(archive: DirectoryArchive): Promise<ImageCandidate[]> {
  const candidates = await readDirArchive(archive, false);
  if (candidates !== undefined) return candidates;
  throw new InputError(
    `${archive.path}: is not a directory of skopeo's dir:, it has no manifest in manifest.json`,
  );
}

/** Undefined for a layer; only if `isSniffed`. */
async function openTar(
  { file: path, isCopy }: TarFile,
  compression: Compression,
  isSniffed: boolean,
  options: UnpackingOptions,
): Promise<TarArchive | undefined> {
  const shown = showText(path);
  try {
    if (compression === 'none') {
      return await TarArchive.open(shown, { file: resolve(path), isCopy }, isSniffed);
    }
    const plain = await unpackArchive(path, compression, isSniffed, options);
    return plain === undefined
      ? undefined
      : await TarArchive.open(shown, { file: plain, isCopy: true }, isSniffed);
  } catch (error) {
    if (!(error instanceof FormatError) || error.offset >= BLOCK_SIZE) throw error;
    // Malformed at the start of a compressed file: the error itself says what is wrong.
    if (compression !== 'none' && error.file === shown) throw error;
    throw new InputError(`${shown}: is not a tar archive, expected a saved image or a layer`, {
      cause: error,
    });
  }
}

async function readArchive(
  archive: Archive,
  transport: Source['transport'],
): Promise<ImageCandidate[] | undefined> {
  const shown = archive.path;
  if (transport === 'oci' || transport === 'oci-archive') {
    const candidates = await readOciLayout(archive);
    if (candidates === undefined)
      throw new InputError(`${shown}: is not an OCI layout, it has no index.json`);
    return candidates;
  }
  if (transport === undefined) {
    const layout = await readOciLayout(archive);
    if (layout !== undefined) return joinDockerManifest(layout, archive);
  }
  const candidates = (await readDockerArchive(archive)) ?? (await readLegacyDockerArchive(archive));
  if (candidates === undefined && transport === 'docker-archive') {
    throw new InputError(`${shown}: is not a docker archive, it has neither manifest.json nor repositories`);
  }
  return candidates;
}

/**
 * Adds to the layout's candidates the RepoTags and layers that manifest.json has for the same image: docker 25.0.0 wrote
 * OCI manifests with layers in the wrong order, and with repeated layers only once.
 */
async function joinDockerManifest(layout: ImageCandidate[], archive: Archive): Promise<ImageCandidate[]> {
  const docker = (await readDockerArchive(archive)) ?? [];
  return layout.map((candidate) => {
    const same = docker.filter(({ id }) => id !== undefined && id === candidate.id);
    const layoutNames = namesOf(candidate);
    const more = same
      .flatMap(namesOf)
      .filter((name) => !layoutNames.some((other) => isSameName(other, name)));
    const [first, ...others] = candidate.places as [Place, ...Place[]];
    const places = [{ ...first, names: [...first.names, ...new Set(more)] }, ...others];
    const whole = same.find(({ state }) => state.kind === 'image');
    return { ...candidate, places, state: withManifestOf(candidate.state, whole?.state ?? candidate.state) };
  });
}

/** `state` with the layout's own manifest. */
function withManifestOf(layout: CandidateState, state: CandidateState): CandidateState {
  if (layout.kind !== 'image' || state.kind !== 'image') return state;
  return { ...state, content: { ...state.content, manifest: layout.content.manifest } };
}

function refuseDirectory(shown: string): never {
  throw new InputError(
    `${shown}: is not an OCI layout, it has no index.json; to mount a plain directory: -o lowerdir=${shown}`,
  );
}

function refuseSelector({ path, selector }: Source): void {
  if (selector.kind === 'all') return;
  const text = selector.kind === 'index' ? `@${selector.index}` : selector.text;
  throw new InputError(`${showText(path)}: is a bare layer, which holds no image ${showText(text)}`);
}
