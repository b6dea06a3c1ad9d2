// Bytes to standard output, no faster than they are taken.
import { once } from 'node:events';

export async function writeStdout(bytes: Uint8Array): Promise<void> {
  if (!process.stdout.write(bytes)) await once(process.stdout, 'drain');
}
