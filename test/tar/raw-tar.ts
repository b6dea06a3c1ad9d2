// Tars made byte by byte, so that they can be as odd as any writer's: nothing is checked, everything can be set.

export interface RawMember {
  name?: string | Buffer;
  type?: string;
  mode?: number;
  uid?: number;
  gid?: number;
  size?: number;
  mtime?: number;
  linkname?: string | Buffer;
  prefix?: string | Buffer;
  major?: number;
  minor?: number;
  /** Default: POSIX. */
  magic?: 'v7' | 'posix' | 'gnu';
  body?: Buffer | string;
  /** Changes the block before its checksum is made. */
  patch?: (block: Buffer) => unknown;
}

const bytes = (value: Buffer | string): Buffer =>
  typeof value === 'string' ? Buffer.from(value, 'utf8') : value;

const octal = (value: number, size: number): string => `${value.toString(8).padStart(size - 1, '0')}\0`;

export function setChecksum(block: Buffer): void {
  block.write('        ', 148);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
}

export function rawHeader(member: RawMember): Buffer {
  const block = Buffer.alloc(512);
  const body = bytes(member.body ?? '');
  block.set(bytes(member.name ?? '').subarray(0, 100), 0);
  block.write(octal(member.mode ?? 0o644, 8), 100);
  block.write(octal(member.uid ?? 0, 8), 108);
  block.write(octal(member.gid ?? 0, 8), 116);
  block.write(octal(member.size ?? body.length, 12), 124);
  block.write(octal(member.mtime ?? 0, 12), 136);
  block.write(member.type ?? '0', 156, 'latin1');
  block.set(bytes(member.linkname ?? '').subarray(0, 100), 157);
  if (member.magic === 'gnu') block.write('ustar  \0', 257);
  else if (member.magic !== 'v7') block.write('ustar\x0000', 257);
  if (member.magic !== 'v7') {
    block.write(octal(member.major ?? 0, 8), 329);
    block.write(octal(member.minor ?? 0, 8), 337);
  }
  block.set(bytes(member.prefix ?? ''), 345);
  member.patch?.(block);
  setChecksum(block);
  return block;
}

export function rawMember(member: RawMember): Buffer {
  const body = bytes(member.body ?? '');
  return Buffer.concat([rawHeader(member), body, Buffer.alloc((512 - (body.length % 512)) % 512)]);
}

/** One pax record, its length right. */
export function paxRecord(key: string, value: Buffer | string): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`, 'latin1'), bytes(value), Buffer.from('\n')]);
  let length = rest.length + 1;
  while (length !== rest.length + String(length).length) length = rest.length + String(length).length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

/** An extended header: `x` for the next member, `g` for all that follow. */
export function pax(
  records: Record<string, Buffer | string> | [string, Buffer | string][],
  type = 'x',
): Buffer {
  const pairs = Array.isArray(records) ? records : Object.entries(records);
  return rawMember({
    name: 'pax',
    type,
    body: Buffer.concat(pairs.map(([key, value]) => paxRecord(key, value))),
  });
}

/** The members, then two zero blocks. */
export function rawTar(...members: (RawMember | Buffer)[]): Buffer {
  return Buffer.concat([
    ...members.map((member) => (Buffer.isBuffer(member) ? member : rawMember(member))),
    Buffer.alloc(1024),
  ]);
}
