// Texts that name images and their blobs, wherever they lie.

/** An image in a registry begins with it. */
export const REGISTRY_PREFIX = 'docker://';

/** True for `sha256:` and 64 lower-case hex digits. */
export function isDigest(text: string): boolean {
  return /^sha256:[0-9a-f]{64}$/.test(text);
}
