// The entry points of commit, flatten and squash: a mount with an upper, or an image -> its changes -> a new image.
import type { WrittenCompression } from './compressor.ts';
import { TreeSource } from './tree-changes.ts';
import { type ChangeSource } from './layer-change.ts';
import { creationTime, keptHistory, refuseLostConfig } from './new-config.ts';
import { parseTarget } from './target.ts';
import { UpperSource, changedError } from './upper-source.ts';
import { type OnLeftOut, type WrittenImage, writeImage } from './write-image.ts';
import { locateMountPoint } from '../fuse/mounts/mount-point.ts';
import type { HistoryStep } from '../image/image.ts';
import { nameLayer } from '../image/open-layers.ts';
import { describeMember } from '../inspect/export-tar.ts';
import { type InspectOptions, type Inspection, inspectImage } from '../inspect/inspect.ts';
import { identifyLayers } from '../mount/layer-identity.ts';
import { findMountedImage, requireReadableMarks, syncMount, upperOf } from '../mount/mounted-image.ts';
import { lookAtUpper } from '../overlay/upper/open-upper.ts';
import { type OverlayState, openOverlayState } from '../overlay/write/overlay-state.ts';
import type { Tree } from '../tree/tree.ts';
import { buildTree } from '../tree/merge.ts';
import { InputError } from '../vfs/input-error.ts';
import { latin1Of } from '../vfs/names.ts';

export type { WrittenCompression } from './compressor.ts';
export type { WrittenLayer } from './layer-blob.ts';
export type { WrittenImage } from './write-image.ts';

export interface NewImageOptions extends InspectOptions {
  /** `docker-archive:PATH[:REF]`, `oci:DIR[:REF]` or `oci-archive:PATH[:REF]`. */
  readonly target: string;
  /** Compression of the new layer; none by default. The other layers keep theirs. */
  readonly compression?: WrittenCompression;
  /** Comment of the new step in the history. */
  readonly message?: string;
  /** Dockerfile instructions that change the config, in order. */
  readonly instructions?: readonly string[];
  /** Called for each thing that a layer can't hold. */
  readonly onLeftOut?: OnLeftOut;
}

/**
 * Writes an image whose last layer is the upper directory of the stratafs mount at `mountpoint`. If nothing was written to
 * the mount, the image gets no new layer. InputError if there is no such mount, if the upper changes meanwhile, or if the
 * target can't be written; then nothing of the target remains.
 */
export async function commitMount(mountpoint: string, options: NewImageOptions): Promise<WrittenImage> {
  parseTarget(options.target);
  const upper = await findUpper(mountpoint);
  const inspection = await inspectImage(mountpoint, options);
  try {
    refuseLostConfig(inspection.image);
    // Writes through mappings reach the upper only now.
    await syncMount(mountpoint);
    return await commitUpper(inspection, upper, options);
  } finally {
    inspection.close();
  }
}

async function findUpper(mountpoint: string): Promise<string> {
  const mounted = await findMountedImage(mountpoint);
  if (mounted === undefined)
    throw new InputError(`${await locateMountPoint(mountpoint)}: not a stratafs mount`, {
      code: 'ERR_STRATAFS_NOT_MOUNTED',
    });
  const { place, facts } = mounted;
  const upper = upperOf(facts);
  if (upper !== undefined) {
    requireReadableMarks(place, upper);
    return upper.path;
  }
  throw new InputError(`${place}: is mounted without an upper directory, so nothing was written to it`, {
    code: 'ERR_STRATAFS_NO_UPPER',
  });
}

async function commitUpper(
  inspection: Inspection,
  upper: string,
  options: NewImageOptions,
): Promise<WrittenImage> {
  const { image, layers } = inspection;
  const state = openState(inspection, upper);
  try {
    const source = new UpperSource(
      state,
      layers.map(({ layer }) => layer.reader),
    );
    const hasLayer = !isUnchanged(source, state.tree);
    const created = creationTime(process.env['SOURCE_DATE_EPOCH']);
    return await write(inspection, layers.length, hasLayer ? source : undefined, {
      ...options,
      created,
      history: [...keptHistory(image, layers.length), ...commitSteps(hasLayer, created, options)],
      check: () => refuseChanged(inspection, upper, source.fingerprint),
    });
  } finally {
    await state.close();
  }
}

/** Reads the upper as it is: no lock, no recovery. Each state needs a tree of its own, because it changes marks in it. */
function openState(inspection: Inspection, upper: string): OverlayState {
  const { layers } = inspection;
  const identity = identifyLayers(layers);
  const opened = lookAtUpper({
    ...{ upper, layers: identity.layers, identity: identity.tree, isVolatile: true },
    // The mount has accepted it already.
    isForced: true,
    ...{ usesMetacopy: false, usesRedirect: false, usesUserXattrs: false },
    ...{ squashesUsers: false, squashesGroups: false },
    ownerKeeping: inspection.ownerKeeping,
    takesAufsForm: false,
  });
  try {
    const readers = layers.map(({ layer }) => layer.reader);
    return openOverlayState(mergeLowest(inspection, layers.length), readers, opened);
  } catch (error) {
    opened.close();
    throw error;
  }
}

