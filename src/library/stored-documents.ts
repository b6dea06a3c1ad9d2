// The JSON documents of an image, byte for byte.
import { type InspectOptions, findImage, readStored } from '../inspect/inspect.ts';

/**
 * The manifest of the image that `source` names; of a docker archive its manifest.json. No layer is read. Rejects with an
 * InputError like `openImage`.
 */
export async function readManifest(source: string, options: InspectOptions = {}): Promise<Buffer> {
  return readFrom(source, 'manifest', options);
}

/** The config of the image that `source` names. Otherwise like `readManifest`. */
export async function readConfig(source: string, options: InspectOptions = {}): Promise<Buffer> {
  return readFrom(source, 'config', options);
}

async function readFrom(
  source: string,
  what: 'manifest' | 'config',
  options: InspectOptions,
): Promise<Buffer> {
  const image = await findImage(source, options);
  try {
    return await readStored(image, what);
  } finally {
    image.release?.();
  }
}
