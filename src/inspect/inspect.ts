// The composition root of the views: a source, or a mount of ours -> an image whose layers are open, and what can be
// said of it without mounting anything. It knows what mount.ts knows, less the file system and the driver.
import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { BlockCache } from '../cache/block-cache.ts';
import { locateMountPoint } from '../fuse/mounts/mount-point.ts';
import { bareImage } from '../image/lower-stack.ts';
import { type ImageSummary, listImages as listImagesOf } from '../image/open-image.ts';
import { type OpenedLayer, openLayers } from '../image/open-layers.ts';
import { type FoundImage, type ImageList, listFoundImages } from './image-list.ts';
import { type InspectedImage, createdOf, stackUpTo } from './inspected-image.ts';
import { type LayerSummary, summariseLayers } from './layer-summary.ts';
import { mergeImage } from './merged-image.ts';
import { hasMoved, sizeOfUpper, sizeWithMoved } from './upper-size.ts';
import { openDirectoryLayer } from '../layer/directory-layer.ts';
import type { Image, OpenImageOptions, OwnerKeeping } from '../mount/mount.ts';
import { type WithDiskCache, withDiskCache } from '../mount/cache-choice.ts';
import { nameLayers } from '../mount/layer-identity.ts';
import { layerOptions } from '../mount/layers.ts';
import {
  type MountedImage,
  addUpper,
  canReadMarks,
  choosesLayers,
  findMountedImage,
  reopenImage,
  upperOf,
} from '../mount/mounted-image.ts';
import { openImageWith, openLowerDirectories } from '../mount/open-image.ts';
import type { MountOrigin } from '../mount/origin.ts';
import { InputError } from '../vfs/input-error.ts';

export type { Image } from '../mount/mount.ts';
export type { ImageSummary } from '../image/open-image.ts';
export type { Tree } from '../tree/tree.ts';
export { type MountedImage, mountedImageOf } from '../mount/mounted-image.ts';
export type { InspectedImage } from './inspected-image.ts';
export type { Attribute } from './attributes.ts';
export type { Cause } from './name-trace.ts';
export type { ImageUse } from './shared-layers.ts';
export { createdOf, isUpper, stackUpTo } from './inspected-image.ts';
export { DockerfileWriter, comment } from './dockerfile.ts';
export { type HistoryEntry, historyGap, historyOf, instructionsOfLayers } from './history.ts';
export { type CompareOptions, type Difference, compareTrees, pathsBeneath } from './compare-trees.ts';
export { type ComparedImage, mergeForComparison } from './compared-image.ts';
export { type ExportOptions, exportTar } from './export-tar.ts';
export type { FileContent } from './file-content.ts';
export { type MergedImage, mergeImage } from './merged-image.ts';
export { type ResolveOptions, resolvePath } from './resolve-path.ts';
export { type ImageList, type ListedImage, familiarName, repositoryTags } from './image-list.ts';
export { type LayerChanges, countChanges } from './layer-changes.ts';
export { type LayerCounts, type LayerSummary, summariseLayers } from './layer-summary.ts';
export { type PathHistory, type PathVersion, tracePaths } from './path-history.ts';
export { type PatchSide, formatPatch } from './text-patch.ts';
export { showDockerSize } from './docker-size.ts';
export type { ReportData, ReportImage } from './report-format.ts';
export { type ReportedImage, joinReport, reportImage } from './report.ts';
export { walkTree } from './tree-walk.ts';
export { type LayerWaste, type Waste, findWaste } from './waste.ts';
export {
  type RuleName,
  type RuleResult,
  type WasteRules,
  checkRules,
  defaultRules,
  parseRules,
  parseThreshold,
  ruleNames,
} from './waste-rules.ts';

export interface InspectOptions extends OpenImageOptions {
  /** False: indexes are neither taken from the cache directory nor saved there. */
  readonly useIndexCache?: boolean | undefined;
  /** True: layers that the archive doesn't hold, since others distribute them, are listed as empty ones. */
  readonly listsForeign?: boolean | undefined;
  /** True: an image whose config can't be read is refused, as by a mount, docker load and skopeo. */
  readonly requiresConfig?: boolean | undefined;
}

/** What the views read of a layer is read once: a small cache does. */
const CACHE_SIZE = 64 * 1024 * 1024;

/** An image whose layers are open until it is closed. */
export interface Inspection extends InspectedImage {
  /** How the mount keeps owners whose image it is. */
  readonly ownerKeeping: OwnerKeeping | undefined;
  close(): void;
}

/**
 * Opens the image that `source` names, or that the stratafs mount at `source` is of, and its layers: those that were
 * never indexed are read once. What was written to a mount doesn't count. An image whose config can't be read is opened
 * without it, with a warning, unless `requiresConfig`. InputError as of `openImage`, and for layers that are malformed or have another digest than
 * the image says.
 */
export async function inspectImage(source: string, options: InspectOptions = {}): Promise<Inspection> {
  const mounted = await findMountedImage(source);
  return mounted === undefined ? openInspected(source, options) : inspectMounted(mounted, false, options);
}

