// The composition root of the views: opens a source, or the image of a stratafs mount, with its layers, for everything
// that is shown without mounting. It wires what mount.ts wires, without the file system and the driver.
import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { BlockCache } from '../cache/block-cache.ts';
import { locateMountPoint } from '../fuse/mounts/mount-point.ts';
import { bareImage } from '../image/lower-stack.ts';
import { type ImageSummary, listImages as listImagesOf } from '../image/open-image.ts';
import { isRegistrySource } from '../image/source.ts';
import { type OpenedLayer, openLayers } from '../image/open-layers.ts';
import { type FoundImage, type ImageList, listFoundImages } from './image-list.ts';
import { type InspectedImage, createdOf, stackUpTo } from './inspected-image.ts';
import { type LayerSummary, summariseLayers } from './layer-summary.ts';
import { mergeImage } from './merged-image.ts';
import { hasMoved, sizeOfUpper, sizeWithMoved } from './upper-size.ts';
import { LayerPool } from '../layer/layer-pool.ts';
import { openDirectoryLayer } from '../layer/directory-layer.ts';
import type { Image, OpenImageOptions, OwnerKeeping } from '../mount/mount.ts';
import { type WithDiskCache, withDiskCache } from '../mount/cache-choice.ts';
import { nameLayers } from '../mount/layer-identity.ts';
import { layerOptions, treeStoreOf } from '../mount/layers.ts';
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
import type { TreeStore } from '../tree/tree-store.ts';
import { InputError } from '../vfs/input-error.ts';

export type { Image } from '../mount/mount.ts';
export type { ImageSummary } from '../image/open-image.ts';
export type { Tree } from '../tree/tree.ts';
export type { TreeStore } from '../tree/tree-store.ts';
export { type MountedImage, mountedImageOf } from '../mount/mounted-image.ts';
export type { InspectedImage } from './inspected-image.ts';
export type { Attribute } from './attributes.ts';
export type { Cause } from './name-trace.ts';
export type { ImageUse } from './shared-layers.ts';
export { createdOf, isUpper, stackUpTo } from './inspected-image.ts';
export { type ImageDocument, describeImage, readStored } from './image-document.ts';
export { DockerfileWriter, comment } from './dockerfile.ts';
export { type HistoryEntry, historyGap, historyOf, instructionsOfLayers } from './history.ts';
export { type CompareOptions, type Difference, compareTrees, pathsBeneath } from './compare-trees.ts';
export { DiffSizes } from './diff-sizes.ts';
export { type ComparedImage, contentSources, mergeForComparison } from './compared-image.ts';
export { type ErofsOptions, type WrittenErofs, writeErofs } from './write-erofs.ts';
export { type ExportOptions, type ExportRoot, exportTar, xattrsOf } from './export-tar.ts';
export type { FileContent } from './file-content.ts';
export { type MergedImage, mergeImage, mergeWithStore } from './merged-image.ts';
export { type ResolveOptions, type ResolvedPath, resolvePath, resolveToPath } from './resolve-path.ts';
export { type SelectedPath, selectPath } from './selected-path.ts';
export { type ImageList, type ListedImage, familiarName, repositoryTags } from './image-list.ts';
export { type LayerChanges, countChanges } from './layer-changes.ts';
export { type LayerCounts, type LayerSummary, summariseLayers } from './layer-summary.ts';
export { type PathHistory, type PathVersion, tracePaths } from './path-history.ts';
export { type PatchSide, formatPatch } from './text-patch.ts';
export { showDockerSize } from './docker-size.ts';
export type { ReportComparison, ReportData, ReportImage } from './report-format.ts';
export { type ReopenedImage, reopenMerged } from './reopen-merged.ts';
export { compareForReport } from './report-comparison.ts';
export { type ReportedImage, joinReport, reportImage } from './report.ts';
export { type ListedChanges, type ListedName, listTree } from './tree-listing.ts';
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
  /** False: indexes are neither read from the cache directory nor saved there. */
  readonly useIndexCache?: boolean | undefined;
  /** False: an image with a layer that was never indexed is refused with an InputError; no layer is read. */
  readonly mayIndex?: boolean | undefined;
  /** True: foreign layers, which the archive doesn't hold, are listed as empty layers. */
  readonly listsForeign?: boolean | undefined;
  /** False: layers of a registry that are not here are listed like foreign layers, and not fetched. */
  readonly fetches?: boolean | undefined;
  /** True: an image whose config can't be read is rejected, as by a mount, docker load and skopeo. */
  readonly requiresConfig?: boolean | undefined;
}

