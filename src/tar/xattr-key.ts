// Names of xattrs in the keys of pax records "SCHILY.xattr.NAME".
//
// A key can't hold "=". GNU tar and bsdtar write "%3D" for it and "%25" for "%"; GNU tar decodes both when it reads. Go's
// archive/tar writes and reads names as they are, and can't write one with "=".

/**
 * The key for `name`: "%" stays as it is unless GNU tar would decode it, so that readers that decode nothing find most
 * names right. Names are latin1.
 */
export function encodeXattrName(name: string): string {
  return name.replace(/=|%(?=25|3D)/g, (found) => (found === '=' ? '%3D' : '%25'));
}

/** What GNU tar makes of a key; reverses `encodeXattrName`. */
export function decodeXattrName(key: string): string {
  return key.includes('%') ? key.replace(/%3D|%25/g, (found) => (found === '%3D' ? '=' : '%')) : key;
}
