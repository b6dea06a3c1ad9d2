// Reads descriptors (image-spec, descriptor.md), which have a digest, a size and a type, and the JSON blobs that they
// point to.
import { InputError } from '../vfs/input-error.ts';
import { type Archive, type JsonBlob, type JsonReader, MissingBlobError, whyMissing } from './archive.ts';
import { blobName, readDigest } from './digest.ts';
import type { JsonView } from './json-view.ts';

/**
 * The JSON that `descriptor` points to: a manifest, an index or a config. Throws MissingBlobError if the layout lacks
 * it, InputError if its bytes don't match the descriptor.
 */
export async function readDescribed(
  archive: Archive,
  reader: JsonReader,
  descriptor: JsonView,
  what: 'manifest' | 'config',
): Promise<JsonBlob> {
  const digest = readDigest(descriptor.get('digest'));
  const blob = await reader.read(blobName(digest));
  if (blob === undefined) {
    const why = await whyMissing(archive, blobName(digest));
    throw new MissingBlobError(`${archive.path}: the ${what} ${digest} ${why}, named by ${descriptor.where}`);
  }
  const size = descriptor.get('size').optionalSize();
  if (size !== undefined && size !== blob.size) {
    throw new InputError(
      `${blob.json.where}: found ${blob.size} bytes, expected ${size} as ${descriptor.where} says`,
    );
  }
  if (blob.digest !== digest) {
    throw new InputError(`${blob.json.where}: found bytes of ${blob.digest}, expected ${digest}`, {
      code: 'ERR_STRATAFS_DIGEST',
    });
  }
  return blob;
}