/** The views read each part of a layer once, so a small cache is enough. */
const CACHE_SIZE = 64 * 1024 * 1024;

/** What all images that are open in this process share: a fact about the process, as its descriptors are. */
const thisProcess = { cache: new BlockCache(CACHE_SIZE), pool: new LayerPool() };

/** An image with open layers; `close` closes them. */
export interface Inspection extends InspectedImage {
  /** How the mount stores owners, if the image is a mount's. */
  readonly ownerKeeping: OwnerKeeping | undefined;
  /** The trees that earlier commands merged; undefined without a cache directory. */
  readonly trees: TreeStore | undefined;
  close(): void;
}

/**
 * Opens the image that `source` names, or the image of the stratafs mount at `source`, and its layers. Layers that were
 * never indexed are read once. Files written to a mount are ignored. An image whose config can't be read is opened
 * without it, with a warning, unless `requiresConfig`. Throws InputError like `openImage`, and for layers that are
 * malformed or don't have the digest that the image states.
 */
export async function inspectImage(source: string, options: InspectOptions = {}): Promise<Inspection> {
  const mounted = await findMountedImage(source);
  return mounted === undefined ? openInspected(source, options) : inspectMounted(mounted, false, options);
}

/**
 * Like `inspectImage`, but with the upper directory of a mount as the topmost layer, unless `options` choose layers. The
 * layer has what was written to the mount before this resolves.
 */
export async function inspectShown(source: string, options: InspectOptions = {}): Promise<Inspection> {
  const mounted = await findMountedImage(source);
  if (mounted === undefined) return openInspected(source, options);
  return inspectMounted(mounted, !choosesLayers(options), options);
}

/** The image that `source` names, or that of a mount, without its layers. Throws InputError like `openImage`. */
export async function findImage(source: string, inspectOptions: InspectOptions = {}): Promise<Image> {
  const options = withDiskCache(inspectOptions);
  const mounted = await findMountedImage(source);
  return mounted === undefined ? openImageWith(source, options) : reopenImage(mounted, options);
}

/** Opens the layers of a `lowerdir=` value. Throws InputError like `openLowerDirectories`. */
export async function inspectLayers(list: string, options: InspectOptions = {}): Promise<Inspection> {
  return openInspection(await openLowerDirectories(list, options), withDiskCache(options));
}

async function openInspected(source: string, inspectOptions: InspectOptions): Promise<Inspection> {
  const options = withDiskCache(inspectOptions);
  const warn = ({ message }: InputError): void =>
    options.onWarning?.(`${message}; showing the image without its config`);
  const onBrokenConfig = options.requiresConfig === true ? undefined : warn;
  return openInspection(await openImageWith(source, { ...options, onBrokenConfig }), options);
}

