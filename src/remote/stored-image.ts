// The parts of an image as they are stored: the bytes of its manifest and config, and the places of its layers.
import { readDocument } from '../image/archive.ts';
import type { Image, LayerSource } from '../image/image.ts';
import { parseJson } from '../image/json-view.ts';
import type { BlobLocation } from '../layer/layer.ts';
import { InputError } from '../vfs/input-error.ts';
import { showText } from '../vfs/show-text.ts';

export interface StoredBlob {
  /** `sha256:<hex>`. */
  readonly digest: string;
  readonly blob: BlobLocation;
}

export interface StoredImage {
  readonly manifest: { readonly digest: string; readonly bytes: Buffer; readonly mediaType: string };
  readonly config: { readonly digest: string; readonly bytes: Buffer };
  /** Each once, base first. */
  readonly layers: readonly StoredBlob[];
  /** The digests of all layers, base first. */
  readonly layerDigests: readonly string[];
}

/** Throws InputError for an image without a manifest of its own, or with layers that are not stored. */
export async function readStoredImage({
  source,
  layers,
  manifest,
  configDocument,
}: Image): Promise<StoredImage> {
  const shown = showText(source);
  if (manifest?.mediaType === undefined || configDocument === undefined) {
    throw new InputError(
      `${shown}: has no manifest, as archives of docker before version 25; to give it one: \`stratafs squash\` or \`skopeo copy\``,
    );
  }
  const bytes = await readDocument(manifest, `${shown}: the manifest`);
  const byDigest = new Map(
    layers.flatMap((layer) => storedOf(layer)).map((stored) => [stored.digest, stored]),
  );
  const layerDigests = parseJson(bytes, `${shown}: the manifest`)
    .get('layers')
    .items()
    .map((layer) => layer.get('digest').string());
  return {
    manifest: { digest: manifest.digest, bytes, mediaType: manifest.mediaType },
    config: {
      digest: configDocument.digest,
      bytes: await readDocument(configDocument, `${shown}: the config`),
    },
    layerDigests,
    layers: [...new Set(layerDigests)].map((digest) => {
      const stored = byDigest.get(digest);
      if (stored === undefined) throw new InputError(`${shown}: the layer ${digest} is not stored here`);
      return stored;
    }),
  };
}

function storedOf(layer: LayerSource): StoredBlob[] {
  return layer.kind === 'blob' && layer.digest !== undefined
    ? [{ digest: layer.digest, blob: layer.blob }]
    : [];
}
