// One image manifest (image-spec, manifest.md; docker's schema 2 is the same here): its config and its layers.
//
// Media types say what is an image and what only uses the same boxes (charts, signatures, wasm); how a layer is
// compressed they say too, but nobody believes them: the layer's magic does.
import { InputError } from '../vfs/input-error.ts';
import { type Archive, type JsonReader, MissingBlobError } from './archive.ts';
import { bareContent, type ImageContent, readConfig } from './candidate.ts';
import { blobName, readDiffIds, readDigest } from './digest.ts';
import type { LayerSource } from './image.ts';
import { type JsonView, printable } from './json-view.ts';
import { readDescribed } from './oci-descriptor.ts';

/** What the manifest describes is no container image. */
export class ArtifactError extends InputError {
  constructor(message: string) {
    super(message);
    this.name = 'ArtifactError';
  }
}

/** application/octet-stream is what docker 1.10 pushed. */
const CONFIG_TYPES = new Set([
  'application/vnd.oci.image.config.v1+json',
  'application/vnd.docker.container.image.v1+json',
  'application/octet-stream',
]);

/**
 * The image that `manifest`, which `refuseOtherManifests` let pass, describes. Throws MissingBlobError where its
 * config or a layer is missing, InputError for anything malformed.
 */
export async function readImageManifest(
  archive: Archive,
  reader: JsonReader,
  manifest: JsonView,
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
  return { ...readConfig(blob.json), layers };
}

/** The layers that `manifest` names, whatever its config says; undefined where they are not all there. */
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

/** Throws ArtifactError where `manifest` describes no container image, InputError where it is of Docker's schema 1. */
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

function noImage(type: string | undefined): string {
  return `found an artifact of type ${printable(type ?? 'unknown')}, no container image`;
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
    if (urls.length === 0) throw new MissingBlobError(`${which} is missing, named by ${descriptor.where}`);
    const where = urls.map((url) => printable(url.string())).join(' or ');
    throw new MissingBlobError(
      `${which} is a foreign layer that the archive does not hold; it is kept at ${where}`,
    );
  }
  const size = descriptor.get('size').optionalSize();
  if (size !== undefined && size !== blob.length) {
    throw new InputError(`${which} has ${blob.length} bytes, expected ${size} as ${descriptor.where} says`);
  }
  return { kind: 'blob', blob, digest, ...(diffId === undefined ? {} : { diffId }) };
}
