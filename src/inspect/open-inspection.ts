// Opens a source, or the image of a stratafs mount, with its layers, for everything that is shown without mounting. It
// wires what mount.ts wires, without the file system and the driver.
import { type OpenedLayer, openLayers } from '../image/open-layers.ts';
import { type WithDiskCache, withDiskCache } from '../mount/cache-choice.ts';
import { nameLayers } from '../mount/layer-identity.ts';
import { layerOptions, treeStoreOf } from '../mount/layers.ts';
import type { Image, OpenImageOptions, OwnerKeeping } from '../mount/mount.ts';
import {
  type MountedImage,
  addUpper,
  choosesLayers,
  findMountedImage,
  reopenImage,
} from '../mount/mounted-image.ts';
import { openImageWith, openLowerDirectories } from '../mount/open-image.ts';
import type { MountOrigin } from '../mount/origin.ts';
import { viewSharing } from '../mount/sharing.ts';
import type { TreeStore } from '../tree/tree-store.ts';
import { InputError } from '../vfs/input-error.ts';
import type { InspectedImage } from './inspected-image.ts';

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

/** The image that `source` names, or that of a mount, without its layers; the caller releases it. Throws InputError like `openImage`. */
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

/**
 * Opens the image of a mount. `withUpper`: with its upper directory as the topmost layer. Throws InputError if the image was
 * changed since it was mounted.
 */
export async function inspectMounted(
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
export type DirectoryFacts = Partial<Pick<MountOrigin, 'ownerKeeping' | 'directoryMarks'>>;

/** Opens the layers of `image`; the caller closes each. `facts`: of the mount, if the image is a mount's. */
export function openLayersOf(
  image: Image,
  options: WithDiskCache<InspectOptions>,
  { ownerKeeping, directoryMarks }: DirectoryFacts,
): Promise<OpenedLayer[]> {
  const keeping = ownerKeeping === undefined ? {} : { ownerKeeping };
  const marks = directoryMarks === undefined ? {} : { directoryMarks };
  return openLayers(image, {
    ...layerOptions(viewSharing.cache, { ...options, ...keeping, ...marks }),
    pool: viewSharing.layers,
    listsForeign: options.listsForeign,
    fetches: options.fetches,
    mayIndex: options.mayIndex,
  });
}

/** The image, which it takes over, with open layers. `facts` as for `openLayersOf`. */
export async function openInspection(
  image: Image,
  options: WithDiskCache<InspectOptions>,
  facts: DirectoryFacts = {},
): Promise<Inspection> {
  let layers: OpenedLayer[];
  try {
    layers = await openLayersOf(image, options, facts);
  } catch (error) {
    image.release?.();
    throw error;
  }
  return {
    image,
    layers,
    ownerKeeping: facts.ownerKeeping,
    trees: treeStoreOf(options),
    close: () => {
      for (const { layer } of layers.toReversed()) layer.close();
      image.release?.();
    },
  };
}
