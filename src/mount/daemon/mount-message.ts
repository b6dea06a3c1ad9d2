// The request of a client that the daemon mount an image, as it goes through the socket.
//
// The client has opened and indexed the image: the daemon reads no archive's own description, only the bytes of layers that
// were verified before. Of an image whose layers are still in a registry (remote-image.ts) it reads what the client has read,
// which digests name, and indexes that the client could use. Its daemon belongs to the same user, so nothing here gives a right that the client lacks; it is
// checked all the same, since a daemon must not stop because of a message.
import type { Image, LayerSource, StoredManifest } from '../../image/image.ts';
import { InputError } from '../../vfs/input-error.ts';
import type { MountFlag, MountOptions, OpenImageOptions, UpperOptions } from '../options.ts';
import type { MountOrigin } from '../origin.ts';
import { checkRemote } from './remote-settings.ts';
import {
  type Checked,
  absolutePath,
  flag,
  list,
  oneOf,
  optional,
  record,
  text,
  whole,
} from './message-check.ts';

/** The kernel's OVL_MAX_STACK; an archive may list one layer more often than that. */
const MAX_LAYERS = 4096;
const MAX_NAMES = 4096;
const MAX_RANGES = 340;
const MAX_FLAGS = 64;

const flagNames: readonly MountFlag[] = [
  ...['nosuid', 'suid', 'nodev', 'dev', 'noexec', 'sync', 'dirsync'],
  ...['noatime', 'nodiratime', 'strictatime', 'relatime'],
] as MountFlag[];

const blob = record({
  path: absolutePath,
  offset: whole,
  length: whole,
  found: optional(record({ dev: whole, ino: whole })),
  member: optional(text),
  isCopy: optional(flag),
  mustVerify: optional(flag),
});

const layer = record({ blob, digest: optional(text), diffId: optional(text) });

const upper = record({
  directory: optional(absolutePath),
  workDirectory: optional(absolutePath),
  isThrowAway: optional(flag),
  isReadOnly: optional(flag),
  isVolatile: optional(flag),
  keepsVolatileMark: optional(flag),
  metacopy: optional(flag),
  redirect: optional(flag),
  takesAufsForm: optional(flag),
  isForced: optional(flag),
});

const ranges = list(record({ stored: whole, shown: whole, count: whole }), MAX_RANGES);
const keeping = oneOf('found', 'security', 'user', 'fake-root');

const checkRequest = record({
  op: oneOf('mount'),
  version: text,
  /** The client's mount namespace, as /proc/self/ns/mnt names it. */
  namespace: text,
  mountpoint: absolutePath,
  cacheDirectory: absolutePath,
  image: record({
    source: text,
    names: list(text, MAX_NAMES),
    id: optional(text),
    /** Names the image of a registry, if its tag comes to mean another. */
    manifest: optional(record({ blob, digest: text, mediaType: optional(text) })),
    layers: list(layer, MAX_LAYERS),
    /** For an image whose layers are in a registry: `layers` are the places where they come. */
    remote: optional(checkRemote),
  }),
  origin: record({
    directory: absolutePath,
    platform: optional(text),
    layer: optional(text),
    upto: optional(text),
    ownerKeeping: optional(keeping),
    directoryMarks: optional(oneOf('trusted', 'user')),
  }),
  options: record({
    upper: optional(upper),
    owners: optional(
      record({
        uids: optional(ranges),
        gids: optional(ranges),
        squashedUid: optional(whole),
        squashedGid: optional(whole),
      }),
    ),
    ownerKeeping: optional(keeping),
    flags: optional(list(oneOf(...flagNames), MAX_FLAGS)),
    usesUserXattrs: optional(flag),
    showsLayers: optional(flag),
    usesAcl: optional(flag),
    allowOther: optional(flag),
    fsname: optional(text),
    usesFastPath: optional(flag),
    fillsLayers: optional(flag),
  }),
});

export type MountMessage = Checked<typeof checkRequest>;

