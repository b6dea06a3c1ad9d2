// Reads one image manifest (image-spec, manifest.md; docker's schema 2 has the same fields): its config and its layers.
//
// The media type separates images from other artifacts (charts, signatures, wasm). It also names the compression of a
// layer, but it is often wrong: only the layer's magic number counts.
import { InputError } from '../vfs/input-error.ts';
import { type Archive, type JsonBlob, type JsonReader, MissingBlobError, whyMissing } from './archive.ts';
import { bareContent, type ImageContent, readConfig } from './candidate.ts';
import { blobName, readDiffIds, readDigest } from './digest.ts';
import type { ForeignLayer, LayerSource } from './image.ts';
import type { Compression, ExpectedDigests } from '../layer/layer.ts';
import type { JsonView } from './json-view.ts';
import { OCI_MANIFEST } from '../vfs/media-types.ts';
import { showText } from '../vfs/show-text.ts';
import { readDescribed } from './oci-descriptor.ts';

/** The manifest is not that of a container image. */
export class ArtifactError extends InputError {
  constructor(message: string) {
    super(message);
    this.name = 'ArtifactError';
  }
}

/** docker 1.10 pushed application/octet-stream. */
const CONFIG_TYPES = new Set([
  'application/vnd.oci.image.config.v1+json',
  'application/vnd.docker.container.image.v1+json',
  'application/octet-stream',
]);

/**
 * The image that `manifest` describes, after `refuseOtherManifests`. Throws MissingBlobError if its config or a layer
 * is missing, InputError for malformed content.
 */
export async function readImageManifest(
  archive: Archive,
  reader: JsonReader,
  { json: manifest, digest, location }: JsonBlob,
): Promise<ImageContent> {
  const blob = await readDescribed(archive, reader, manifest.get('config'), 'config');
  const diffIds = readDiffIds(blob.json);
  const descriptors = manifest.get('layers').items();
  if (descriptors.length !== diffIds.length) {
    throw new InputError(
      `${manifest.where}: layers has ${descriptors.length} layers, but rootfs.diff_ids of the config has ${diffIds.length}`,
    );
  }
  const layers: LayerSource[] = [];
  for (const [i, layer] of descriptors.entries()) {
    layers.push(await readLayer(archive, layer, i + 1, descriptors.length, diffIds[i]));
  }
  return {
    ...readConfig(blob.json),
    layers,
    configDocument: { blob: blob.location, digest: blob.digest },
    manifest: {
      ...{ blob: location, digest },
      mediaType: manifest.get('mediaType').optionalString() ?? OCI_MANIFEST,
      annotations: readAnnotations(manifest),
    },
  };
}

/** The layers that `manifest` names, whatever its config says; undefined if any of them is missing. */
export async function readKnownLayers(
  archive: Archive,
  manifest: JsonView,
): Promise<ImageContent | undefined> {
  try {
    const descriptors = manifest.get('layers').items();
    const layers: LayerSource[] = [];
    for (const [i, layer] of descriptors.entries()) {
      layers.push(await readLayer(archive, layer, i + 1, descriptors.length, undefined));
    }
    return layers.length === 0 ? undefined : bareContent(layers);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return undefined;
  }
}

/** Those that are strings, as the specification requires: nothing depends on them. */
function readAnnotations(manifest: JsonView): Record<string, string> {
  const annotations = manifest.get('annotations');
  const fields = annotations.isObject ? annotations.fields() : [];
  return Object.fromEntries(
    fields.flatMap(([name, { value }]) => (typeof value === 'string' ? [[name, value] as const] : [])),
  );
}

/** Throws ArtifactError unless `manifest` describes a container image, InputError for Docker's schema 1. */
export function refuseOtherManifests(manifest: JsonView): void {
  refuseSchema1(manifest);
  refuseArtifact(manifest);
}

function refuseSchema1(manifest: JsonView): void {
  const mediaType = manifest.get('mediaType').optionalString() ?? '';
  if (!mediaType.includes('distribution.manifest.v1') && manifest.get('schemaVersion').value !== 1) return;
  throw new InputError(
    `${manifest.where}: found a manifest of Docker's schema 1, which has no config; convert it with ` +
      '`skopeo copy --format=oci`',
  );
}

