// LayerSummary: sizes and counts of one layer, computed from its index without reading the blob.
import { createHash } from 'node:crypto';
import type { LayerSource } from '../image/image.ts';
import type { BlobLocation, Compression } from '../layer/layer.ts';
import { DentryKind, InodeFlag, type LayerIndex } from '../layer/layer-index.ts';
import { sizeOfLayer } from '../layer/layer-size.ts';
import { S_IFDIR, S_IFMT, S_IFREG } from '../vfs/attr.ts';
import type { InspectedImage } from './inspected-image.ts';

/** Sizes and counts of one layer. */
export interface LayerSummary {
  /** Counted from 1 at the base. */
  readonly number: number;
  /** `sha256:<hex>` of the uncompressed tar, of the blob as stored, of the stack up to here; undefined where unknown. */
  readonly diffId: string | undefined;
  readonly digest: string | undefined;
  readonly chainId: string | undefined;
  readonly compression: Compression;
  /** The file that holds the stored bytes. */
  readonly blob: BlobLocation | undefined;
  /** The path of a layer that is a directory. */
  readonly directory: string | undefined;
  /** For a layer whose sizes and counts are unknown, foreign or not fetched: the reason that it can't be opened. */
  readonly missing: string | undefined;
  /** The layer's size as docker counts it: bytes of its regular files, each inode once. */
  readonly size: number;
  /** Bytes as stored, and as an uncompressed tar; 0 for a directory. */
  readonly storedSize: number;
  readonly tarSize: number;
  readonly counts: LayerCounts;
}

/** Counts the names of a layer by file type. Directories that only hold whiteouts are not counted. */
export interface LayerCounts {
  readonly files: number;
  readonly directories: number;
  /** Symlinks, devices, fifos. */
  readonly others: number;
  readonly whiteouts: number;
  readonly opaques: number;
}

/** Base first. */
export function summariseLayers({ layers }: InspectedImage): LayerSummary[] {
  let chainId: string | undefined;
  return layers.map(({ layer, source }, i) => {
    const diffId = layer.diffId ?? claimedDiffId(source);
    chainId = i === 0 ? diffId : chainOf(chainId, diffId);
    const blob = source.kind === 'blob' ? source.blob : undefined;
    return {
      number: i + 1,
      diffId,
      digest: layer.digest ?? (source.kind === 'directory' ? undefined : source.digest),
      chainId,
      compression: layer.compression,
      blob,
      directory: source.kind === 'directory' ? source.path : undefined,
      missing: source.kind === 'foreign' ? source.reason : undefined,
      size: sizeOfLayer(layer.index),
      storedSize: blob?.length ?? (source.kind === 'foreign' ? source.storedSize : undefined) ?? 0,
      tarSize: blob === undefined ? 0 : layer.reader.size,
      counts: countNames(layer.index),
    };
  });
}

/** The digests that the image states, which are not verified. */
function claimedDiffId(source: LayerSource): string | undefined {
  return source.kind === 'directory' ? undefined : source.diffId;
}

/** OCI image-spec, config.md, "Layer ChainID". */
function chainOf(below: string | undefined, diffId: string | undefined): string | undefined {
  if (below === undefined || diffId === undefined) return undefined;
  return `sha256:${createHash('sha256').update(`${below} ${diffId}`).digest('hex')}`;
}

function countNames(index: LayerIndex): LayerCounts {
  const counts = { files: 0, directories: 0, others: 0, whiteouts: 0, opaques: 0 };
  // The root has no name, but may be opaque.
  if (((index.inodeFlags[0] ?? 0) & InodeFlag.opaque) !== 0) counts.opaques++;
  for (let dentry = 1; dentry < index.dentryCount; dentry++) {
    const kind = index.dentryKind[dentry];
    if (kind === DentryKind.whiteout) counts.whiteouts++;
    else if (kind === DentryKind.lowerLink) counts.files++;
    else countInode(index, index.dentryTarget[dentry] as number, counts);
  }
  return counts;
}

function countInode(
  index: LayerIndex,
  inode: number,
  counts: { -readonly [Key in keyof LayerCounts]: number },
): void {
  const type = (index.mode[inode] as number) & S_IFMT;
  if (type === S_IFREG) counts.files++;
  else if (type !== S_IFDIR) counts.others++;
  else {
    const flags = index.inodeFlags[inode] as number;
    if ((flags & InodeFlag.opaque) !== 0) counts.opaques++;
    if ((flags & InodeFlag.carrier) === 0) counts.directories++;
  }
}
