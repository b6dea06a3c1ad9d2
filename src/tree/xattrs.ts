// Reads xattr blocks: u16 count, then for each xattr u8 name length, u32 value length, name, value (unaligned,
// little-endian).

const BLOCK_HEADER = 2;
const XATTR_HEADER = 5;

/** The value of `name` in the block at `at`, a view; undefined if the block doesn't have it. */
export function findXattr(xattrs: Uint8Array, at: number, name: Uint8Array): Uint8Array | undefined {
  let xattr = at + BLOCK_HEADER;
  for (let left = blockCount(xattrs, at); left > 0; left--) {
    const nameStart = xattr + XATTR_HEADER;
    const valueStart = nameStart + nameLength(xattrs, xattr);
    const valueEnd = valueStart + valueLength(xattrs, xattr);
    if (isName(xattrs, nameStart, valueStart, name)) return xattrs.subarray(valueStart, valueEnd);
    xattr = valueEnd;
  }
  return undefined;
}

/** The names of the block at `at`, each terminated by NUL. */
export function listXattrs(xattrs: Uint8Array, at: number): Uint8Array {
  const count = blockCount(xattrs, at);
  let total = 0;
  for (let i = 0, xattr = at + BLOCK_HEADER; i < count; i++, xattr = next(xattrs, xattr)) {
    total += nameLength(xattrs, xattr) + 1;
  }
  const names = new Uint8Array(total);
  let end = 0;
  for (let i = 0, xattr = at + BLOCK_HEADER; i < count; i++, xattr = next(xattrs, xattr)) {
    const start = xattr + XATTR_HEADER;
    names.set(xattrs.subarray(start, start + nameLength(xattrs, xattr)), end);
    end += nameLength(xattrs, xattr) + 1;
  }
  return names;
}

function blockCount(xattrs: Uint8Array, at: number): number {
  return (xattrs[at] as number) | ((xattrs[at + 1] as number) << 8);
}

function nameLength(xattrs: Uint8Array, xattr: number): number {
  return xattrs[xattr] as number;
}

function valueLength(xattrs: Uint8Array, xattr: number): number {
  return (
    ((xattrs[xattr + 1] as number) |
      ((xattrs[xattr + 2] as number) << 8) |
      ((xattrs[xattr + 3] as number) << 16) |
      ((xattrs[xattr + 4] as number) << 24)) >>>
    0
  );
}

function next(xattrs: Uint8Array, xattr: number): number {
  return xattr + XATTR_HEADER + nameLength(xattrs, xattr) + valueLength(xattrs, xattr);
}

function isName(xattrs: Uint8Array, start: number, end: number, name: Uint8Array): boolean {
  if (end - start !== name.length) return false;
  for (let i = 0; i < name.length; i++) if (xattrs[start + i] !== name[i]) return false;
  return true;
}
