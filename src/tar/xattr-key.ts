// Encodes names of xattrs in the keys of pax records "SCHILY.xattr.NAME".
//
// A key can't contain "=". GNU tar and bsdtar write "%3D" for "=" and "%25" for "%". GNU tar decodes both when it
// reads; Go's archive/tar, and so every container engine, decodes nothing, and neither does stratafs. If stratafs
// writes an encoded name, it writes a LIBARCHIVE.xattr record before it, as bsdtar does: that key is percent-encoded by
// definition, so it shows which name is meant.

/**
 * The key for `name` (latin1). "%" is encoded only if GNU tar would decode it, so that readers which decode nothing
 * find most names right.
 */
export function encodeXattrName(name: string): string {
  return name.replace(/=|%(?=25|3D)/g, (found) => (found === '=' ? '%3D' : '%25'));
}