function refuseArtifact(manifest: JsonView): void {
  const config = manifest.get('config');
  if (config.isAbsent) {
    const type = manifest.get('artifactType').optionalString() ?? manifest.get('mediaType').optionalString();
    throw new ArtifactError(`${manifest.where}: ${noImage(type)}`);
  }
  const configType = config.get('mediaType').optionalString();
  if (configType !== undefined && !CONFIG_TYPES.has(configType)) {
    const type = manifest.get('artifactType').optionalString();
    throw new ArtifactError(`${manifest.where}: ${noImage(type ?? configType)}`);
  }
  for (const layer of manifest.get('layers').items()) {
    const type = layer.get('mediaType').optionalString();
    if (type === undefined || /\btar\b/.test(type)) continue;
    throw new ArtifactError(`${manifest.where}: ${noImage(type)}`);
  }
}

/**
 * `docker buildx build --cache-to type=local` also writes a layout: an index of layers, with this type in place of a
 * config.
 */
const BUILD_CACHE_TYPE = 'application/vnd.buildkit.cacheconfig.v0';

/** Throws ArtifactError if an index lists blobs other than manifests, as a build cache does. */
export function refuseOtherIndexes(index: JsonView): void {
  for (const descriptor of index.get('manifests').items()) {
    const type = descriptor.get('mediaType').optionalString();
    if (type === BUILD_CACHE_TYPE) throw new ArtifactError(`${index.where}: ${noImage(type)}`);
  }
}

/** Throws ArtifactError for a descriptor with the type of a layer, which must not be read as JSON. */
export function refuseLayerDescriptor(descriptor: JsonView): void {
  const type = descriptor.get('mediaType').optionalString();
  if (type === undefined || !/\btar\b/.test(type)) return;
  throw new ArtifactError(
    `${descriptor.where}: found a layer (${showText(type)}), expected a manifest or an index`,
  );
}

function noImage(type: string | undefined): string {
  if (type === BUILD_CACHE_TYPE) {
    return (
      'found a build cache of BuildKit, which holds layers and no image; ' +
      'to save an image: `docker buildx build --output type=oci,dest=IMAGE.tar`'
    );
  }
  return `found an artifact of type ${showText(type ?? 'unknown')}, no container image`;
}

async function readLayer(
  archive: Archive,
  descriptor: JsonView,
  number: number,
  count: number,
  diffId: string | undefined,
): Promise<LayerSource> {
  const digest = readDigest(descriptor.get('digest'));
  const which = `${archive.path}: layer ${number} of ${count} (${digest})`;
  if (descriptor.get('mediaType').optionalString()?.endsWith('+encrypted')) {
    throw new InputError(`${which} is encrypted; decrypt it first: \`skopeo copy --decryption-key\``);
  }
  const blob = await archive.find(blobName(digest));
  if (blob === undefined) {
    const urls = descriptor.get('urls').items();
    if (urls.length === 0) {
      const why = await whyMissing(archive, blobName(digest));
      throw new MissingBlobError(`${which} ${why}, named by ${descriptor.where}`);
    }
    return foreignLayer(which, descriptor, { digest, ...(diffId === undefined ? {} : { diffId }) });
  }
  const size = descriptor.get('size').optionalSize();
  if (size !== undefined && size !== blob.length) {
    throw new InputError(`${which} has ${blob.length} bytes, expected ${size} as ${descriptor.where} says`);
  }
  return { kind: 'blob', blob, digest, ...(diffId === undefined ? {} : { diffId }) };
}

/** The compression that a media type states, which may be wrong. */
export function compressionOfType(type: string): Compression {
  return type.endsWith('gzip') ? 'gzip' : type.endsWith('+zstd') ? 'zstd' : 'none';
}

/** A layer for which `descriptor` has URLs: Windows base layers, which may not be distributed with an image. */
function foreignLayer(which: string, descriptor: JsonView, expected: ExpectedDigests): ForeignLayer {
  const urls = descriptor.get('urls').items();
  const compression = compressionOfType(descriptor.get('mediaType').optionalString() ?? '');
  const where = urls.map((url) => showText(url.string())).join(' or ');
  return {
    ...{ kind: 'foreign', compression, ...expected },
    reason:
      `${which} is a foreign layer that the archive does not hold; it is kept at ${where}; ` +
      'layers that are here can be mounted with --layer',
  };
}
