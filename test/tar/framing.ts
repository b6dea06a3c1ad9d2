// Frames a tar in memory into the records of src/sys/scan.ts, in the plainest way: what the native scan must do too.

const BLOCK = 512;
const padded = (size: number): number => Math.ceil(size / BLOCK) * BLOCK;

function numberField(block: Buffer, start: number, size: number): number {
  if ((block[start] as number) >= 0x80) {
    let value = (block[start] as number) & 0x7f;
    for (let i = start + 1; i < start + size; i++) value = value * 256 + (block[i] as number);
    return value;
  }
  const text = block
    .toString('latin1', start, start + size)
    .replace(/^[\0 ]+/, '')
    .replace(/[\0 ].*$/s, '');
  return /^[0-7]+$/.test(text) ? parseInt(text, 8) : 0;
}

function paxSize(payload: Buffer): number | undefined {
  const match = /(?:^|\n)\d+ size=(\d+)\n/.exec(payload.toString('latin1'));
  return match?.[1] === undefined ? undefined : Number(match[1]);
}

/** The records of a whole tar, end to end. Stops at a zero block or the end. */
export function frameTar(tar: Buffer): Buffer {
  const records: Buffer[] = [];
  let pendingSize: number | undefined;
  for (let at = 0; at + BLOCK <= tar.length;) {
    const block = tar.subarray(at, at + BLOCK);
    if (block.every((byte) => byte === 0)) break;
    const type = String.fromCharCode(block[156] as number);
    const hasPayload = 'xgLK'.includes(type);
    let data = at + BLOCK;
    let meta: Buffer = Buffer.alloc(0);
    let size = '123456'.includes(type) ? 0 : numberField(block, 124, 12);
    if (hasPayload) {
      meta = tar.subarray(data, data + size);
      if (type === 'x') pendingSize = paxSize(meta);
    } else {
      size = '123456'.includes(type) ? 0 : (pendingSize ?? size);
      pendingSize = undefined;
    }
    if (type === 'S') {
      for (let isExtended = block[482] !== 0; isExtended && data + BLOCK <= tar.length; data += BLOCK) {
        isExtended = tar[data + 504] !== 0;
      }
      meta = tar.subarray(at + BLOCK, data);
    }
    records.push(record(block, at, data, size, meta));
    at = data + padded(size);
  }
  return Buffer.concat(records);
}

export function record(block: Buffer, at: number, data: number, size: number, meta: Buffer): Buffer {
  const out = Buffer.alloc(32 + BLOCK + Math.ceil(meta.length / 8) * 8);
  out.writeDoubleLE(at, 0);
  out.writeDoubleLE(data, 8);
  out.writeDoubleLE(size, 16);
  out.writeUInt32LE(meta.length, 24);
  block.copy(out, 32);
  meta.copy(out, 32 + BLOCK);
  return out;
}
