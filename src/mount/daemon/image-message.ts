// An opened image as JSON, for another process that is to mount it: where the bytes of its layers are, and their digests. What
// else the image has (config, history) that process does not need.
import type { Image, LayerSource, StoredManifest } from '../../image/image.ts';
import { InputError } from '../../vfs/input-error.ts';
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

export const keepingForm = oneOf('found', 'security', 'user', 'fake-root');

export const imageFields = {
  source: text,
  names: list(text, MAX_NAMES),
  id: optional(text),
  /** Names the image of a registry, if its tag comes to mean another. */
  manifest: optional(record({ blob, digest: text, mediaType: optional(text) })),
  layers: list(layer, MAX_LAYERS),
};

export const imageForm = record(imageFields);

export const originForm = record({
  directory: absolutePath,
  platform: optional(text),
  layer: optional(text),
  upto: optional(text),
  ownerKeeping: optional(keepingForm),
  directoryMarks: optional(oneOf('trusted', 'user')),
});

/** InputError for an image with a layer that is a directory, or not in the archive. */
export function describeImage({ source, names, id, manifest, layers }: Image): object {
  return {
    ...{ source, names, id },
    manifest: manifest && { blob: manifest.blob, digest: manifest.digest, mediaType: manifest.mediaType },
    layers: layers.map((each) => describeLayer(each)),
  };
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

export function understandImage({ source, names, id, manifest, layers }: Checked<typeof imageForm>): Image {
  return {
    ...{ source, names, id, config: undefined, platform: undefined, history: [] },
    manifest: manifest === undefined ? undefined : ({ ...manifest, annotations: {} } as StoredManifest),
    layers: layers.map((each) => ({ kind: 'blob', ...each }) as LayerSource),
  };
}
