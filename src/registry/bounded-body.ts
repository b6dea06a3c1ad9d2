// Reads bodies of answers whose size has a limit.

/** All bytes; undefined if there are more than `limit`. Throws the errors of the connection. */
export async function readBounded(
  body: AsyncIterable<Uint8Array>,
  limit: number,
): Promise<Buffer | undefined> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of body) {
    size += piece.length;
    if (size > limit) return undefined;
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}
