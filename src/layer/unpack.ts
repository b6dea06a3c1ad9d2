// Unpacks a compressed tar into a file, in one pass with bounded memory, so that the blobs of an image archive can be
// read in place. Pages of zeros become holes.
import { BlobScan, RECORD_HEADER_SIZE, type ScanOptions } from '../sys/scan.ts';
import { type Frame, MemberReader } from '../tar/member.ts';
import type { Compression } from './layer.ts';
import { formatErrorOf, isScanError, runScan } from './run-scan.ts';

/** A file that is one compressed tar. */
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
  /** Limit of the bytes to write, not counting holes. */
  readonly limit: number;
  /** Stored bytes read so far. */
  readonly progress?: (position: number) => void;
  readonly signal?: AbortSignal | undefined;
}

/** The size of the largest record (src/sys/scan.ts). */
const BUFFER_SIZE = 8 << 20;

const HEADER_IN_RECORD = 32;

/**
 * Returns the uncompressed length. Throws FormatError for anything but a tar and for one that is cut short, the
 * signal's reason when aborted.
 */
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
 * Calls `visit` with the names of the first members (canonical, bytes as latin1), in order, until it returns false.
 * Reads little beyond the last header. Throws FormatError for anything but a tar.
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

/** One record, or a few with extended headers: the next one may be gigabytes away. Empty at the end. */
async function nextRecords(scan: BlobScan): Promise<Buffer> {
  for (let size = RECORD_HEADER_SIZE; ; size *= 2) {
    const records = Buffer.allocUnsafe(size);
    try {
      return records.subarray(0, await scan.next(records));
    } catch (error) {
      // The buffer is too small. The scan still has the record.
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
