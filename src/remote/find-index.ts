// Finds the index artifact of an image in its registry: by the referrers API, by the tag that stands in for it, or by a digest.
//
// Nobody who signed the image vouches for an artifact that is only attached to it: whoever may push to the repository can
// attach one. So it is used only if the caller says that it is to be believed.
import {
  ARTIFACT_TYPE,
  type Descriptor,
  type IndexBlobs,
  listArtifacts,
  readManifest,
  referrersTag,
} from '../index-source/artifact.ts';
import { RegistryError } from '../registry/failure.ts';
import type { Repository } from '../registry/repository.ts';
import { InputError } from '../vfs/input-error.ts';

/** Artifacts that are tried: others than the first may be of another version. */
const MAX_ARTIFACTS = 4;

/** Which index may be used before the bytes are verified. */
export interface IndexTrust {
  /** True: any that the registry has for the image. */
  readonly trustsIndex?: boolean | undefined;
  /** The digest of an artifact's manifest: that one alone. */
  readonly indexDigest?: string | undefined;
}

/** An artifact that is believed. */
export interface BelievedArtifact {
  /** `sha256:<hex>` of its manifest. */
  readonly digest: string;
  /** By layer. */
  readonly layers: ReadonlyMap<string, IndexBlobs>;
}

/** The artifact of the image with the manifest `digest`; undefined if none is believed, or there is none. */
export async function findArtifact(
  repository: Repository,
  digest: string,
  { trustsIndex, indexDigest }: IndexTrust,
  signal?: AbortSignal,
): Promise<BelievedArtifact | undefined> {
  if (indexDigest !== undefined) {
    const { bytes } = await repository.manifest(indexDigest, signal);
    const layers = readManifest(bytes, digest);
    if (layers !== undefined) return { digest: indexDigest, layers };
    throw new InputError(`${indexDigest}: is not a stratafs index of the image ${digest}`);
  }
  const found = trustsIndex === true ? await findArtifacts(repository, digest, signal) : [];
  for (const artifact of found.slice(-MAX_ARTIFACTS).reverse()) {
    const manifest = await unlessMissing(repository.manifest(artifact.digest, signal));
    const layers = manifest === undefined ? undefined : readManifest(manifest.bytes, digest);
    if (layers !== undefined) return { digest: artifact.digest, layers };
  }
  return undefined;
}

async function findArtifacts(
  repository: Repository,
  digest: string,
  signal: AbortSignal | undefined,
): Promise<Descriptor[]> {
  const pages = await repository.referrers(digest, ARTIFACT_TYPE, signal);
  if (pages !== undefined) return pages.flatMap((page) => listArtifacts(page));
  const tagged = await unlessMissing(repository.manifest(referrersTag(digest), signal));
  return tagged === undefined ? [] : listArtifacts(tagged.bytes);
}

/** Undefined if the registry doesn't have it. */
export async function unlessMissing<T>(found: Promise<T>): Promise<T | undefined> {
  try {
    return await found;
  } catch (error) {
    if (error instanceof RegistryError && error.status === 404) return undefined;
    throw error;
  }
}