/**
 * The same of what `source` shows: of a mount with an upper directory that is one more layer, the topmost, unless
 * `options` choose layers. It shows what was written when this resolves.
 */
export async function inspectShown(source: string, options: InspectOptions = {}): Promise<Inspection> {
  const mounted = await findMountedImage(source);
  if (mounted === undefined) return openInspected(source, options);
  return inspectMounted(mounted, !choosesLayers(options), options);
}

/** Opens the layers of a `lowerdir=` value. InputError as of `openLowerDirectories`. */
export async function inspectLayers(list: string, options: InspectOptions = {}): Promise<Inspection> {
  return openInspection(await openLowerDirectories(list, options), withDiskCache(options));
}

async function openInspected(source: string, given: InspectOptions): Promise<Inspection> {
  const options = withDiskCache(given);
  const warn = ({ message }: InputError): void =>
    options.onWarning?.(`${message}; shown is what is known without it`);
  const onBrokenConfig = options.requiresConfig === true ? undefined : warn;
  return openInspection(await openImageWith(source, { ...options, onBrokenConfig }), options);
}

async function inspectMounted(
  mounted: MountedImage,
  withUpper: boolean,
  given: InspectOptions,
): Promise<Inspection> {
  const options = withDiskCache(given);
  const image = await reopenImage(mounted, options);
  const { place, facts } = mounted;
  const shown = withUpper ? await addUpper(mounted, image) : image;
  const inspection = await openInspection(shown, options, facts);
  const own = inspection.layers.slice(0, image.layers.length);
  if (facts.layersId === undefined || choosesLayers(options) || nameLayers(own) === facts.layersId) {
    return inspection;
  }
  inspection.close();
  throw new InputError(`${place}: ${image.source} was changed since it was mounted: found other layers`, {
    code: 'ERR_STRATAFS_CHANGED',
  });
}

/** What a mount says of the directories among its layers. */
type DirectoryFacts = Partial<Pick<MountOrigin, 'ownerKeeping' | 'directoryMarks'>>;

/** `facts`: of the mount whose image it is. */
function openMounted(
  image: Image,
  options: WithDiskCache<InspectOptions>,
  { ownerKeeping, directoryMarks }: DirectoryFacts,
): Promise<OpenedLayer[]> {
  const keeping = ownerKeeping === undefined ? {} : { ownerKeeping };
  const marks = directoryMarks === undefined ? {} : { directoryMarks };
  return openLayers(image, {
    ...layerOptions(new BlockCache(CACHE_SIZE), { ...options, ...keeping, ...marks }),
    listsForeign: options.listsForeign,
  });
}

async function openInspection(
  image: Image,
  options: WithDiskCache<InspectOptions>,
  facts: DirectoryFacts = {},
): Promise<Inspection> {
  const layers = await openMounted(image, options, facts);
  return {
    image,
    layers,
    ownerKeeping: facts.ownerKeeping,
    close: () => {
      for (const { layer } of layers.toReversed()) layer.close();
    },
  };
}

/**
 * Opens what `stratafs diff` compares: an image, `IMAGE#LAYER` for the stack up to a layer, a mount as it shows, or a
 * directory that is no layout, as it is. A path that is there counts as it stands.
 */
export async function inspectOperand(text: string, options: InspectOptions = {}): Promise<Inspection> {
  if (await isPlainDirectory(text)) {
    const image = bareImage(text, [{ kind: 'directory', path: resolve(text) }]);
    return openInspection(image, withDiskCache(options));
  }
  const stack = await splitLayer(text);
  return stack === undefined
    ? inspectShown(text, options)
    : inspectImage(stack.source, { ...options, upto: stack.layer, typed: text });
}

/** What became of something, on its own. */
export interface InspectedChange {
  /** Its layers are those of `after` but the topmost, and closed with them. */
  readonly before: InspectedImage;
  readonly after: Inspection;
}

/**
 * Opens what `stratafs diff` shows of one operand: what the last layer of `IMAGE#LAYER` changes, or what was written to a
 * mount. undefined for anything else; InputError for a mount that can't be written to.
 */
export async function inspectChange(
  text: string,
  options: InspectOptions = {},
): Promise<InspectedChange | undefined> {
  const stack = await splitLayer(text);
  if (stack !== undefined) {
    const after = await inspectImage(stack.source, { ...options, upto: stack.layer, typed: text });
    return { before: belowTop(after), after };
  }
  const mounted = await findMountedImage(text);
  if (mounted === undefined) return undefined;
  if (mounted.facts.upper === undefined) {
    throw new InputError(
      `${mounted.place}: is mounted without an upper directory, so nothing was written to it`,
      { code: 'ERR_STRATAFS_NO_UPPER' },
    );
  }
  const after = await inspectMounted(mounted, true, options);
  return { before: belowTop(after), after };
}

/** `IMAGE#LAYER` as its two parts; undefined for anything else. */
async function splitLayer(text: string): Promise<{ source: string; layer: string } | undefined> {
  const [, source, layer] = /^(.+)#([^#/]+)$/s.exec(text) ?? [];
  if (source === undefined || layer === undefined || (await isThere(text))) return undefined;
  return { source, layer };
}