function mergeLowest({ image, layers }: Inspection, count: number): Tree {
  return buildTree(
    layers.slice(0, count).map(({ layer }) => layer.index),
    { nameLayer: (layer) => nameLayer(image, layer) },
  );
}

/** The root always has an upper directory. Its times don't count. */
function isUnchanged(source: UpperSource, tree: Tree): boolean {
  const [root, ...others] = source.changes;
  if (others.length > 0 || root?.kind !== 'inode') return false;
  const [now, before] = [
    source.describe(root.inode, root.path),
    describeMember(tree, { inode: 0, path: new Uint8Array(0), linkTo: undefined }, undefined),
  ].map(({ mode, uid, gid, xattrs }) => [mode, uid, gid, xattrs.map((pair) => pair.map(latin1Of)).sort()]);
  return JSON.stringify(now) === JSON.stringify(before);
}

async function refuseChanged(inspection: Inspection, upper: string, fingerprint: string): Promise<void> {
  const state = openState(inspection, upper);
  try {
    const now = new UpperSource(state, []);
    if (now.fingerprint !== fingerprint) throw changedError('');
  } finally {
    await state.close();
  }
}

function commitSteps(hasLayer: boolean, created: string, options: NewImageOptions): HistoryStep[] {
  const { message, instructions = [] } = options;
  const comment = message === undefined ? {} : { comment: message };
  const steps: HistoryStep[] = instructions.map((text) => ({ created, createdBy: text, emptyLayer: true }));
  if (hasLayer || steps.length === 0) {
    return [{ created, createdBy: 'stratafs commit', ...comment, emptyLayer: !hasLayer }, ...steps];
  }
  return steps.map((step, i) => (i === steps.length - 1 ? { ...step, ...comment } : step));
}

/** Writes an image with one layer that shows the same tree as the image `source`. InputError as for commitMount. */
export function flattenImage(source: string, options: NewImageOptions): Promise<WrittenImage> {
  return replaceLayers(source, () => 1, 'stratafs flatten', options);
}

/** Writes an image in which the layers from number `from` on (1 is the base) are one. InputError as for commitMount. */
export function squashImage(source: string, from: number, options: NewImageOptions): Promise<WrittenImage> {
  const choose = ({ image, layers }: Inspection): number => {
    if (from >= 1 && from <= layers.length) return from;
    throw new InputError(
      `--from ${from}: ${image.source} has ${layers.length} layers, expected one of them`,
      { code: 'ERR_STRATAFS_NO_LAYER' },
    );
  };
  return replaceLayers(source, choose, `stratafs squash --from ${from}`, options);
}

async function replaceLayers(
  source: string,
  choose: (inspection: Inspection) => number,
  createdBy: string,
  options: NewImageOptions,
): Promise<WrittenImage> {
  parseTarget(options.target);
  const inspection = await inspectImage(source, { ...options, requiresConfig: true });
  try {
    const { image, layers } = inspection;
    refuseLostConfig(image);
    const keptCount = choose(inspection) - 1;
    const changes = new TreeSource(
      mergeLowest(inspection, layers.length),
      layers.map(({ layer }) => layer.reader),
      keptCount === 0 ? undefined : mergeLowest(inspection, keptCount),
    );
    const created = creationTime(process.env['SOURCE_DATE_EPOCH']);
    const { message, instructions = [] } = options;
    const comment = message === undefined ? {} : { comment: message };
    const steps = instructions.map((text) => ({ created, createdBy: text, emptyLayer: true }));
    return await write(inspection, keptCount, changes, {
      ...{ ...options, created },
      history: [
        ...keptHistory(image, keptCount),
        { created, createdBy, ...comment, emptyLayer: false },
        ...steps,
      ],
    });
  } finally {
    inspection.close();
  }
}

interface WriteOptions extends NewImageOptions {
  readonly created: string;
  readonly history: readonly HistoryStep[];
  readonly check?: () => Promise<void>;
}

function write(
  { image, layers }: Inspection,
  keptCount: number,
  source: ChangeSource | undefined,
  { target, compression = 'none', instructions = [], created, history, ...options }: WriteOptions,
): Promise<WrittenImage> {
  const { signal, onLeftOut, onProgress, check } = options;
  const keptLayers = layers.slice(0, keptCount);
  const stored = keptLayers.reduce(
    (sum, each) => sum + (each.source.kind === 'blob' ? each.source.blob.length : 0),
    0,
  );
  const total = stored + (source?.totalSize ?? 0);
  return writeImage(
    parseTarget(target),
    { image, kept: keptLayers, source, compression, history, instructions, created },
    {
      ...{ signal, onLeftOut, check },
      onProgress: (done) => onProgress?.({ what: `writing ${target}`, done: Math.min(done, total), total }),
    },
  );
}
