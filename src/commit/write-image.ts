// Writes a new image: layers of an old image, byte for byte, and one new layer above them.
//
// The old layers keep their compression, in a docker archive too: programs that load one detect the compression. Only xz and
// bzip2, which have no OCI media type, are written uncompressed. A docker archive has the form of docker 25 and later: an OCI
// layout with manifest.json next to index.json.
import { createHash } from 'node:crypto';
import { blobName } from '../image/digest.ts';
import type { HistoryStep, Image } from '../image/image.ts';
import { type OpenedLayer, nameLayer } from '../image/open-layers.ts';
import type { BlobLocation } from '../layer/layer.ts';
import type { BlobReader } from '../vfs/blob-reader.ts';
import { readBlobBytes } from '../inspect/file-content.ts';
import { InputError } from '../vfs/input-error.ts';
import { OCI_MANIFEST } from '../vfs/media-types.ts';
import type { ChangeSource } from './layer-change.ts';
import { type CopyWatch, type ImageDraft, type ListedManifest } from './image-draft.ts';
import type { WrittenCompression } from './compressor.ts';
import { LayerBlob, type WrittenLayer } from './layer-blob.ts';
import { REF_NAME } from './layout-draft.ts';
import { makeConfig } from './new-config.ts';
import { type Target, createDraft } from './target.ts';
import type { OnLeftOut } from '../tar/left-out.ts';
import { writeLayer } from './write-layer.ts';

const LAYER_TYPES: Readonly<Record<WrittenCompression, string>> = {
  none: 'application/vnd.oci.image.layer.v1.tar',
  gzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
  zstd: 'application/vnd.oci.image.layer.v1.tar+zstd',
};
const CONFIG_TYPE = 'application/vnd.oci.image.config.v1+json';

export interface NewImage {
  readonly image: Image;
  /** The layers of `image` that stay, base first. */
  readonly kept: readonly OpenedLayer[];
  /** The content of the new layer; undefined if there is no new layer. */
  readonly source: ChangeSource | undefined;
  readonly compression: WrittenCompression;
  readonly history: readonly HistoryStep[];
  readonly instructions: readonly string[];
  /** RFC 3339. */
  readonly created: string;
}

export type { OnLeftOut } from '../tar/left-out.ts';

export interface WriteImageOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onLeftOut?: OnLeftOut | undefined;
  /** Called with the number of bytes that were written so far. */
  readonly onProgress?: ((done: number) => void) | undefined;
  /** Called before the image gets its name. If it throws, writing fails. */
  readonly check?: (() => void | Promise<void>) | undefined;
}

/** An image that was written. */
export interface WrittenImage {
  /** `sha256:<hex>` of the config: docker's IMAGE ID. */
  readonly id: string;
  readonly manifestDigest: string;
  /** The new layer, if there is one. */
  readonly layer: WrittenLayer | undefined;
}

/** InputError if the image can't be written; then nothing of it remains. */
export async function writeImage(
  target: Target,
  newImage: NewImage,
  options: WriteImageOptions = {},
): Promise<WrittenImage> {
  // Both throw for what can't be written, before anything is written.
  const keptLayers = newImage.kept.map((layer, i) => describeKept(layer, nameLayer(newImage.image, i)));
  makeConfig(newImage.image, { ...newImage, diffIds: [] });
  const draft = await createDraft(target);
  try {
    return await fill(draft, target, newImage, keptLayers, options);
  } catch (error) {
    await draft.discard();
    throw error;
  }
}

/** A layer of the old image in the form that the new image gets. `bytes`: the stored bytes, or a reader of the tar. */
type KeptLayer = WrittenLayer & { readonly bytes: BlobLocation | BlobReader };

function describeKept({ layer, source }: OpenedLayer, name: string): KeptLayer {
  if (source.kind === 'foreign') throw new InputError(source.reason);
  if (source.kind === 'directory') {
    throw new InputError(
      `${name}: is a directory, which can't be copied as a layer; stratafs flatten makes one layer of all`,
    );
  }
  const { digest, diffId, compression } = layer;
  if (digest === undefined || diffId === undefined) throw new Error(`${name}: was opened without digests`);
  if (compression === 'xz' || compression === 'bzip2') {
    const { reader } = layer;
    return { digest: diffId, diffId, compression: 'none', size: reader.size, bytes: reader };
  }
  return { digest, diffId, compression, size: source.blob.length, bytes: source.blob };
}

