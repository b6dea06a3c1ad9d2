// Unpacks layers and merged trees by GNU tar, and turns the whiteouts of OCI layers into the kernel's.
//
// An image is hostile: tar keeps what it unpacks beneath the directory, and nothing here follows a symlink.
import { constants } from 'node:fs';
import { open, readdir, rm } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import { readBlobBytes } from '../inspect/file-content.ts';
import { mknodAt, setxattrAt } from '../sys/upper-calls.ts';
import { S_IFCHR } from '../vfs/attr.ts';
import type { BlobReader } from '../vfs/blob-reader.ts';
import { ErrnoError } from '../vfs/errno.ts';
import { NameKind, WHITEOUT_PREFIX, kindOfName } from '../vfs/whiteout-names.ts';
import type { Processes } from './processes.ts';

/** Gets all bytes of a tar, in order, one call after the other. */
export type TakeBytes = (bytes: Uint8Array) => Promise<void>;

const PIECE = 1 << 20;
const DIRECTORY_FLAGS = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
const OPAQUE_XATTR = Buffer.from('trusted.overlay.opaque');
const OPAQUE_VALUE = Buffer.from('y');
const SLASH = Buffer.from('/');

/** Unpacks the tar that `write` hands over into `directory`, which is empty. Where it isn't root who unpacks, all is the user's. */
export async function unpackTar(
  processes: Processes,
  directory: string,
  write: (take: TakeBytes) => Promise<void>,
): Promise<void> {
  const asRoot = ['--same-owner', '--same-permissions', '--numeric-owner', '--xattrs', '--xattrs-include=*'];
  const asUser = ['--no-same-owner', '--no-same-permissions'];
  const options = process.geteuid?.() === 0 ? asRoot : asUser;
  await processes.run(['tar', '-x', ...options, '-C', directory], {
    input: (stdin) => write((bytes) => writeTo(stdin, bytes)),
  });
}

/** Resolves when there is room for more. */
async function writeTo(stdin: Writable, bytes: Uint8Array): Promise<void> {
  if (stdin.destroyed || stdin.write(bytes)) return; // tar has ended: its exit status tells why
  await new Promise<void>((resolve) => {
    const settle = (): void => {
      stdin.off('drain', settle).off('close', settle);
      resolve();
    };
    stdin.on('drain', settle).on('close', settle);
  });
}

/** Hands over the tar of a layer, uncompressed. Throws ErrnoError (EIO) where it can't be read. */
export async function writeLayer(reader: BlobReader, take: TakeBytes): Promise<void> {
  for (let offset = 0; offset < reader.size; offset += PIECE) {
    await take(await readBlobBytes(reader, offset, Math.min(PIECE, reader.size - offset)));
  }
}

/** Puts 0:0 devices and `trusted.overlay.opaque` in the place of all whiteouts beneath `directory`. Needs root. */
export async function convertWhiteouts(directory: Uint8Array): Promise<void> {
  const entries = await readdir(Buffer.from(directory), { withFileTypes: true, encoding: 'buffer' });
  const names = new Map(entries.map((entry) => [entry.name.toString('latin1'), entry]));
  const handle = await open(Buffer.from(directory), DIRECTORY_FLAGS);
  try {
    for (const { name } of entries) {
      const kind = kindOfName(name, 0, name.length);
      if (kind === NameKind.plain) continue;
      await rm(Buffer.concat([directory, SLASH, name]), { recursive: true });
      if (kind === NameKind.opaque) markOpaque(handle.fd, Buffer.alloc(0));
      if (kind !== NameKind.whiteout) continue;
      const hidden = name.subarray(WHITEOUT_PREFIX.length);
      const instead = names.get(hidden.toString('latin1'));
      // What is there anew replaces what is hidden; a directory would be merged with it.
      if (instead?.isDirectory() === true) markOpaque(handle.fd, hidden);
      else if (instead === undefined) {
        check(mknodAt(handle.fd, hidden, S_IFCHR, 0, 0), 'mknod', hidden);
      }
    }
  } finally {
    await handle.close();
  }
  for (const entry of entries) {
    if (!entry.isDirectory() || kindOfName(entry.name, 0, entry.name.length) !== NameKind.plain) continue;
    await convertWhiteouts(Buffer.concat([directory, SLASH, entry.name]));
  }
}

function markOpaque(directory: number, name: Uint8Array): void {
  check(setxattrAt(directory, name, OPAQUE_XATTR, OPAQUE_VALUE, 0), 'setxattr', name);
}

function check(status: number, call: string, name: Uint8Array): void {
  if (status < 0) throw new ErrnoError(status, call, Buffer.from(name).toString('latin1'));
}
