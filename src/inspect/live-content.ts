// Reads a file that other processes may write to meanwhile, and always returns as many bytes as the file had when its size
// was taken. If the file has become shorter, zeros follow, as in GNU tar; a file that was removed or replaced has no bytes.
import { EIO, ErrnoError } from '../vfs/errno.ts';

const ZEROS = new Uint8Array(1 << 16);

/** `bytes` has `size` bytes, or fails. `onShort` is called if zeros replace missing bytes. undefined: the file can't be opened. */
export async function readLive(
  bytes: AsyncGenerator<Uint8Array, void>,
  size: number,
  onShort: () => void,
): Promise<AsyncIterable<Uint8Array> | undefined> {
  try {
    return continueLive(await bytes.next(), bytes, size, onShort);
  } catch (error) {
    if (!(error instanceof ErrnoError)) throw error;
    if (error.errno !== -EIO) return undefined;
    // The file still exists but is shorter.
    onShort();
    return continueLive({ done: true, value: undefined }, bytes, size, onShort);
  }
}

async function* continueLive(
  first: IteratorResult<Uint8Array, void>,
  bytes: AsyncGenerator<Uint8Array, void>,
  size: number,
  onShort: () => void,
): AsyncGenerator<Uint8Array, void> {
  let left = size;
  try {
    for (let next = first; next.done !== true; next = await bytes.next()) {
      left -= next.value.length;
      yield next.value;
    }
  } catch (error) {
    if (!(error instanceof ErrnoError)) throw error;
    onShort();
  }
  for (; left > 0; left -= ZEROS.length) yield ZEROS.subarray(0, Math.min(left, ZEROS.length));
}
