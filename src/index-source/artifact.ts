// The manifest of an index artifact: an OCI artifact whose subject is the manifest of an image (image-spec 1.1, manifest.md).
import { createHash } from 'node:crypto';
import { isDigest } from '../vfs/image-names.ts';
import { isObject, parseObject } from '../vfs/json-object.ts';
import { OCI_INDEX, OCI_MANIFEST } from '../vfs/media-types.ts';
import { NAMES_LIMIT } from './layer-parts.ts';

export const ARTIFACT_TYPE = 'application/vnd.stratafs.index.v1';
const NAMES_TYPE = 'application/vnd.stratafs.index.names.v1+gzip';
const WINDOWS_TYPE = 'application/vnd.stratafs.index.windows.v1';
const EMPTY_TYPE = 'application/vnd.oci.empty.v1+json';
/** The annotation with the digest of the layer that a blob is about. */
const LAYER_ANNOTATION = 'io.stratafs.layer';
/** An image has at most so many layers that differ. */
const MAX_BLOBS = 4096;

/** The config of an artifact that has none. */
export const EMPTY_CONFIG = Buffer.from('{}');

/** A blob or manifest in a registry. */
export interface Descriptor {
  readonly digest: string;
  readonly size: number;
}

/** The blobs with the index of one layer. */
export interface IndexBlobs {
  readonly names: Descriptor;
  /** Undefined if there are no windows. */
  readonly windows: Descriptor | undefined;
}

export const descriptorOf = (bytes: Uint8Array): Descriptor => ({
  digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}`,
  size: bytes.length,
});

/** The manifest. `layers`: by digest. */
export function writeManifest(
  subject: Descriptor & { readonly mediaType: string },
  layers: ReadonlyMap<string, IndexBlobs>,
): Buffer {
  const manifest = {
    ...{ schemaVersion: 2, mediaType: OCI_MANIFEST, artifactType: ARTIFACT_TYPE },
    config: { mediaType: EMPTY_TYPE, ...descriptorOf(EMPTY_CONFIG) },
    layers: [...layers].flatMap(([layer, { names, windows }]) => {
      const annotations = { [LAYER_ANNOTATION]: layer };
      return [
        { mediaType: NAMES_TYPE, ...names, annotations },
        ...(windows === undefined ? [] : [{ mediaType: WINDOWS_TYPE, ...windows, annotations }]),
      ];
    }),
    subject,
  };
  return Buffer.from(JSON.stringify(manifest));
}

/** The blobs by the digest of their layer; undefined if it is not an index of the image with the digest `subject`. */
export function readManifest(
  bytes: Uint8Array,
  subject: string,
): ReadonlyMap<string, IndexBlobs> | undefined {
  const manifest = parse(bytes);
  if (manifest?.['artifactType'] !== ARTIFACT_TYPE) return undefined;
  if (descriptorIn(manifest['subject'])?.digest !== subject) return undefined;
  const blobs = Array.isArray(manifest['layers']) ? manifest['layers'].slice(0, MAX_BLOBS) : [];
  const names = new Map<string, Descriptor>();
  const windows = new Map<string, Descriptor>();
  for (const blob of blobs as unknown[]) {
    const descriptor = descriptorIn(blob);
    const { mediaType, annotations } = asObject(blob);
    const layer = asObject(annotations)[LAYER_ANNOTATION];
    if (descriptor === undefined || typeof layer !== 'string') continue;
    if (mediaType === NAMES_TYPE) names.set(layer, descriptor);
    if (mediaType === WINDOWS_TYPE) windows.set(layer, descriptor);
  }
  const size = [...names.values()].reduce((sum, each) => sum + each.size, 0);
  if (size > NAMES_LIMIT) return undefined;
  return new Map(
    [...names].map(([layer, each]) => [layer, { names: each, windows: windows.get(layer) }] as const),
  );
}

/** The index artifacts that a list of referrers has, in its order. */
export function listArtifacts(index: Uint8Array): Descriptor[] {
  const listed = parse(index)?.['manifests'];
  return (Array.isArray(listed) ? (listed as unknown[]) : [])
    .filter((each) => asObject(each)['artifactType'] === ARTIFACT_TYPE)
    .flatMap((each) => descriptorIn(each) ?? []);
}

/** A list of referrers with `artifact` in place of other index artifacts; `before`: the list that the registry has. */
export function replaceArtifact(before: Uint8Array | undefined, artifact: Descriptor): Buffer {
  const listed = before === undefined ? undefined : parse(before)?.['manifests'];
  const others = (Array.isArray(listed) ? (listed as unknown[]) : []).filter(
    (each) => asObject(each)['artifactType'] !== ARTIFACT_TYPE,
  );
  const own = { mediaType: OCI_MANIFEST, ...artifact, artifactType: ARTIFACT_TYPE };
  return Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [...others, own] }));
}

/** The tag that lists the referrers of a manifest where the registry has no API for it (distribution-spec 1.1). */
export const referrersTag = (digest: string): string => digest.replace(':', '-');

const parse = (bytes: Uint8Array): Readonly<Record<string, unknown>> | undefined =>
  parseObject(Buffer.from(bytes).toString());

function asObject(value: unknown): Readonly<Record<string, unknown>> {
  return isObject(value) ? value : {};
}

function descriptorIn(value: unknown): Descriptor | undefined {
  const { digest, size } = asObject(value);
  if (typeof digest !== 'string' || !isDigest(digest)) return undefined;
  return Number.isSafeInteger(size) && (size as number) >= 0 ? { digest, size: size as number } : undefined;
}
