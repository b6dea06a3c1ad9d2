// Unpacks a whole compressed tar into a file, in one pass of bounded memory: an image archive whose blobs are to be read
// in place. Pages of zeros become holes.
import { BlobScan, RECORD_HEADER_SIZE, type ScanOptions } from '../sys/scan.ts';
import { type Frame, MemberReader } from '../tar/member.ts';
import type { Compression } from './layer.ts';
import { formatErrorOf, isScanError, runScan } from './run-scan.ts';

/** A file that is a compressed tar from its first byte to its last. */
export interface CompressedTar {
  /** Open for reading; lent until the promise settles. */
  readonly fd: number;
  /** Bytes of the file. */
  readonly length: number;
  readonly compression: Exclude<Compression, 'none'>;
  /** The file's name, for messages. */
  readonly label: string;
}

export interface UnpackOptions {
  /** Open for writing and empty; lent. */
  readonly out: number;
  /** Bytes that may be written, holes not counted. */
  readonly limit: number;
  /** Stored bytes read so far. */
  readonly progress?: (position: number) => void;
  readonly signal?: AbortSignal | undefined;
}

/** Of the largest record (src/sys/scan.ts). */
const BUFFER_SIZE = 8 << 20;

const HEADER_IN_RECORD = 32;

/** The uncompressed length. Throws FormatError for anything but a tar or is cut short, the signal's reason once it is aborted. */
export async function unpackTar(tar: CompressedTar, options: UnpackOptions): Promise<number> {
  const { out, limit, progress, signal } = options;
  const result = await runScan(
    {
      ...scanOptions(tar),
      label: tar.label,
      spillFd: out,
      spillThreshold: 0,
      spillLimit: limit,
      ...(signal && { signal }),
      ...(progress && { onProgress: progress }),
    },
    () => undefined,
  );
  return result.tarSize;
}

/**
 * Calls `visit` with the names (canonical; bytes as latin1) of the first members, in order, until it answers false. What
 * lies behind the last header is hardly touched. Throws FormatError for anything but a tar.
 */
export async function visitFirstNames(tar: CompressedTar, visit: (name: string) => boolean): Promise<void> {
  const scan = new BlobScan(scanOptions(tar));
  try {
    const reader = new MemberReader(tar.label);
    const { member } = reader;
    for (;;) {
      const records = await nextRecords(scan);
      if (records.length === 0) return;
      for (let at = 0; at < records.length;) {
        const frame = frameAt(records, at);
        at += RECORD_HEADER_SIZE + Math.ceil(frame.metaLength / 8) * 8;
        const isMember = reader.read(frame);
        if (isMember && !visit(Buffer.from(member.path.buffer, 0, member.pathLength).toString('latin1')))
          return;
      }
    }
  } catch (error) {
    throw isScanError(error) ? formatErrorOf(error, tar.label, tar.compression) : error;
  } finally {
    scan.close();
  }
}

function scanOptions({ fd, length, compression }: CompressedTar): ScanOptions {
  return { fd, offset: 0, length, compression, hash: false, spanSize: Number.MAX_SAFE_INTEGER };
}

/** One record, or few where it has an extended header: the next may lie behind gigabytes. Empty at the end. */
async function nextRecords(scan: BlobScan): Promise<Buffer> {
  for (let size = RECORD_HEADER_SIZE; ; size *= 2) {
    const records = Buffer.allocUnsafe(size);
    try {
      return records.subarray(0, await scan.next(records));
    } catch (error) {
      // The buffer is too small: the record is still to be had.
      if (!(error instanceof RangeError) || size > BUFFER_SIZE) throw error;
    }
  }
}

function frameAt(records: Buffer, at: number): Frame {
  return {
    bytes: records,
    header: at + HEADER_IN_RECORD,
    offset: records.readDoubleLE(at),
    dataOffset: records.readDoubleLE(at + 8),
    dataLength: records.readDoubleLE(at + 16),
    meta: at + RECORD_HEADER_SIZE,
    metaLength: records.readUInt32LE(at + 24),
  };
}