/** InputError for a message of another form. */
export function readMountMessage(message: unknown): MountMessage {
  return checkRequest(message, 'mount');
}

/** What a daemon can't do for a mount: InputError. */
function refuseOption({
  driver,
  cacheSize,
  useIndexCache,
  verify,
  prefetchFile,
}: MountOptions & OpenImageOptions): void {
  const wrong =
    driver !== undefined && driver !== 'dev-fuse'
      ? `driver=${driver}: a daemon serves its mounts through /dev/fuse`
      : cacheSize !== undefined
        ? 'cache-size: all mounts of a daemon have one cache, whose size "stratafs serve" sets'
        : useIndexCache === false
          ? 'no-index-cache: a daemon takes indexes from the cache directory alone'
          : verify === 'never'
            ? 'no-verify: a daemon mounts layers that were verified'
            : prefetchFile !== undefined
              ? 'prefetch: a daemon fetches what its mounts read'
              : undefined;
  if (wrong !== undefined) throw new InputError(wrong);
}

/**
 * The message that mounts `image`, which is indexed. `remote`: of one whose layers are not all here. InputError for what a
 * daemon can't mount.
 */
export function makeMountMessage(
  image: Image,
  rest: Pick<MountMessage, 'version' | 'namespace' | 'mountpoint' | 'cacheDirectory'> & {
    readonly origin: MountOrigin;
  },
  options: MountOptions,
  remote?: MountMessage['image']['remote'],
): MountMessage {
  refuseOption(options);
  const { source, names, id, manifest } = image;
  const { usesUserXattrs, showsLayers, usesAcl, allowOther, fsname, usesFastPath, fillsLayers } = options;
  const { upper: wanted, owners, ownerKeeping, flags } = options;
  const message = {
    op: 'mount',
    ...rest,
    image: {
      ...{ source, names, id },
      manifest: manifest && { blob: manifest.blob, digest: manifest.digest, mediaType: manifest.mediaType },
      layers: image.layers.map((each) => describeLayer(each)),
      remote,
    },
    options: {
      ...{ upper: wanted, owners, ownerKeeping, flags, usesUserXattrs, showsLayers, usesAcl },
      ...{ allowOther, fsname, usesFastPath, fillsLayers },
    },
  };
  return readMountMessage(message);
}

function describeLayer(source: LayerSource): object {
  switch (source.kind) {
    case 'blob': {
      const { blob, digest, diffId } = source;
      return { blob, digest, diffId };
    }
    case 'directory':
      throw new InputError(
        `${source.path}: is a directory: a daemon would keep its other mounts waiting while it reads it; mount it without --daemon`,
      );
    case 'foreign':
      throw new InputError(source.reason);
  }
}

export interface UnderstoodMount {
  readonly image: Image;
  readonly options: MountOptions;
  readonly origin: MountOrigin;
}

/** The image and the options of a message. */
export function understandMount({ image, options, cacheDirectory, origin }: MountMessage): UnderstoodMount {
  const { source, names, id, manifest, layers } = image;
  const { upper: wanted, ...rest } = options;
  return {
    image: {
      ...{ source, names, id, config: undefined, platform: undefined, history: [] },
      manifest: manifest === undefined ? undefined : ({ ...manifest, annotations: {} } as StoredManifest),
      layers: layers.map((each) => ({ kind: 'blob', ...each }) as LayerSource),
    },
    // Undefined fields were left out.
    options: {
      ...(rest as Omit<MountOptions, 'upper'>),
      cacheDirectory,
      ...(wanted === undefined ? {} : { upper: understandUpper(wanted) }),
    },
    origin,
  };
}

function understandUpper(wanted: Checked<typeof upper>): UpperOptions {
  const { directory, workDirectory, isThrowAway, ...behaviour } = wanted;
  if (isThrowAway === true) return { ...behaviour, isThrowAway };
  if (directory === undefined)
    throw new InputError('mount.options.upper.directory: expected an absolute path');
  return { ...behaviour, directory, workDirectory };
}
