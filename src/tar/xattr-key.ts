// Names of xattrs in the keys of pax records "SCHILY.xattr.NAME".
//
// A key can't hold "=". GNU tar and bsdtar write "%3D" for it and "%25" for "%"; GNU tar decodes both when it reads. Go's
// archive/tar, and so every container engine, reads names as they are, and so do we. What we write with an encoded name has
// a record LIBARCHIVE.xattr before it, as bsdtar's: that key is percent-encoded by definition, and says which name is meant.

/**
 * The key for `name`: "%" stays as it is unless GNU tar would decode it, so that readers that decode nothing find most
 * names right. Names are latin1.
 */
export function encodeXattrName(name: string): string {
  return name.replace(/=|%(?=25|3D)/g, (found) => (found === '=' ? '%3D' : '%25'));
}
