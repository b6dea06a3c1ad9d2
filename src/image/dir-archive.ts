// Reads the output of `skopeo copy ... dir:PATH` and of podman's docker-dir and oci-dir: manifest.json, an image
// manifest or an index, and beside it each blob under its digest's hex (containers/image, directory transport).
//
// It is read as a layout whose only manifest is manifest.json: this file translates the names of blobs.
import type { BlobLocation } from '../layer/layer.ts';
import { type Archive, JsonReader } from './archive.ts';
import type { ImageCandidate } from './candidate.ts';
import { blobName, digestOfBlobName } from './digest.ts';
import type { DirectoryArchive } from './directory-archive.ts';
import { JsonView } from './json-view.ts';
import { LayoutWalk } from './oci-layout.ts';

const MANIFEST = 'manifest.json';

/**
 * The images of the directory; undefined unless manifest.json is a manifest or an index. With `isSniffed`, also
 * undefined without the file `version`.
 */
export async function readDirArchive(
  directory: DirectoryArchive,
  isSniffed: boolean,
): Promise<ImageCandidate[] | undefined> {
  if (isSniffed && (await directory.find('version')) === undefined) return undefined;
  const manifest = await new JsonReader(directory).read(MANIFEST);
  if (manifest === undefined || !manifest.json.isObject) return undefined;
  const isImage = ['config', 'manifests', 'layers'].some((key) => !manifest.json.get(key).isAbsent);
  if (!isImage) return undefined;
  const archive = new DirBlobs(directory, manifest.digest);
  const walk = new LayoutWalk(archive, new JsonReader(archive));
  const descriptor = new JsonView({ digest: manifest.digest, size: manifest.size }, manifest.json.where);
  const place = { index: 0, names: [], aliases: [] };
  await walk.follow(descriptor, { place, digests: [], platform: undefined });
  return walk.candidates();
}

/** Gives the files of such a directory the names of blobs in a layout. */
class DirBlobs implements Archive {
  readonly path: string;
  readonly #directory: DirectoryArchive;
  readonly #manifest: string;

  constructor(directory: DirectoryArchive, manifestDigest: string) {
    this.path = directory.path;
    this.#directory = directory;
    this.#manifest = blobName(manifestDigest);
  }

  async find(name: string): Promise<BlobLocation | undefined> {
    if (name === this.#manifest) return this.#directory.find(MANIFEST);
    const hex = digestOfBlobName(name)?.slice('sha256:'.length);
    if (hex === undefined) return undefined;
    // The manifests of an index have names of their own.
    return (await this.#directory.findDigested(hex)) ?? this.#directory.findDigested(`${hex}.manifest.json`);
  }

  danglingTarget(name: string): Promise<string | undefined> {
    return this.#directory.danglingTarget(digestOfBlobName(name)?.slice('sha256:'.length) ?? name);
  }
}
