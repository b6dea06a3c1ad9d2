// Connects a SpanReader with the native decoder of members. A member whose pieces are wrong is fetched again.
import type { Block, BlockCache } from '../cache/block-cache.ts';
import { PIECE_RECORD_SIZE, readMembers } from '../sys/span-reader.ts';
import type { BlobReader } from '../vfs/blob-reader.ts';
import { EIO } from '../vfs/errno.ts';
import { MAX_MEMBER_SIZE, type MemberSpans } from './member-spans.ts';
import type { ArrivingBlob } from './partial-content.ts';
import { SpanReader } from './span-reader.ts';

/** Requests for a member whose pieces are wrong each time. */
const MAX_ROUNDS = 3;

/** The reader owns `blob` from now on. */
export function openMemberReader(blob: ArrivingBlob, spans: MemberSpans, cache: BlockCache): BlobReader {
  const decode = async (span: number): Promise<Block> => {
    const size = (spans.plainOffset[span + 1] as number) - (spans.plainOffset[span] as number);
    if (size > MAX_MEMBER_SIZE) return -EIO;
    const start = spans.storedStart[span] as number;
    const length = (spans.storedEnd[span] as number) - start;
    const pieces = spans.pieces.subarray(
      PIECE_RECORD_SIZE * (spans.firstPiece[span] as number),
      PIECE_RECORD_SIZE * (spans.firstPiece[span + 1] as number),
    );
    for (let round = 1; ; round++) {
      const turn = blob.turn();
      const state = (await blob.have(start, length)) ?? 0;
      if (state < 0) return state;
      const out = Buffer.allocUnsafeSlow(size);
      const kind = spans.kind[span] as number;
      const filled = await readMembers(blob.fd, blob.offset + start, length, kind, pieces, out);
      if (filled === size) return out;
      if (!blob.reject(start, length, turn, round === MAX_ROUNDS)) return -EIO;
    }
  };
  return new SpanReader(
    spans,
    cache.newOwner(),
    decode,
    () => blob.close(),
    undefined,
    () => blob.isSourceChanged(),
  );
}
