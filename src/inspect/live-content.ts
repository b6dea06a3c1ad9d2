// The bytes of a file that others may write to while it is read: as many as it had when its size was taken. What it has lost
// since is zeros, as GNU tar has it; a file whose name is gone, or another's, has none.
import { EIO, ErrnoError } from '../vfs/errno.ts';

const ZEROS = new Uint8Array(1 << 16);

/** `bytes` end after `size` of them, or fail. `onShort` is told where zeros stand for some. undefined: it can't be opened. */
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
    // It is there, and shorter.
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
