// Runs a native scan over a whole blob: passes on its records, reports progress, and can be aborted at any time.
import { BlobScan, type ScanError, type ScanOptions, type ScanResult } from '../sys/scan.ts';
import { FormatError } from '../vfs/input-error.ts';

export interface RunScanOptions extends ScanOptions {
  /** The blob's name in messages. */
  readonly label: string;
  readonly signal?: AbortSignal;
  /** Gets the number of stored bytes read, now and then, and at the end the total. */
  readonly onProgress?: (bytesDone: number) => void;
}

/** Large enough for any record. */
const RECORD_BUFFER_SIZE = 8 << 20;
const PROGRESS_INTERVAL_MS = 100;

/**
 * `take` gets whole records: bytes 0 to `length` of a buffer, which is lent. After the promise has settled nothing uses
 * the descriptors. Throws FormatError for a malformed blob, the signal's reason when aborted.
 */
export async function runScan(
  options: RunScanOptions,
  take: (records: Uint8Array, length: number) => void,
): Promise<ScanResult> {
  const { signal, onProgress, label } = options;
  signal?.throwIfAborted();
  const scan = new BlobScan(options);
  const stop = (): void => scan.close();
  signal?.addEventListener('abort', stop);
  const timer = onProgress && setInterval(() => onProgress(scan.position), PROGRESS_INTERVAL_MS);
  try {
    const records = new Uint8Array(RECORD_BUFFER_SIZE);
    for (let filled; (filled = await scan.next(records)) > 0;) take(records, filled);
    onProgress?.(options.length);
    return scan.result();
  } catch (error) {
    signal?.throwIfAborted();
    throw isScanError(error) ? formatErrorOf(error, label, options.compression) : error;
  } finally {
    clearInterval(timer);
    signal?.removeEventListener('abort', stop);
    scan.close();
  }
}

/** The error of a scan, as a message for people. */
export function formatErrorOf(
  error: ScanError,
  label: string,
  compression: ScanOptions['compression'],
): FormatError {
  const where = error.unit === 'tar' && compression !== 'none' ? `${label} (uncompressed)` : label;
  return new FormatError(where, error.offset, error.found, error.expected);
}

export const isScanError = (error: unknown): error is ScanError =>
  error instanceof Error && 'code' in error && error.code === 'SCAN';
