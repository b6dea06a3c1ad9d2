// Makes eStargz layers by its specification (docs/estargz.md of stargz-snapshotter), for what no program writes.
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { END_OF_ARCHIVE, type HeaderFields, paxHeader, tarHeader, tarMember } from '../sys/tar-bytes.ts';

export interface EstargzFile extends HeaderFields {
  readonly name: string;
  readonly bytes?: Buffer;
  readonly xattrs?: Readonly<Record<string, string>>;
}

export type Toc = { version: number; entries: Record<string, unknown>[] };

export interface Estargz {
  readonly blob: Buffer;
  readonly toc: Toc;
  /** `sha256:<hex>` of the table's JSON. */
  readonly digest: string;
}

const TYPES: Readonly<Record<string, string>> = { '0': 'reg', '1': 'hardlink', '2': 'symlink', '5': 'dir' };

export const digestOf = (bytes: Uint8Array): string =>
  `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

/** The layer. `chunkSize`: of files; `sharesMembers`: chunks follow each other in members of `chunksPerMember`. */
export function makeEstargz(
  files: readonly EstargzFile[],
  {
    chunkSize = 1000,
    sharesMembers = false,
    chunksPerMember = 3,
  }: { chunkSize?: number; sharesMembers?: boolean; chunksPerMember?: number } = {},
): Estargz {
  const members: Buffer[] = [];
  let stored = 0;
  let open: Buffer[] = [];
  let openSize = 0;
  let chunksInOpen = 0;
  const write = (bytes: Buffer): void => {
    open.push(bytes);
    openSize += bytes.length;
  };
  const closeMember = (): void => {
    const member = gzipSync(Buffer.concat(open));
    members.push(member);
    stored += member.length;
    open = [];
    openSize = chunksInOpen = 0;
  };
  const entries: Record<string, unknown>[] = [];
  for (const { bytes = Buffer.alloc(0), xattrs = {}, ...fields } of files) {
    const records = Object.entries(xattrs).map(([name, value]) => [`SCHILY.xattr.${name}`, value] as const);
    if (records.length > 0) write(paxHeader('x', ...records));
    write(tarHeader({ ...fields, name: Buffer.from(fields.name).toString('latin1'), size: bytes.length }));
    const entry: Record<string, unknown> = {
      name: fields.name,
      type: TYPES[fields.type ?? '0'],
      mode: fields.mode ?? 0o644,
      linkName: fields.linkName,
      size: bytes.length,
      xattrs: Object.fromEntries(
        Object.entries(xattrs).map(([name, value]) => [
          name,
          Buffer.from(value, 'latin1').toString('base64'),
        ]),
      ),
    };
    if (bytes.length === 0) entries.push(entry);
    for (let at = 0; at < bytes.length; at += chunkSize) {
      if (!sharesMembers || chunksInOpen === chunksPerMember) closeMember();
      const chunk = bytes.subarray(at, at + chunkSize);
      entries.push({
        ...(at === 0 ? entry : { name: fields.name, type: 'chunk', chunkOffset: at }),
        chunkSize: at + chunkSize < bytes.length ? chunkSize : 0,
        offset: stored,
        innerOffset: openSize,
        chunkDigest: digestOf(chunk),
      });
      write(chunk);
      chunksInOpen++;
    }
    write(Buffer.alloc((512 - (bytes.length % 512)) % 512));
  }
  closeMember();
  return withToc(Buffer.concat(members), { version: 1, entries });
}

/** Appends the table and the footer. */
export function withToc(payload: Buffer, toc: Toc): Estargz {
  const json = Buffer.from(JSON.stringify(toc));
  const member = gzipSync(Buffer.concat([tarMember({ name: 'stargz.index.json' }, json), END_OF_ARCHIVE]));
  const footer = Buffer.concat([
    Buffer.from('1f8b08040000000000ff1a0053471600', 'hex'),
    Buffer.from(`${payload.length.toString(16).padStart(16, '0')}STARGZ`),
    Buffer.from('010000ffff0000000000000000', 'hex'),
  ]);
  return { blob: Buffer.concat([payload, member, footer]), toc, digest: digestOf(json) };
}

/** The bytes before the table. */
export const payloadOf = ({ blob }: Estargz): Buffer =>
  blob.subarray(0, Number(`0x${blob.toString('latin1', blob.length - 35, blob.length - 19)}`));
