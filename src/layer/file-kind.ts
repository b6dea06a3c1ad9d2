// Names the kind of a file that is not a tar, by its magic number. Used for messages only.
//
// A tar ends with two blocks of zeros, so tar programs read a file that starts with them as an empty tar. File systems,
// disk images and ISO images start so too. Here an empty tar has nothing but zeros, and no more than tar(1) writes.
import { InputError } from '../vfs/input-error.ts';

/** The number of leading bytes to read. The magic number of Btrfs comes last. */
export const KIND_LENGTH = 0x10048;

/** The end of an archive is two blocks. */
const EMPTY_TAR_MINIMUM = 1024;
/** GNU tar pads an archive to a record: 10 KiB without -b. */
const EMPTY_TAR_MAXIMUM = 1 << 20;

interface Kind {
  /** The name, with its article. */
  readonly name: string;
  readonly offset: number;
  /** Bytes as latin1. */
  readonly magic: string;
  readonly isFileSystem?: true;
}

/** Longer, less ambiguous magic numbers come first. */
const KINDS: readonly Kind[] = [
  { name: 'an ISO 9660 image', offset: 0x8001, magic: 'CD001', isFileSystem: true },
  { name: 'an EROFS file system', offset: 0x400, magic: '\xe2\xe1\xf5\xe0', isFileSystem: true },
  { name: 'a SquashFS file system', offset: 0, magic: 'hsqs', isFileSystem: true },
  { name: 'an XFS file system', offset: 0, magic: 'XFSB', isFileSystem: true },
  { name: 'a Btrfs file system', offset: 0x10040, magic: '_BHRfS_M', isFileSystem: true },
  { name: 'an F2FS file system', offset: 0x400, magic: '\x10\x20\xf5\xf2', isFileSystem: true },
  { name: 'a qcow2 disk image', offset: 0, magic: 'QFI\xfb' },
  { name: 'a VMDK disk image', offset: 0, magic: 'KDMV' },
  { name: 'a VHDX disk image', offset: 0, magic: 'vhdxfile' },
  { name: 'a VirtualBox disk image', offset: 0x40, magic: '\x7f\x10\xda\xbe' },
  { name: 'a LUKS volume', offset: 0, magic: 'LUKS\xba\xbe' },
  { name: 'a disk image with a GPT partition table', offset: 0x200, magic: 'EFI PART' },
  { name: 'a Singularity image (SIF)', offset: 0x20, magic: 'SIF_MAGIC' },
  { name: 'a zip archive', offset: 0, magic: 'PK\x03\x04' },
  { name: 'an empty zip archive', offset: 0, magic: 'PK\x05\x06' },
  { name: 'a 7-Zip archive', offset: 0, magic: "7z\xbc\xaf'\x1c" },
  { name: 'a RAR archive', offset: 0, magic: 'Rar!\x1a\x07' },
  { name: 'a cpio archive', offset: 0, magic: '07070' },
  { name: 'a Debian package or another ar archive', offset: 0, magic: '!<arch>\n' },
  { name: 'an RPM package', offset: 0, magic: '\xed\xab\xee\xdb' },
  { name: 'an ELF program', offset: 0, magic: '\x7fELF' },
  { name: 'a PDF document', offset: 0, magic: '%PDF-' },
  { name: 'an SQLite database', offset: 0, magic: 'SQLite format 3\0' },
  { name: 'an ext2, ext3 or ext4 file system', offset: 0x438, magic: '\x53\xef', isFileSystem: true },
  { name: 'a disk image with a partition table', offset: 0x1fe, magic: '\x55\xaa' },
];

/** Reads bytes at an offset; fewer at the end. */
export type ReadBytes = (offset: number, length: number) => Promise<Uint8Array>;

/** The kind of the bytes, with its article; undefined if it is not recognised. */
export function recogniseKind(head: Uint8Array): string | undefined {
  return findKind(head)?.name ?? recogniseText(head);
}

function findKind(head: Uint8Array): Kind | undefined {
  const bytes = Buffer.from(head.buffer, head.byteOffset, head.length);
  return KINDS.find(({ offset, magic }) => bytes.toString('latin1', offset, offset + magic.length) === magic);
}

function recogniseText(head: Uint8Array): string | undefined {
  const text = Buffer.from(head.subarray(0, 512)).toString('latin1').trimStart();
  if (/^<(?:!doctype html|html|head)\b/i.test(text)) return 'a web page (did a download fail?)';
  if (/^[[{]\s*(?:["{[\]}]|-?\d)/.test(text)) return 'a JSON document';
  return undefined;
}

/**
 * For `size` bytes in which no tar member was found. Throws InputError, which names their kind, unless they are an
 * empty tar. `shown` is their name in messages; `file` is their file, if they are a whole one.
 */
export async function refuseOtherFiles(
  shown: string,
  size: number,
  read: ReadBytes,
  file?: string,
): Promise<void> {
  const head = await read(0, Math.min(size, EMPTY_TAR_MAXIMUM));
  if (head.every((byte) => byte === 0)) {
    if (size >= EMPTY_TAR_MINIMUM && size <= EMPTY_TAR_MAXIMUM && size % 512 === 0) return;
    const found = size > head.length ? `${head.length} zero bytes and more` : `${size} zero bytes`;
    throw new InputError(
      `${shown}: found ${found}, expected a tar; an empty one is at least ${EMPTY_TAR_MINIMUM} zero bytes, ` +
        `at most ${EMPTY_TAR_MAXIMUM}, in blocks of 512`,
    );
  }
  throw otherFile(shown, head, file);
}

/** The error for bytes that are not a tar and start with `head`; `shown` and `file` as above. */
export function otherFile(shown: string, head: Uint8Array, file?: string): InputError {
  const expected = 'expected a saved image or a layer (a tar)';
  const kind = findKind(head);
  if (kind?.isFileSystem === true) {
    const hint = file === undefined ? '' : `; to mount it: \`mount -o loop,ro ${file} DIRECTORY\``;
    return new InputError(`${shown}: found ${kind.name}, ${expected}${hint}`, {
      code: 'ERR_STRATAFS_NO_IMAGE',
    });
  }
  const name = recogniseKind(head);
  if (name !== undefined)
    return new InputError(`${shown}: found ${name}, ${expected}`, { code: 'ERR_STRATAFS_NO_IMAGE' });
  const zeros = head.findIndex((byte) => byte !== 0);
  if (zeros >= 512) {
    return new InputError(`${shown}: found ${zeros} zero bytes and then other data, ${expected}`, {
      code: 'ERR_STRATAFS_NO_IMAGE',
    });
  }
  return new InputError(`${shown}: is not a tar archive, expected a saved image or a layer`, {
    code: 'ERR_STRATAFS_NO_IMAGE',
  });
}
