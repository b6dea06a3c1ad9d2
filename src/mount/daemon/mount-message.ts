// The request of a client that the daemon mount an image, as it goes through the socket.
//
// The client has opened and indexed the image: the daemon reads no archive's own description, only the bytes of layers that
// were verified before. Of an image whose layers are still in a registry (remote-image.ts) it reads what the client has read,
// which digests name, and indexes that the client could use. Its daemon belongs to the same user, so nothing here gives a right that the client lacks; it is
// checked all the same, since a daemon must not stop because of a message.
import type { Image } from '../../image/image.ts';
import { InputError } from '../../vfs/input-error.ts';
import type { MountFlag, MountOptions, OpenImageOptions, UpperOptions } from '../options.ts';
import type { MountOrigin } from '../origin.ts';
import { describeImage, imageFields, keepingForm, originForm, understandImage } from './image-message.ts';
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

const MAX_RANGES = 340;
const MAX_FLAGS = 64;

const flagNames: readonly MountFlag[] = [
  ...['nosuid', 'suid', 'nodev', 'dev', 'noexec', 'sync', 'dirsync'],
  ...['noatime', 'nodiratime', 'strictatime', 'relatime'],
] as MountFlag[];

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

const checkRequest = record({
  op: oneOf('mount'),
  version: text,
  /** The client's mount namespace, as /proc/self/ns/mnt names it. */
  namespace: text,
  mountpoint: absolutePath,
  cacheDirectory: absolutePath,
  image: record({
    ...imageFields,
    /** For an image whose layers are in a registry: `layers` are the places where they come. */
    remote: optional(checkRemote),
  }),
  origin: originForm,
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
    ownerKeeping: optional(keepingForm),
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
function refuseOption({ driver, cacheSize, useIndexCache, verify }: MountOptions & OpenImageOptions): void {
  const wrong =
    driver !== undefined && driver !== 'dev-fuse'
      ? `driver=${driver}: a daemon serves its mounts through /dev/fuse`
      : cacheSize !== undefined
        ? 'cache-size: all mounts of a daemon have one cache, whose size "stratafs serve" sets'
        : useIndexCache === false
          ? 'no-index-cache: a daemon takes indexes from the cache directory alone'
          : verify === 'never'
            ? 'no-verify: a daemon mounts layers that were verified'
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
  const { usesUserXattrs, showsLayers, usesAcl, allowOther, fsname, usesFastPath, fillsLayers } = options;
  const { upper: wanted, owners, ownerKeeping, flags } = options;
  const message = {
    op: 'mount',
    ...rest,
    image: { ...describeImage(image), remote },
    options: {
      ...{ upper: wanted, owners, ownerKeeping, flags, usesUserXattrs, showsLayers, usesAcl },
      ...{ allowOther, fsname, usesFastPath, fillsLayers },
    },
  };
  return readMountMessage(message);
}

export interface UnderstoodMount {
  readonly image: Image;
  readonly options: MountOptions;
  readonly origin: MountOrigin;
}

/** The image and the options of a message. */
export function understandMount({ image, options, cacheDirectory, origin }: MountMessage): UnderstoodMount {
  const { upper: wanted, ...rest } = options;
  return {
    image: understandImage(image),
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
