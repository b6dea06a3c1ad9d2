// Opens one layer: uses what an earlier mount learnt, else reads the blob once from end to end.
//
// That pass hashes, decompresses, makes the checkpoints and finds the tar headers in native code; the headers are
// interpreted here. Digests are compared before the layer is used. The result of a pass is saved under the blob's
// digest. A stamp records which bytes of which file had that digest: a new or changed file is hashed again, even if its
// claimed digest is known.
import { closeSync, fstatSync, readSync } from 'node:fs';
import type { BlockCache } from '../cache/block-cache.ts';
import { type ScanOptions, type ScanResult, SpanKind, type SpanTable } from '../sys/scan.ts';
import { fileStateOf } from '../sys/file-state.ts';
import type { BlobReader, FileState } from '../vfs/blob-reader.ts';
import { FormatError, InputError } from '../vfs/input-error.ts';
import { detectCompression, isUnpackedWhole, MAGIC_LENGTH } from './compression.ts';
import { refuseOtherFiles } from './file-kind.ts';
import { LayerIndexBuilder, readBytes } from './index-builder.ts';
import type { IndexedBlob, IndexedLayer } from './index-file.ts';
import { type BlobIdentity, type IndexStore, identityOf, keyOfIdentity } from './index-store.ts';
import type { BlobLocation, Compression, ExpectedDigests, Layer, LayerBytes } from './layer.ts';
import type { LayerPool } from './layer-pool.ts';
import { PlainReader } from './plain-reader.ts';
import { openBlob } from './open-blob.ts';
import { openSpanReader, storedInFile } from './open-span-reader.ts';
import { PlainSpill } from './plain-spill.ts';
import { runScan } from './run-scan.ts';

/** When to hash a blob and compare it with the digests of the image. */
export type Verification =
  /** If these bytes of this file were not verified before. */
  | 'when-new'
  | 'always'
  /** Never only to verify. A wrong digest is not an error. */
  | 'never';

export interface OpenLayerOptions {
  /** The blob's name in messages: "layer 3 of image.tar". */
  readonly label: string;
  readonly cache: BlockCache;
  /** The open layers of this process, whose readers use `cache`; undefined: the layer is opened for its caller alone. */
  readonly pool?: LayerPool | undefined;
  /** The store of indexes; undefined: none. */
  readonly store: IndexStore | undefined;
  readonly verify: Verification;
  /** False: a blob that was never indexed is refused with an InputError instead of being read. */
  readonly mayIndex?: boolean | undefined;
  readonly signal?: AbortSignal;
  /** Gets the number of stored bytes read, now and then, and at the end the total. */
  readonly onProgress?: (bytesDone: number) => void;
  /** Gets one line when uncompressed bytes were saved because they can't be read in place. */
  readonly onNotice?: (text: string) => void;
}

/** Uncompressed bytes between checkpoints; docs/formats.md explains the choice. */
export const SPAN_SIZE = 1 << 20;
/** A longer span is saved uncompressed. */
const SPILL_THRESHOLD = 16 << 20;

/**
 * Throws InputError for anything but a readable tar blob, and for another digest than `expected`; FormatError for a
 * malformed blob; the signal's reason when aborted; Node's error if the file can't be opened.
 */
export async function openLayer(
  blob: BlobLocation,
  expected: ExpectedDigests,
  options: OpenLayerOptions,
): Promise<Layer> {
  const fd = openBlob(blob);
  let opening: LayerOpening | undefined;
  try {
    opening = new LayerOpening(fd, blob, expected, options);
    const { pool, signal } = options;
    if (pool === undefined) return await opening.open();
    const { key, accepts, open } = opening;
    return await pool.inTurn(key, signal, async () => {
      const index = pool.indexOf(key);
      const bytes = index === undefined ? undefined : pool.take(key, accepts);
      if (index === undefined || bytes === undefined) return pool.add(key, await open());
      closeSync(fd);
      return { ...bytes, index };
    });
  } catch (error) {
    opening?.discardSpill();
    closeSync(fd);
    throw error;
  }
}

/**
 * Only the layer's bytes, if an earlier mount verified them and saved what is needed to read them; else undefined.
 * Reads only what was saved, and writes nothing. Throws as `openLayer`.
 */
