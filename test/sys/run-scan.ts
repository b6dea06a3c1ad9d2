// Runs a BlobScan over a file to its end and takes its records apart.
import { closeSync, fstatSync, openSync } from 'node:fs';
import { BlobScan, RECORD_HEADER_SIZE, type ScanOptions, type ScanResult } from '../../src/sys/scan.ts';

export interface ScanRecord {
  readonly headerOffset: number;
  readonly dataOffset: number;
  readonly dataLength: number;
  /** Whether the padding of the member before is known to be zeros. */
  readonly isTailClean: boolean;
  readonly header: Buffer;
  readonly meta: Buffer;
  /** The name field of the header, the type flag. */
  readonly name: string;
  readonly type: string;
}

export function parseRecords(buffer: Buffer): ScanRecord[] {
  const records: ScanRecord[] = [];
  for (let at = 0; at < buffer.length;) {
    const metaLength = buffer.readUInt32LE(at + 24);
    const header = Buffer.from(buffer.subarray(at + 32, at + RECORD_HEADER_SIZE));
    records.push({
      headerOffset: buffer.readDoubleLE(at),
      dataOffset: buffer.readDoubleLE(at + 8),
      dataLength: buffer.readDoubleLE(at + 16),
      isTailClean: buffer.readUInt32LE(at + 28) === 1,
      header,
      meta: Buffer.from(buffer.subarray(at + RECORD_HEADER_SIZE, at + RECORD_HEADER_SIZE + metaLength)),
      name: header.toString('latin1', 0, 100).replace(/\0.*$/s, ''),
      type: String.fromCharCode(header[156] as number),
    });
    at += (RECORD_HEADER_SIZE + metaLength + 7) & ~7;
  }
  return records;
}

export interface Scanned {
  readonly records: ScanRecord[];
  readonly result: ScanResult;
}

/** Scans the whole file `path`; rejects with the ScanError of a malformed one. */
export async function runScan(
  path: string,
  compression: ScanOptions['compression'],
  options: Partial<ScanOptions> = {},
  bufferSize = 1 << 20,
): Promise<Scanned> {
  const fd = openSync(path, 'r');
  try {
    const length = fstatSync(fd).size;
    const scan = new BlobScan({
      fd,
      offset: 0,
      length,
      compression,
      hash: true,
      spanSize: 1 << 20,
      ...options,
    });
    try {
      const buffer = Buffer.allocUnsafe(bufferSize);
      const records: ScanRecord[] = [];
      for (;;) {
        const filled = await scan.next(buffer);
        if (filled === 0) return { records, result: scan.result() };
        records.push(...parseRecords(buffer.subarray(0, filled)));
      }
    } finally {
      scan.close();
    }
  } finally {
    closeSync(fd);
  }
}
