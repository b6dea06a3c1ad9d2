// The digest of a file's bytes, computed on a pool thread.
import { BlobScan } from '../sys/scan.ts';

/** The sha256 of the first `length` bytes, in lower-case hex; '' if it was aborted. */
export async function digestOfFile(fd: number, length: number, signal: AbortSignal): Promise<string> {
  const scan = new BlobScan({ fd, offset: 0, length, compression: 'opaque', hash: true, spanSize: 1 << 20 });
  const stop = (): void => scan.close();
  signal.addEventListener('abort', stop);
  try {
    const records = new Uint8Array(8 << 20);
    while (!signal.aborted && (await scan.next(records)) > 0);
    return signal.aborted ? '' : (scan.result().blobSha256 ?? '');
  } catch (error) {
    if (signal.aborted) return '';
    throw error;
  } finally {
    signal.removeEventListener('abort', stop);
    scan.close();
  }
}