export async function reopenLayerBytes(
  blob: BlobLocation,
  expected: ExpectedDigests,
  options: Pick<OpenLayerOptions, 'label' | 'cache' | 'pool' | 'store' | 'verify' | 'signal'>,
): Promise<LayerBytes | undefined> {
  const fd = openBlob(blob);
  try {
    const opening = new LayerOpening(fd, blob, expected, options);
    const { pool, signal } = options;
    const reopen = async (): Promise<LayerBytes | undefined> => {
      const bytes = await opening.reopenBytes();
      if (bytes === undefined) closeSync(fd);
      return bytes;
    };
    if (pool === undefined) return await reopen();
    const { key, accepts } = opening;
    return await pool.inTurn(key, signal, async () => {
      const shared = pool.take(key, accepts);
      if (shared !== undefined) {
        closeSync(fd);
        return shared;
      }
      const bytes = await reopen();
      return bytes === undefined ? undefined : pool.add(key, bytes);
    });
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

class LayerOpening {
  readonly #fd: number;
  readonly #blob: BlobLocation;
  readonly #expected: ExpectedDigests;
  readonly #options: OpenLayerOptions;
  readonly #identity: BlobIdentity;
  readonly #state: FileState;
  readonly #compression: Compression;
  #spill: PlainSpill | undefined;

  constructor(fd: number, blob: BlobLocation, expected: ExpectedDigests, options: OpenLayerOptions) {
    this.#fd = fd;
    this.#blob = blob;
    this.#expected = expected;
    this.#options = options;
    const stats = fstatSync(fd, { bigint: true });
    this.#identity = identityOf(stats, blob.offset, blob.length);
    this.#state = fileStateOf(stats);
    if (BigInt(blob.offset + blob.length) > stats.size) {
      throw new FormatError(
        blob.path,
        Number(stats.size),
        'the end of the file',
        `${options.label} to end at byte ${blob.offset + blob.length}`,
      );
    }
    const magic = new Uint8Array(Math.min(MAGIC_LENGTH, blob.length));
    readSync(fd, magic, 0, magic.length, blob.offset);
    this.#compression = detectCompression(magic, options.label);
  }

  /** Names the bytes, whatever they are expected to be. */
  get key(): string {
    return keyOfIdentity(this.#identity);
  }

  /** True for open bytes of the same `key` that may be used without another look at them. */
  readonly accepts = ({ facts }: LayerBytes): boolean => {
    const digest = hexOf(this.#expected.digest);
    return (
      this.#options.verify !== 'always' &&
      facts !== undefined &&
      (digest === undefined || digest === facts.blobSha256) &&
      this.#fits(facts)
    );
  };

  readonly open = async (): Promise<Layer> => {
    const { store, verify } = this.#options;
    const claimed = this.#claimedSha256();
    const stamped = this.#stamped();
    if (stamped === undefined) this.#requireIndexing();
    // Hashing a plain blob only to find its saved index takes longer than scanning its headers again.
    if (verify === 'never' && stamped === undefined && this.#compression === 'none') return this.#scan();
    const sha256 = stamped ?? claimed;
    const indexed = sha256 === undefined ? undefined : await store?.loadIndex(sha256);
    if (indexed !== undefined && this.#fits(indexed)) {
      const sha256 = stamped ?? (await this.#hash());
      if (sha256 === indexed.blobSha256) {
        const bytes = this.#reopen(indexed, stamped);
        if (bytes !== undefined) return { ...bytes, index: indexed.index };
      } else this.#compare('digest', sha256, claimed);
    }
    return this.#scan();
  };

  async reopenBytes(): Promise<LayerBytes | undefined> {
    const { store, pool } = this.#options;
    const stamped = this.#stamped();
    const saved =
      stamped === undefined ? undefined : (pool?.factsOf(stamped) ?? (await store?.loadBlob(stamped)));
    return saved !== undefined && this.#fits(saved) ? this.#reopen(saved, stamped) : undefined;
  }

  discardSpill(): void {
    this.#spill?.discard();
  }

  /** The digest that the image states for the stored bytes. For a plain tar it is the DiffID. */
  #claimedSha256(): string | undefined {
    const { digest, diffId } = this.#expected;
    return hexOf(digest) ?? (this.#compression === 'none' ? hexOf(diffId) : undefined);
  }

  /** The digest that these bytes of this file had at an earlier mount. */
  #stamped(): string | undefined {
    const { store, verify } = this.#options;
    return verify === 'always' ? undefined : store?.verifiedDigest(this.#identity);
  }

  /** False also for another DiffID than the image's: the pass over the blob then reports the reason. */
  #fits(indexed: IndexedBlob): boolean {
    const diffId = hexOf(this.#expected.diffId);
    const isKnown = diffId !== undefined && indexed.tarSha256 !== undefined;
    if (isKnown && diffId !== indexed.tarSha256 && this.#options.verify !== 'never') return false;
    return this.#compression === 'none' ? indexed.tarSize === this.#blob.length : indexed.spans.count > 0;
  }

  /**
   * The bytes, opened with what was saved about them; undefined if their spill file is gone. `stamped` is the digest
   * that is recorded for this place: writing it again would cost six system calls per layer at every mount.
   */
  #reopen(indexed: IndexedBlob, stamped: string | undefined): LayerBytes | undefined {
    this.#compare('digest', indexed.blobSha256, hexOf(this.#expected.digest));
    let spillFd: number | undefined;
    if (indexed.hasSpilled) {
      spillFd = this.#options.store?.openPlain(indexed.blobSha256 ?? '', indexed.tarSize);
      if (spillFd === undefined) return undefined;
    }
    if (indexed.blobSha256 !== undefined && indexed.blobSha256 !== stamped) {
      this.#options.store?.setVerifiedDigest(this.#identity, indexed.blobSha256);
    }
    return this.#bytes(indexed, this.#reader(indexed, spillFd));
  }

  /** Throws InputError if the blob may not be read. */
  #requireIndexing(): void {
    if (this.#options.mayIndex === false) throw new InputError(`${this.#options.label}: was never indexed`);
  }

  /** Scans the whole blob. */
  async #scan(): Promise<Layer> {
    this.#requireIndexing();
    const { store, verify, label } = this.#options;
    const hash = verify !== 'never' || this.#compression !== 'none' || this.#blob.mustVerify === true;
    const spill = this.#compression === 'none' ? undefined : PlainSpill.create(store?.plainDirectory());
    this.#spill = spill;
    const builder = new LayerIndexBuilder(label);
    let recordBytes = 0;
    const expectedTarSha256 = hexOf(this.#expected.diffId);
    const result = await this.#run(
      {
        compression: this.#compression,
        hash,
        ...(expectedTarSha256 === undefined ? {} : { expectedTarSha256 }),
        ...(spill === undefined
          ? {}
          : { spillFd: spill.fd, spillThreshold: this.#spillThreshold(), spillLimit: spill.limit }),
      },
      (records, length) => {
        recordBytes += length;
        builder.add(records, length);
      },
    );
    this.#compare('digest', result.blobSha256, hexOf(this.#expected.digest));
    const isRefusable = verify !== 'never' && this.#blob.mustVerify !== true;
    if (isRefusable && result.missingZeros > 0) throw this.#unpadded(result);
    this.#compare('DiffID', result.tarSha256, expectedTarSha256);
    if (!result.hasSpilled) {
      spill?.discard();
      this.#spill = undefined;
    }
    const reader = this.#reader(result, result.hasSpilled ? spill?.fd : undefined);
    if (recordBytes === 0 && !this.#isExpected()) {
      await refuseOtherFiles(label, reader.size, (offset, length) => readBytes(reader, offset, length));
    }
    builder.endScan(result.isLastTailClean);
    await builder.readSparseMaps(reader);
    const index = builder.finish();
    if (result.hasSpilled) {
      spill?.keep(result.blobSha256 ?? '');
      this.#announceSpill(result.spans);
    }
    const indexed: IndexedLayer = {
      index,
      spans: result.spans,
      tarSize: result.tarSize,
      blobSha256: result.blobSha256,
      tarSha256: result.tarSha256,
      hasSpilled: result.hasSpilled,
      chunkSha256: result.chunkSha256,
    };
    if (store !== undefined && result.blobSha256 !== undefined) {
      await store.saveIndex(result.blobSha256, indexed);
      store.setVerifiedDigest(this.#identity, result.blobSha256);
    }
    return { ...this.#bytes(indexed, reader), index: indexed.index };
  }

  /** True if the image states the digest of these bytes: then any content is legitimate. */
  #isExpected(): boolean {
    return this.#expected.digest !== undefined || this.#expected.diffId !== undefined;
  }

  #spillThreshold(): number {
    return isUnpackedWhole(this.#compression) ? 0 : SPILL_THRESHOLD;
  }

  async #hash(): Promise<string | undefined> {
    const result = await this.#run({ compression: 'opaque', hash: true }, () => undefined);
    return result.blobSha256;
  }

  #run(
    options: Omit<ScanOptions, 'fd' | 'offset' | 'length' | 'spanSize'>,
    take: (records: Uint8Array, length: number) => void,
  ): Promise<ScanResult> {
    const { signal, onProgress, label } = this.#options;
    const { offset, length } = this.#blob;
    return runScan(
      {
        ...options,
        label,
        fd: this.#fd,
        offset,
        length,
        spanSize: SPAN_SIZE,
        ...(signal === undefined ? {} : { signal }),
        ...(onProgress === undefined ? {} : { onProgress }),
      },
      take,
    );
  }

  #compare(kind: string, actual: string | undefined, expected: string | undefined): void {
    const { mustVerify = false } = this.#blob;
    if (!mustVerify && this.#options.verify === 'never') return;
    if (actual === undefined || expected === undefined) return;
    if (actual === expected) return;
    const why = mustVerify
      ? 'it is a symlink out of the layout, so its digest must be right'
      : 'the archive is damaged (--no-verify mounts it all the same)';
    throw new InputError(
      `${this.#options.label}: found ${kind} sha256:${actual}, expected sha256:${expected}: ${why}`,
      { code: 'ERR_STRATAFS_DIGEST' },
    );
  }

  #unpadded({ tarSha256, missingZeros }: ScanResult): InputError {
    return new InputError(
      `${this.#options.label}: the tar ends without its padding: ${missingZeros} bytes of zeros are missing, as skopeo 1.9 leaves them out of zstd:chunked layers, so its DiffID is sha256:${tarSha256 ?? ''} and not ${this.#expected.diffId ?? ''}; the files are whole: --no-verify mounts it`,
    );
  }

  #announceSpill(spans: SpanTable): void {
    const { label, store, onNotice } = this.#options;
    let bytes = 0;
    for (let i = 0; i < spans.count; i++) {
      if (spans.kind[i] !== SpanKind.spill) continue;
      bytes += (spans.plainOffset[i + 1] as number) - (spans.plainOffset[i] as number);
    }
    const place = store?.plainDirectory() ?? 'a temporary file';
    onNotice?.(
      `${label}: ${Math.ceil(bytes / 2 ** 20)} MiB of ${this.#compression} can't be read in place: kept uncompressed in ${place}`,
    );
  }

  #reader(indexed: Pick<IndexedBlob, 'spans' | 'tarSize'>, spillFd: number | undefined): BlobReader {
    if (this.#compression === 'none') {
      return new PlainReader(this.#fd, this.#blob.offset, indexed.tarSize, this.#state);
    }
    const stored = storedInFile(this.#fd, this.#blob, this.#state);
    return openSpanReader(stored, indexed.spans, this.#options.cache, spillFd);
  }

  #bytes(indexed: IndexedBlob, reader: BlobReader): LayerBytes {
    const { spans, tarSize, blobSha256, tarSha256, hasSpilled, chunkSha256 } = indexed;
    return {
      reader,
      compression: this.#compression,
      digest: digestOf(blobSha256),
      diffId: digestOf(tarSha256),
      facts: { spans, tarSize, blobSha256, tarSha256, hasSpilled, chunkSha256 },
      close: () => reader.close(),
    };
  }
}

const hexOf = (digest: string | undefined): string | undefined => digest?.replace(/^sha256:/, '');
const digestOf = (hex: string | undefined): string | undefined =>
  hex === undefined ? undefined : `sha256:${hex}`;
