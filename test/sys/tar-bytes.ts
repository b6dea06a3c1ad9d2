// Tar blocks made by hand, for the headers that no tool writes.

export interface HeaderFields {
  readonly name?: string;
  readonly type?: string;
  /** A number is written in octal, a Buffer as it stands. */
  readonly size?: number | Buffer;
  readonly linkName?: string;
  readonly mode?: number;
}

/** A ustar header block with its checksum. */
export function tarHeader(fields: HeaderFields): Buffer {
  const block = Buffer.alloc(512);
  block.write(fields.name ?? 'file', 0, 100, 'latin1');
  block.write(`${(fields.mode ?? 0o644).toString(8).padStart(7, '0')}\0`, 100);
  block.write('0000000\0', 108);
  block.write('0000000\0', 116);
  const size = fields.size ?? 0;
  if (typeof size === 'number') block.write(size.toString(8).padStart(11, '0'), 124);
  else size.copy(block, 124);
  block.write('00000000000\0', 136);
  block.write(fields.type ?? '0', 156, 'latin1');
  block.write(fields.linkName ?? '', 157, 100, 'latin1');
  block.write('ustar\x0000', 257, 'latin1');
  return withChecksum(block);
}

/** Writes the checksum of `block` into it. */
export function withChecksum(block: Buffer): Buffer {
  block.fill(0x20, 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}

/** `bytes` and zeros up to a whole block. */
export function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]);
}

/** A header and its data. */
export function tarMember(fields: HeaderFields, data: Buffer = Buffer.alloc(0)): Buffer {
  return Buffer.concat([tarHeader({ size: data.length, ...fields }), padded(data)]);
}

/** One pax record, its own length counted in. */
export function paxRecord(key: string, value: string): string {
  const body = ` ${key}=${value}\n`;
  let length = body.length + 1;
  while (String(length).length + body.length !== length) length = String(length).length + body.length;
  return `${length}${body}`;
}

/** A pax header (x or g) of `records`. */
export function paxHeader(type: 'x' | 'g', ...records: readonly (readonly [string, string])[]): Buffer {
  return tarMember(
    { type, name: 'pax' },
    Buffer.from(records.map(([k, v]) => paxRecord(k, v)).join(''), 'latin1'),
  );
}

export const END_OF_ARCHIVE = Buffer.alloc(1024);
