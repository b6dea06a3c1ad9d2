// MemberSpans: the parts of a blob that were compressed one by one (gzip members, zstd frames), each with what it holds of
// the files of a layer: so eStargz and zstd:chunked say it.
//
// The text of a member begins with one or more pieces of files. What follows them (padding, headers of the tar) has no
// place in the layer's bytes: those are the pieces alone, so offsets in them are not offsets in the tar. Each piece has its
// sha256, and nothing of a member is used before all its pieces were compared.
import type { LayerIndex } from './layer-index.ts';

/** Uncompressed bytes of a member that are decompressed at once. */
export const MAX_MEMBER_SIZE = 64 << 20;

export interface MemberSpans {
  readonly count: number;
  /** The offset of each member in the layer's bytes; one more element: the total. */
  readonly plainOffset: Float64Array;
  /** The stored bytes of a member lie between these offsets in the blob; more may follow in them. */
  readonly storedStart: Float64Array;
  readonly storedEnd: Float64Array;
  /** SpanKind.inflate or SpanKind.zstd. */
  readonly kind: Uint8Array;
  /** The pieces of member i are records firstPiece[i] to firstPiece[i + 1] - 1 of `pieces`. */
  readonly firstPiece: Uint32Array;
  /** In the form of `readMembers` (sys/span-reader.ts). */
  readonly pieces: Uint8Array;
}

/** What somebody else's index says of a layer. */
export interface MemberIndex {
  /** Offsets of bytes of files are those of `spans`. */
  readonly index: LayerIndex;
  readonly spans: MemberSpans;
  /** Names in the root of the tar that belong to the format, and are not in `index`. */
  readonly leftOut: readonly string[];
}