async function inspectMounted(
  mounted: MountedImage,
  withUpper: boolean,
  inspectOptions: InspectOptions,
): Promise<Inspection> {
  const options = withDiskCache(inspectOptions);
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

/** What a mount reports about the directories among its layers. */
type DirectoryFacts = Partial<Pick<MountOrigin, 'ownerKeeping' | 'directoryMarks'>>;

/** `facts`: of the mount, if the image is a mount's. */
function openMounted(
  image: Image,
  options: WithDiskCache<InspectOptions>,
  { ownerKeeping, directoryMarks }: DirectoryFacts,
): Promise<OpenedLayer[]> {
  const keeping = ownerKeeping === undefined ? {} : { ownerKeeping };
  const marks = directoryMarks === undefined ? {} : { directoryMarks };
  return openLayers(image, {
    ...layerOptions(thisProcess.cache, { ...options, ...keeping, ...marks }),
    pool: thisProcess.pool,
    listsForeign: options.listsForeign,
    fetches: options.fetches,
    mayIndex: options.mayIndex,
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
    trees: treeStoreOf(options),
    close: () => {
      for (const { layer } of layers.toReversed()) layer.close();
    },
  };
}

/**
 * Opens an operand of `stratafs diff`: an image, `IMAGE#LAYER` for the stack up to a layer, a mount with its upper
 * directory, or a plain directory that is not an image layout. Text that names an existing path is not split at `#`.
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

/** An image before and after its topmost layer. */
export interface InspectedChange {
  /** Has the layers of `after` without the topmost; closing `after` closes them. */
  readonly before: InspectedImage;
  readonly after: Inspection;
}

/**
 * Opens the two sides of `stratafs diff` with one operand: the changes that the last layer of `IMAGE#LAYER` makes, or
 * that were written to a mount. undefined for anything else; throws InputError for a read-only mount.
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

/** Splits `IMAGE#LAYER`; undefined for anything else. */
async function splitLayer(text: string): Promise<{ source: string; layer: string } | undefined> {
  const [, source, layer] = /^(.+)#([^#/]+)$/s.exec(text) ?? [];
  if (source === undefined || layer === undefined || (await isThere(text))) return undefined;
  return { source, layer };
}

function belowTop(inspection: Inspection): InspectedImage {
  return stackUpTo(inspection, inspection.layers.length - 1);
}

/**
 * Bytes written to a mount, as docker counts the size of a container; undefined if this user may not read them. Throws
 * InputError if directories were moved, so that the image is needed, and it can't be opened again.
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
    // Redirects that only the mount of their owner follows: this user can't compute the size.
    if ((layer.index.unfollowed?.size ?? 0) > 0) return undefined;
    if (!hasMoved(layer.index)) return sizeOfUpper(layer.index);
  } catch (error) {
    const { code } = (error instanceof InputError ? error.cause : error) as NodeJS.ErrnoException;
    // ENOENT: it has been unmounted, and its upper directory was temporary.
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
  const place = await locateMountPoint(path).catch(() => undefined); // `path` may not be a path at all
  if (place === undefined || (await findMountedImage(path)) !== undefined) return false;
  if (!(await stat(place)).isDirectory()) return false;
  return !(await isThere(join(place, 'index.json'))) && !(await isThere(join(place, 'manifest.json')));
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false, // ENOENT; opening it reports any other error
  );
}

/**
 * The images of `sources`; one that can't be opened is listed with its problem. Throws InputError for a source without
 * images.
 */
export async function listImages(
  sources: readonly string[],
  inspectOptions: InspectOptions = {},
): Promise<ImageList> {
  const options = withDiskCache(inspectOptions);
  const found: FoundImage[] = [];
  for (const source of sources) {
    const mounted = await findMountedImage(source);
    const summaries =
      mounted === undefined
        ? await listSource(source, options)
        : [summariseOne(await reopenImage(mounted, options))];
    for (const summary of summaries) {
      found.push(await readLayers(source, summary, mounted?.facts ?? {}, options));
    }
  }
  return listFoundImages(found);
}

/**
 * One source for each image of `source`: itself, or, if it is an archive of several images, `source:@N` for each. Throws
 * InputError like `openImage`.
 */
export async function sourcesOf(source: string, options: InspectOptions = {}): Promise<string[]> {
  if (isRegistrySource(source) || (await findMountedImage(source)) !== undefined) return [source];
  const summaries = await listImagesOf(source, {
    ...withDiskCache(options),
    notice: options.onNotice,
    progress: (done, total) => options.onProgress?.({ what: `unpacking ${source}`, done, total }),
    pipeProgress: (done) => options.onProgress?.({ what: `reading ${source}`, done, total: undefined }),
  });
  const images = summaries.filter(({ isArtifact, isMissing }) => !isArtifact && !isMissing);
  const places = [...new Set(images.map(({ index }) => index))];
  return places.length > 1 ? places.map((place) => `${source}:@${place}`) : [source];
}

/**
 * Lists the images of `source` without reading a layer or unpacking an archive; for a stratafs mount, its image. Throws
 * InputError like `openImage`.
 */
export async function peekImages(source: string): Promise<ImageSummary[]> {
  const mounted = await findMountedImage(source);
  const options = withDiskCache({ mayUnpack: false });
  if (mounted !== undefined) return [summariseOne(await reopenImage(mounted, options))];
  return listSource(source, options);
}

/** A registry gives one image, that of the platform. */
async function listSource(source: string, options: WithDiskCache<InspectOptions>): Promise<ImageSummary[]> {
  if (!isRegistrySource(source)) return listImagesOf(source, options);
  return [summariseOne(await openImageWith(source, options))];
}

function summariseOne(image: Image): ImageSummary {
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
