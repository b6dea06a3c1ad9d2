// Digests in the form `algorithm:hex` (OCI image-spec, descriptor.md). Only sha256 is in use.
import { isDigest } from '../vfs/image-names.ts';
import { InputError } from '../vfs/input-error.ts';
import type { JsonView } from './json-view.ts';

const ANY = /^[a-z0-9]+([+._-][a-z0-9]+)*:[a-zA-Z0-9=_-]+$/;

/**
 * Reads a sha256 digest. Throws InputError for anything else; for sha512, which no tool writes, the message names it.
 */
export function readDigest(view: JsonView): string {
  const digest = view.string();
  if (isDigest(digest)) return digest;
  if (ANY.test(digest) && !digest.startsWith('sha256:')) {
    throw new InputError(
      `${view.where}: found a digest of algorithm ${digest.slice(0, digest.indexOf(':'))}, only sha256 is supported`,
    );
  }
  throw view.unexpected('sha256: and 64 lower-case hex digits');
}

/** The digests of the uncompressed layers, base first (config.md, rootfs.diff_ids). */
export function readDiffIds(config: JsonView): string[] {
  const rootfs = config.get('rootfs');
  if (rootfs.isAbsent) return [];
  return rootfs.get('diff_ids').items().map(readDigest);
}

/** The name of a blob in an OCI layout (image-layout.md). */
export function blobName(digest: string): string {
  return `blobs/${digest.replace(':', '/')}`;
}

/** The digest that the name of a blob in an OCI layout states; undefined for any other name. */
export function digestOfBlobName(name: string): string | undefined {
  const match = /^(?:\.?\/)*blobs\/sha256\/([0-9a-f]{64})$/.exec(name);
  return match ? `sha256:${match[1] as string}` : undefined;
}
