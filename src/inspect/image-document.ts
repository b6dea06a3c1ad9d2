// What `docker image inspect` prints of an image, from its config and manifest.
//
// The config is foreign input: fields of another type than docker's are left out.
import type { Image, Platform, StoredDocument } from '../image/image.ts';
import { readDocument } from '../image/archive.ts';
import { showPlatform } from '../image/platform.ts';
import { InputError } from '../vfs/input-error.ts';
import { showText } from '../vfs/show-text.ts';
import { familiarName } from './image-list.ts';
import { type InspectedImage, createdOf, isUpper } from './inspected-image.ts';
import { summariseLayers } from './layer-summary.ts';

/** docker's fields, in its order; then the manifest's. Fields that the image doesn't have are undefined. */
export interface ImageDocument {
  readonly Id: string | undefined;
  readonly RepoTags: readonly string[];
  readonly RepoDigests: readonly string[];
  readonly Comment: string | undefined;
  /** RFC 3339. */
  readonly Created: string | undefined;
  readonly DockerVersion: string | undefined;
  readonly Author: string | undefined;
  /** As in the config: Env, Cmd, Labels and so on. */
  readonly Config: object | undefined;
  readonly Architecture: string | undefined;
  readonly Variant: string | undefined;
  readonly Os: string | undefined;
  readonly OsVersion: string | undefined;
  /** Bytes of the files in all layers, as in `docker images`; undefined if layers of a registry were not fetched. */
  readonly Size: number | undefined;
  /** DiffIDs, base first. */
  readonly RootFS: { readonly Type: 'layers'; readonly Layers: readonly string[] };
  /** Of the manifest; undefined for a docker archive. */
  readonly Descriptor:
    { readonly mediaType: string; readonly digest: string; readonly size: number } | undefined;
  /** Of the manifest. */
  readonly Annotations: Readonly<Record<string, string>> | undefined;
  /** `os/architecture[/variant]`: all platforms of the image in the archive. */
  readonly Platforms: readonly string[] | undefined;
}

/** The upper directory of a mount is ignored. */
export function describeImage(inspected: InspectedImage): ImageDocument {
  const { image } = inspected;
  const config = objectOf(image.config);
  const text = (field: string): string | undefined => textOf(config?.[field]);
  const layers = summariseLayers(inspected).filter(
    (_, i) => !isUpper(inspected.layers[i]?.source ?? NO_LAYER),
  );
  const { manifest, platforms } = image;
  const isWhole = inspected.layers.every(
    ({ source }) => source.kind !== 'foreign' || source.storedSize === undefined,
  );
  return {
    Id: image.id,
    RepoTags: image.names.map(familiarName),
    RepoDigests: [],
    Comment: text('comment') ?? image.history.at(-1)?.comment,
    Created: createdOf(image),
    DockerVersion: text('docker_version'),
    Author: text('author') ?? image.history.at(-1)?.author,
    Config: objectOf(config?.['config']),
    Architecture: text('architecture'),
    Variant: text('variant'),
    Os: text('os'),
    OsVersion: text('os.version'),
    Size: isWhole ? layers.reduce((sum, { size }) => sum + size, 0) : undefined,
    RootFS: { Type: 'layers', Layers: layers.flatMap(({ diffId }) => diffId ?? []) },
    Descriptor:
      manifest?.mediaType === undefined
        ? undefined
        : { mediaType: manifest.mediaType, digest: manifest.digest, size: manifest.blob.length },
    Annotations:
      manifest === undefined || Object.keys(manifest.annotations).length === 0
        ? undefined
        : manifest.annotations,
    Platforms: platforms?.map((platform: Platform) => showPlatform(platform)),
  };
}

const NO_LAYER = { kind: 'foreign', compression: 'none', reason: '' } as const;

const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;

function objectOf(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}

/** The bytes of the manifest or the config. Throws InputError if the image has none, or it was changed. */
export async function readStored(image: Image, what: 'manifest' | 'config'): Promise<Buffer> {
  const document: StoredDocument | undefined = what === 'manifest' ? image.manifest : image.configDocument;
  const where = `${showText(image.source)}: the ${what}`;
  if (document === undefined) throw new InputError(`${where}: the image has none`);
  return readDocument(document, where);
}
