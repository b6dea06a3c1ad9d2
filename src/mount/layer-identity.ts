// What names the layers beneath an upper directory, the same at every mount of them, in 16 bytes.
//
// A blob is named by its DiffID, so an image that is saved anew, or with other compression, is the same image. A
// directory is named by its real path and inode number: device numbers change when a machine starts anew. What it holds
// may change while it is not mounted; `tree` then differs, and what was noted of the old tree's inodes is void.
import { createHash, type Hash } from 'node:crypto';
import { realpathSync, statSync } from 'node:fs';
import type { LayerSource } from '../image/image.ts';
import type { LayerIndex } from '../layer/layer-index.ts';
import type { LayerBytes } from '../layer/layer.ts';

const LENGTH = 16;

export interface LayersIdentity {
  /** For which layers an upper was made: another one is refused. */
  readonly layers: Uint8Array;
  /** Which inode is meant by a number of the merged tree. */
  readonly tree: Uint8Array;
}

/** What identifies a layer: of a directory, its index. */
export interface IdentifiedLayer {
  readonly layer: Pick<LayerBytes, 'digest' | 'diffId'> & { readonly index?: LayerIndex };
  readonly source: LayerSource;
}

/** `layers`: all that are merged, base first. */
export function identifyLayers(layers: readonly IdentifiedLayer[]): LayersIdentity {
  const names = createHash('sha256');
  const structure = createHash('sha256');
  for (const identified of layers) {
    const name = `${nameOf(identified)}\0`;
    names.update(name);
    structure.update(name);
    if (identified.source.kind !== 'directory') continue;
    const { index } = identified.layer;
    if (index === undefined) throw new Error('a directory has no index');
    addStructure(structure, index);
  }
  return { layers: end(names), tree: end(structure) };
}

/** `layers` of their identity alone, which takes no time, in hex. */
export function nameLayers(layers: readonly IdentifiedLayer[]): string {
  const names = createHash('sha256');
  for (const identified of layers) names.update(`${nameOf(identified)}\0`);
  return Buffer.from(end(names)).toString('hex');
}

function nameOf({ layer, source }: IdentifiedLayer): string {
  if (source.kind === 'directory') {
    const path = realpathSync.native(source.path);
    return `directory ${statSync(path, { bigint: true }).ino} ${path}`;
  }
  const diffId = layer.diffId ?? source.diffId;
  if (diffId !== undefined) return `DiffID ${diffId}`;
  const digest = layer.digest ?? source.digest;
  if (digest !== undefined) return `digest ${digest}`;
  if (source.kind === 'foreign') throw new Error('a foreign layer has a digest');
  // A bare tar that nobody has hashed (--no-verify).
  const { path, offset, length } = source.blob;
  return `blob ${offset} ${length} ${realpathSync.native(path)}`;
}

/** All that decides how the merged tree's inodes are numbered: names, types, what is linked, what is hidden. */
function addStructure(hash: Hash, index: LayerIndex): void {
  const types = Uint8Array.from(index.mode, (mode) => mode >>> 12);
  for (const column of [
    index.pool,
    index.nameOffset,
    index.nameLength,
    index.dentryKind,
    index.dentryTarget,
    index.childCount,
    index.inodeFlags,
    types,
  ]) {
    hash.update(`${column.byteLength}\0`);
    hash.update(new Uint8Array(column.buffer, column.byteOffset, column.byteLength));
  }
  for (const [inode, redirect] of index.redirects ?? []) {
    hash.update(`redirect ${inode} ${redirect.length}\0`).update(redirect);
  }
  for (const inode of index.metacopies ?? []) hash.update(`metacopy ${inode}\0`);
}

function end(hash: Hash): Uint8Array {
  return hash.digest().subarray(0, LENGTH);
}
