// MemberContent: a partly fetched layer, read by the index of another program (member-spans.ts).
//
// Pieces of files are verified after they were decompressed, by their digests in the index.
import type { BlockCache } from '../cache/block-cache.ts';
import { SpanKind } from '../sys/scan.ts';
import type { BlobReader } from '../vfs/blob-reader.ts';
import { compareWithWhole } from './compare-layers.ts';
import type { Compression } from './layer.ts';
import type { MemberIndex } from './member-spans.ts';
import { openMemberReader } from './open-member-reader.ts';
import type { ArrivingBlob, PartialContent, WholeLayer } from './partial-content.ts';

export class MemberContent implements PartialContent {
  readonly compression: Compression;
  readonly size: number;
  readonly #members: MemberIndex;
  readonly #stop = new AbortController();

  constructor(members: MemberIndex) {
    const { spans } = members;
    this.#members = members;
    this.size = spans.plainOffset[spans.count] as number;
    this.compression = spans.kind[0] === SpanKind.zstd ? 'zstd' : 'gzip';
  }

  open(stored: ArrivingBlob, cache: BlockCache): BlobReader {
    return openMemberReader(stored, this.#members.spans, cache);
  }

  addWindowsSource(): undefined {
    return undefined;
  }

  prefetch(): void {
    // The index lacks nothing.
  }

  accept(own: WholeLayer): Promise<void> {
    return compareWithWhole(this.#members, own, this.#stop.signal);
  }

  stop(): void {
    this.#stop.abort();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
