// POSIX ACLs: converts the text of SCHILY.acl.* records (acl(5), "ACL TEXT FORMS") to the kernel's xattr.
import { showName } from '../vfs/show-text.ts';
import type { Place } from './place.ts';

/** linux/posix_acl_xattr.h, version 2: u32 version, then for each entry u16 tag, u16 permissions, u32 id. */
const VERSION = 2;
const UNDEFINED_ID = 0xffffffff;
const Tag = { userObj: 0x01, user: 0x02, groupObj: 0x04, group: 0x08, mask: 0x10, other: 0x20 } as const;

/** The shortest entry is "u::": no more of them fit in an xattr of 64 KiB. */
const MAX_ENTRIES = 8191;

interface AclEntry {
  readonly tag: number;
  readonly permissions: number;
  readonly id: number;
}

/**
 * Converts an ACL in text form to the value of system.posix_acl_access or _default. Entries are separated by commas or
 * newlines. Each is "tag:qualifier:rwx", followed by a colon and the number if the qualifier is a name (star(5)).
 * Undefined if the ACL can't be applied: a name without a number means nothing without the user table of its machine,
 * and an access ACL of the three base entries says no more than the mode. Throws FormatError for other text.
 */
export function parseAclText(
  text: string,
  isDefault: boolean,
  at: number,
  place: Place,
): Uint8Array | undefined {
  const entries: AclEntry[] = [];
  for (const part of text.split(/[,\n]/)) {
    const line = part.replace(/#.*/, '').trim();
    if (line === '') continue;
    const entry = parseEntry(isDefault ? line.replace(/^d(efault)?:/, '') : line, at, place);
    if (entry === undefined) return undefined;
    entries.push(entry);
    if (entries.length > MAX_ENTRIES) {
      throw place.error(at, 'an ACL of more entries', `at most ${MAX_ENTRIES}`);
    }
  }
  const isMinimal = entries.every((entry) => entry.id === UNDEFINED_ID && entry.tag !== Tag.mask);
  if (entries.length === 0 || (isMinimal && !isDefault)) return undefined;
  entries.sort((a, b) => a.tag - b.tag || a.id - b.id);
  return encodeAcl(entries);
}

/** Undefined if the qualifier is a name without a number. */
function parseEntry(line: string, at: number, place: Place): AclEntry | undefined {
  const [kind, qualifier, flags, number] = line.split(':').map((field) => field.trim());
  const isUser = kind === 'user' || kind === 'u';
  const isGroup = kind === 'group' || kind === 'g';
  const isMask = kind === 'mask' || kind === 'm';
  const isOther = kind === 'other' || kind === 'o';
  if (!(isUser || isGroup || isMask || isOther)) throw refuse(line, at, place);
  // "mask:rwx" and "other:rwx" may omit the empty qualifier.
  const letters = flags ?? ((isMask || isOther) && qualifier !== undefined ? qualifier : undefined);
  if (letters === undefined || !/^[rwx-]{0,3}$/.test(letters)) throw refuse(line, at, place);
  const permissions =
    (letters.includes('r') ? 4 : 0) | (letters.includes('w') ? 2 : 0) | (letters.includes('x') ? 1 : 0);
  if (isMask || isOther) return { tag: isMask ? Tag.mask : Tag.other, permissions, id: UNDEFINED_ID };
  if (qualifier === undefined || qualifier === '') {
    return { tag: isUser ? Tag.userObj : Tag.groupObj, permissions, id: UNDEFINED_ID };
  }
  const digits = number !== undefined && number !== '' ? number : qualifier === 'root' ? '0' : qualifier;
  if (!/^\d{1,10}$/.test(digits)) return undefined;
  const id = Number(digits);
  if (id >= UNDEFINED_ID) throw refuse(line, at, place);
  return { tag: isUser ? Tag.user : Tag.group, permissions, id };
}

function refuse(line: string, at: number, place: Place): Error {
  return place.error(
    at,
    `the ACL entry '${showName(Buffer.from(line.slice(0, 80), 'latin1'))}'`,
    "'tag:qualifier:permissions'",
  );
}

function encodeAcl(entries: readonly AclEntry[]): Uint8Array {
  const value = Buffer.alloc(4 + 8 * entries.length);
  value.writeUInt32LE(VERSION, 0);
  entries.forEach((entry, index) => {
    const offset = 4 + 8 * index;
    value.writeUInt16LE(entry.tag, offset);
    value.writeUInt16LE(entry.permissions, offset + 2);
    value.writeUInt32LE(entry.id, offset + 4);
  });
  return value;
}