/** Bytes per read of an uncompressed layer. */
const PIECE = 1 << 20;

async function keepLayer(draft: ImageDraft, { digest, bytes }: KeptLayer, watch: CopyWatch): Promise<void> {
  if (!('read' in bytes)) return draft.copyBlob(digest, bytes, watch);
  const blob = await draft.openBlob();
  for (let at = 0; at < bytes.size;) {
    watch.signal?.throwIfAborted();
    const piece = await readBlobBytes(bytes, at, Math.min(PIECE, bytes.size - at));
    await blob.write(piece);
    at += piece.length;
    watch.onCopied?.(piece.length);
  }
  await blob.end(digest);
}

async function fill(
  draft: ImageDraft,
  target: Target,
  newImage: NewImage,
  keptLayers: readonly KeptLayer[],
  { signal, onLeftOut, onProgress, check }: WriteImageOptions,
): Promise<WrittenImage> {
  let done = 0;
  const count = (bytes: number): void => onProgress?.((done += bytes));
  for (const layer of keptLayers) await keepLayer(draft, layer, { signal, onCopied: count });
  const layer =
    newImage.source === undefined
      ? undefined
      : await addLayer(draft, newImage.source, newImage.compression, { signal, onLeftOut, onTaken: count });
  await check?.();
  const layers = layer === undefined ? keptLayers : [...keptLayers, layer];
  const config = makeConfig(newImage.image, { ...newImage, diffIds: layers.map(({ diffId }) => diffId) });
  const id = await add(draft, config);
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      config: { mediaType: CONFIG_TYPE, digest: id, size: config.length },
      layers: layers.map(({ digest, size, compression }) => ({
        mediaType: LAYER_TYPES[compression],
        digest,
        size,
      })),
    }),
  );
  const manifestDigest = await add(draft, manifest);
  signal?.throwIfAborted();
  await draft.complete(
    listed(target, { mediaType: OCI_MANIFEST, digest: manifestDigest, size: manifest.length }),
    target.transport === 'docker-archive'
      ? dockerManifest(
          target,
          id,
          layers.map(({ digest }) => digest),
        )
      : new Map(),
  );
  return { id, manifestDigest, layer };
}

async function addLayer(
  draft: ImageDraft,
  source: ChangeSource,
  compression: WrittenCompression,
  {
    signal,
    onLeftOut,
    onTaken,
  }: Pick<WriteImageOptions, 'signal' | 'onLeftOut'> & { readonly onTaken: (bytes: number) => void },
): Promise<WrittenLayer> {
  const blob = new LayerBlob(await draft.openBlob(), compression);
  const take = async (bytes: Uint8Array): Promise<void> => {
    signal?.throwIfAborted();
    onTaken(bytes.length);
    await blob.take(bytes);
  };
  try {
    await writeLayer(source, { take, signal, onLeftOut });
    return await blob.end();
  } finally {
    blob.destroy();
  }
}

async function add(draft: ImageDraft, bytes: Buffer): Promise<string> {
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  await draft.addBlob(digest, bytes);
  return digest;
}

/** The entry of index.json for the image: `manifest` with the names of the target. */
export function listed({ transport, reference }: Target, manifest: ListedManifest): ListedManifest {
  if (reference === undefined) return manifest;
  if (transport !== 'docker-archive') return { ...manifest, annotations: { [REF_NAME]: reference } };
  // docker and containerd write both: the full name, and the tag alone.
  const annotations = {
    'io.containerd.image.name': fullName(reference),
    [REF_NAME]: reference.slice(reference.lastIndexOf(':') + 1),
  };
  return { ...manifest, annotations };
}

/** The full name that containerd uses for `app:1` (distribution/reference, ParseNormalizedNamed). */
function fullName(reference: string): string {
  const [host = '', ...rest] = reference.split('/');
  if (rest.length > 0 && (/[.:]/.test(host) || host === 'localhost')) return reference;
  return rest.length > 0 ? `docker.io/${reference}` : `docker.io/library/${reference}`;
}

/** manifest.json, which docker reads. `layers`: the digests of the stored blobs, base first. */
export function dockerManifest(
  { reference }: Target,
  id: string,
  layers: readonly string[],
): ReadonlyMap<string, Uint8Array> {
  const entry = {
    Config: blobName(id),
    RepoTags: reference === undefined ? null : [reference],
    Layers: layers.map(blobName),
  };
  return new Map([['manifest.json', Buffer.from(JSON.stringify([entry]))]]);
}
