// Writes a new image: layers of an old one, byte for byte, and one new layer above them.
//
// The layers keep the compression that they have, in a docker archive too: whoever loads one looks at the bytes. Only xz
// and bzip2, for which OCI has no media type, are written uncompressed. A docker
// archive is written as docker 25 and later write it: an OCI layout with manifest.json beside index.json.
import { createHash } from 'node:crypto';
import { blobName } from '../image/digest.ts';
import type { HistoryStep, Image } from '../image/image.ts';
import { type OpenedLayer, nameLayer } from '../image/open-layers.ts';
import type { BlobLocation } from '../layer/layer.ts';
import type { BlobReader } from '../vfs/blob-reader.ts';
import { readBlobBytes } from '../inspect/file-content.ts';
import { InputError } from '../vfs/input-error.ts';
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
const MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json';

export interface NewImage {
  readonly image: Image;
  /** Of `image`: those that stay, base first. */
  readonly kept: readonly OpenedLayer[];
  /** What the new layer holds; undefined: there is none. */
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
  /** Bytes that were copied or made so far. */
  readonly onProgress?: ((done: number) => void) | undefined;
  /** Called before the image gets its name: what it throws makes it fail. */
  readonly check?: (() => void | Promise<void>) | undefined;
}

export interface WrittenImage {
  /** `sha256:<hex>` of the config: docker's IMAGE ID. */
  readonly id: string;
  readonly manifestDigest: string;
  /** The new layer, if there is one. */
  readonly layer: WrittenLayer | undefined;
}

/** InputError where it can't be written; then nothing is left of it. */
export async function writeImage(
  target: Target,
  made: NewImage,
  options: WriteImageOptions = {},
): Promise<WrittenImage> {
  // Refused before anything is written.
  const kept = made.kept.map((layer, i) => describeKept(layer, nameLayer(made.image, i)));
  makeConfig(made.image, { ...made, diffIds: [] });
  const draft = await createDraft(target);
  try {
    return await fill(draft, target, made, kept, options);
  } catch (error) {
    await draft.discard();
    throw error;
  }
}

/** A layer of the old image as the new one has it, and where its bytes lie: as stored, or uncompressed. */
type KeptLayer = WrittenLayer & { readonly bytes: BlobLocation | BlobReader };

function describeKept({ layer, source }: OpenedLayer, name: string): KeptLayer {
  if (source.kind === 'foreign') throw new InputError(source.reason);
  if (source.kind === 'directory') {
    throw new InputError(
      `${name}: is a directory, no layer that can be copied; stratafs flatten makes one layer of all`,
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

/** Bytes of an uncompressed layer that are copied at once. */
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
  made: NewImage,
  kept: readonly KeptLayer[],
  { signal, onLeftOut, onProgress, check }: WriteImageOptions,
): Promise<WrittenImage> {
  let done = 0;
  const tell = (bytes: number): void => onProgress?.((done += bytes));
  for (const layer of kept) await keepLayer(draft, layer, { signal, onCopied: tell });
  const layer =
    made.source === undefined
      ? undefined
      : await addLayer(draft, made.source, made.compression, { signal, onLeftOut, onTaken: tell });
  await check?.();
  const layers = layer === undefined ? kept : [...kept, layer];
  const config = makeConfig(made.image, { ...made, diffIds: layers.map(({ diffId }) => diffId) });
  const id = await add(draft, config);
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MANIFEST_TYPE,
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
    listed(target, manifestDigest, manifest.length),
    target.transport === 'docker-archive' ? dockerManifest(target, id, layers) : new Map(),
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

function listed({ transport, reference }: Target, digest: string, size: number): ListedManifest {
  const manifest = { mediaType: MANIFEST_TYPE, digest, size };
  if (reference === undefined) return manifest;
  if (transport !== 'docker-archive') return { ...manifest, annotations: { [REF_NAME]: reference } };
  // As docker and containerd write it: the full name, and the tag alone.
  const annotations = {
    'io.containerd.image.name': fullName(reference),
    [REF_NAME]: reference.slice(reference.lastIndexOf(':') + 1),
  };
  return { ...manifest, annotations };
}

/** `app:1` as containerd spells it (distribution/reference, ParseNormalizedNamed). */
function fullName(reference: string): string {
  const [host = '', ...rest] = reference.split('/');
  if (rest.length > 0 && (/[.:]/.test(host) || host === 'localhost')) return reference;
  return rest.length > 0 ? `docker.io/${reference}` : `docker.io/library/${reference}`;
}

function dockerManifest(
  { reference }: Target,
  id: string,
  layers: readonly WrittenLayer[],
): ReadonlyMap<string, Uint8Array> {
  const entry = {
    Config: blobName(id),
    RepoTags: reference === undefined ? null : [reference],
    Layers: layers.map(({ digest }) => blobName(digest)),
  };
  return new Map([['manifest.json', Buffer.from(JSON.stringify([entry]))]]);
}