function belowTop(inspection: Inspection): InspectedImage {
  return stackUpTo(inspection, inspection.layers.length - 1);
}

/**
 * How many bytes were written to a mount, as docker counts the size of a container; undefined where this user may not know.
 * InputError where what was moved in it can't be looked up, since its image can't be opened again.
 */
export async function measureWritten(
  mounted: MountedImage,
  options: InspectOptions = {},
): Promise<number | undefined> {
  const upper = upperOf(mounted.facts);
  if (!mounted.isTrusted) return undefined;
  if (upper === undefined) return 0;
  if (!canReadMarks(upper)) return undefined;
  try {
    const layer = openDirectoryLayer(upper.path, {
      marks: upper.upperMarks,
      isUpper: true,
      fakesRoot: upper.fakesRoot,
      obeysOwners: mounted.facts.ownerKeeping !== undefined,
    });
    layer.close();
    // Of what only its owner's mount follows, this user can't know the size.
    if ((layer.index.unfollowed?.size ?? 0) > 0) return undefined;
    if (!hasMoved(layer.index)) return sizeOfUpper(layer.index);
  } catch (error) {
    const { code } = (error instanceof InputError ? error.cause : error) as NodeJS.ErrnoException;
    // ENOENT: it was unmounted meanwhile, and nothing is kept.
    if (code === 'EACCES' || code === 'ENOENT') return undefined;
    throw error;
  }
  const inspection = await inspectMounted(mounted, true, options);
  try {
    const top = inspection.layers.at(-1)?.layer.index;
    return top === undefined ? 0 : sizeWithMoved(top, mergeImage(inspection).tree);
  } finally {
    inspection.close();
  }
}

async function isPlainDirectory(path: string): Promise<boolean> {
  const place = await locateMountPoint(path).catch(() => undefined); // it may be no path at all
  if (place === undefined || (await findMountedImage(path)) !== undefined) return false;
  if (!(await stat(place)).isDirectory()) return false;
  return !(await isThere(join(place, 'index.json'))) && !(await isThere(join(place, 'manifest.json')));
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false, // ENOENT; what else is wrong, opening it says
  );
}

/**
 * The images of `sources`, those that can't be opened too, with a problem. InputError for a source that holds no images
 * at all.
 */
export async function listImages(sources: readonly string[], given: InspectOptions = {}): Promise<ImageList> {
  const options = withDiskCache(given);
  const found: FoundImage[] = [];
  for (const source of sources) {
    const mounted = await findMountedImage(source);
    const summaries =
      mounted === undefined
        ? await listImagesOf(source, options)
        : [summariseMounted(await reopenImage(mounted, options))];
    for (const summary of summaries) {
      found.push(await readLayers(source, summary, mounted?.facts ?? {}, options));
    }
  }
  return listFoundImages(found);
}

/**
 * `source` as one source an image: itself, or, where it names an archive of several images, each of them by its place.
 * InputError as of `openImage`.
 */
export async function sourcesOf(source: string, options: InspectOptions = {}): Promise<string[]> {
  if ((await findMountedImage(source)) !== undefined) return [source];
  const summaries = await listImagesOf(source, {
    ...withDiskCache(options),
    notice: options.onNotice,
    progress: (done, total) => options.onProgress?.({ what: `unpacking ${source}`, done, total }),
  });
  const images = summaries.filter(({ isArtifact, isMissing }) => !isArtifact && !isMissing);
  const places = [...new Set(images.map(({ index }) => index))];
  return places.length > 1 ? places.map((place) => `${source}:@${place}`) : [source];
}

/**
 * The images of `source`, as far as can be told without reading a layer, or unpacking an archive; at a mount of ours the
 * one that it shows. InputError as of `openImage`.
 */
export async function peekImages(source: string): Promise<ImageSummary[]> {
  const mounted = await findMountedImage(source);
  const options = withDiskCache({ mayUnpack: false });
  if (mounted !== undefined) return [summariseMounted(await reopenImage(mounted, options))];
  return listImagesOf(source, options);
}

function summariseMounted(image: Image): ImageSummary {
  const { names, id, platform, layers } = image;
  return {
    ...{ index: 0, names, id, platform, image, layerCount: layers.length, created: createdOf(image) },
    ...{ problem: undefined, isArtifact: false, isMissing: false },
  };
}

async function readLayers(
  source: string,
  { image, ...summary }: ImageSummary,
  facts: DirectoryFacts,
  options: WithDiskCache<InspectOptions>,
): Promise<FoundImage> {
  if (image === undefined) return { ...summary, source, layers: undefined };
  try {
    return { ...summary, source, layers: await summariseClosed(image, options, facts) };
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return { ...summary, source, layers: undefined, problem: error.message };
  }
}

async function summariseClosed(
  image: Image,
  options: WithDiskCache<InspectOptions>,
  facts: DirectoryFacts,
): Promise<LayerSummary[]> {
  const layers = await openMounted(image, options, facts);
  for (const { layer } of layers) layer.close();
  return summariseLayers({ image, layers });
}
