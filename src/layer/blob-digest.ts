// The digest of a blob's stored bytes, whatever they are.
import { closeSync } from 'node:fs';
import type { BlobLocation } from './layer.ts';
import { SPAN_SIZE } from './open-layer.ts';
import { openBlob } from './open-blob.ts';
import { type RunScanOptions, runScan } from './run-scan.ts';

/** `sha256:<hex>`. Rejects with Node's error if the file can't be read, with the signal's reason when aborted. */
export async function digestOfBlob(
  blob: BlobLocation,
  options: Pick<RunScanOptions, 'label' | 'signal'>,
): Promise<string> {
  const fd = openBlob(blob);
  try {
    const { offset, length } = blob;
    const scan = { fd, offset, length, compression: 'opaque', hash: true, spanSize: SPAN_SIZE } as const;
    const { blobSha256 = '' } = await runScan({ ...options, ...scan }, () => undefined);
    return `sha256:${blobSha256}`;
  } finally {
    closeSync(fd);
  }
}
