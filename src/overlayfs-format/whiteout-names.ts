// The names by which a layer hides lower ones: OCI image-spec, layer.md, "Whiteouts"; the rest is AUFS's own.

/** Before the name that a whiteout hides. */
export const WHITEOUT_PREFIX = Buffer.from('.wh.');
const AUFS_PREFIX = Buffer.from('.wh..wh.');
/** Hides all names that lower layers have in its directory. */
export const OPAQUE_NAME = Buffer.from('.wh..wh..opq');

/** What a name in a layer means; a whiteout hides what follows the prefix. */
export const NameKind = { plain: 0, whiteout: 1, opaque: 2, bookkeeping: 3 } as const;
export type NameKind = (typeof NameKind)[keyof typeof NameKind];

function startsWith(bytes: Uint8Array, start: number, end: number, prefix: Uint8Array): boolean {
  if (end - start < prefix.length) return false;
  for (let i = 0; i < prefix.length; i++) {
    if (bytes[start + i] !== prefix[i]) return false;
  }
  return true;
}

export function kindOfName(bytes: Uint8Array, start: number, end: number): NameKind {
  // The first byte decides for nearly every name.
  if (bytes[start] !== 0x2e || !startsWith(bytes, start, end, WHITEOUT_PREFIX)) return NameKind.plain;
  if (!startsWith(bytes, start, end, AUFS_PREFIX)) return NameKind.whiteout;
  return end - start === OPAQUE_NAME.length && startsWith(bytes, start, end, OPAQUE_NAME)
    ? NameKind.opaque
    : NameKind.bookkeeping;
}

/** What a directory path (bytes 0 to `length`) means by its components: the first that is not plain decides. */
export function kindOfPath(path: Uint8Array, length: number): NameKind {
  for (let start = 0; start < length;) {
    let end = start;
    while (end < length && path[end] !== 0x2f) end++;
    const kind = kindOfName(path, start, end);
    if (kind !== NameKind.plain) return kind;
    start = end + 1;
  }
  return NameKind.plain;
}
