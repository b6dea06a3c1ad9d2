// Writes OCI layouts of one image, with nothing in the config but what names its layers.
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { OCI_MANIFEST } from '../vfs/media-types.ts';

export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

export interface WrittenLayer extends Descriptor {
  /** Of the uncompressed tar. */
  readonly diffId: string;
}

export const BLOBS = join('blobs', 'sha256');

/** Completes the layout in `directory`, whose `BLOBS` has the layers; base first. */
export async function writeOciLayout(directory: string, layers: readonly WrittenLayer[]): Promise<void> {
  const put = async (mediaType: string, value: unknown): Promise<Descriptor> => {
    const bytes = Buffer.from(JSON.stringify(value));
    const digest = createHash('sha256').update(bytes).digest('hex');
    await writeFile(join(directory, BLOBS, digest), bytes);
    return { mediaType, digest: `sha256:${digest}`, size: bytes.length };
  };
  const config = await put('application/vnd.oci.image.config.v1+json', {
    architecture: 'amd64',
    os: 'linux',
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
  });
  const mediaType = OCI_MANIFEST;
  const descriptors = layers.map(({ mediaType, digest, size }) => ({ mediaType, digest, size }));
  const manifest = await put(mediaType, { schemaVersion: 2, mediaType, config, layers: descriptors });
  await writeFile(join(directory, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));
  await writeFile(join(directory, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [manifest] }));
}
