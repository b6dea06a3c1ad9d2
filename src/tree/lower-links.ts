// Resolves hard links to names that only lower layers have. It goes layer by layer from the base, so that a chain of
// links through several layers needs no recursion: each link ends at an inode that is not a link itself.
//
// A target is looked up in the merged view of the layers below the link's own, because an extractor finds it before it
// applies that layer's whiteouts. Symlinks in the target's path are not followed.
import { DentryKind, type LayerIndex } from '../layer/layer-index.ts';
import { InputError } from '../vfs/input-error.ts';
import { showName } from '../vfs/show-text.ts';
import { type LinkTargets, NameMerge, NameResult } from './name-merge.ts';
import { pathOfDentry } from './layer-path.ts';
import { searchName } from './search.ts';

const SLASH = 0x2f;

/** Limit of look-ups in single layers for all links of an image: a minute's work, beyond any real image. */
const MAX_LOOKUPS = 500_000_000;

/**
 * The targets of each layer's links. `nameLayer` is for messages. Throws InputError for a link to a missing name or to
 * a directory, and if the limit is exceeded.
 */
export function resolveLowerLinks(
  indexes: readonly LayerIndex[],
  nameLayer: (layer: number) => string,
  maxLookups = MAX_LOOKUPS,
): readonly LinkTargets[] {
  const targets: LinkTargets[] = [];
  const resolver = new LinkResolver(indexes, targets);
  for (const [layer, index] of indexes.entries()) {
    const count = index.links.length / 2;
    const resolved = { layer: new Uint16Array(count), inode: new Uint32Array(count) };
    targets.push(resolved);
    for (let link = 0; link < count; link++) {
      const found = resolver.resolve(layer, link);
      if (found.result !== NameResult.file) {
        throw linkError(index, link, nameLayer(layer), found.result === NameResult.directory);
      }
      resolved.layer[link] = found.layer;
      resolved.inode[link] = found.inode;
      if (resolver.lookups > maxLookups) {
        throw new InputError(`${nameLayer(layer)}: too many hard links to names in lower layers`);
      }
    }
  }
  return targets;
}

function linkError(index: LayerIndex, link: number, layerName: string, isDirectory: boolean): InputError {
  const dentry = index.dentryKind.findIndex(
    (kind, i) => kind === DentryKind.lowerLink && index.dentryTarget[i] === link,
  );
  const start = index.links[2 * link] as number;
  const target = showName(index.pool.subarray(start, start + (index.links[2 * link + 1] as number)));
  const reason = isDirectory ? 'is a directory' : 'is in none of the layers below';
  return new InputError(
    `${layerName}: ${showName(pathOfDentry(index, dentry))} is a hard link to ${target}, which ${reason}`,
  );
}

class LinkResolver {
  /** Look-ups in single layers so far. */
  lookups = 0;
  readonly #indexes: readonly LayerIndex[];
  readonly #name: NameMerge;
  /** The current directory: its parts, topmost first, and the layer and path from which it was reached. */
  #partCount = 0;
  readonly #partLayer: Uint16Array;
  readonly #partInode: Uint32Array;
  #cachedLayer = -1;
  #cachedStart = 0;
  #cachedLength = 0;

  constructor(indexes: readonly LayerIndex[], targets: readonly LinkTargets[]) {
    this.#indexes = indexes;
    this.#name = new NameMerge(indexes, targets);
    this.#partLayer = new Uint16Array(indexes.length);
    this.#partInode = new Uint32Array(indexes.length);
  }

  /** The meaning of the target of `link` of `layer` in the layers below. Valid until the next call. */
  resolve(layer: number, link: number): NameMerge {
    const index = this.#indexes[layer] as LayerIndex;
    const start = index.links[2 * link] as number;
    const end = start + (index.links[2 * link + 1] as number);
    const lastSlash = index.pool.subarray(start, end).lastIndexOf(SLASH);
    const directoryLength = lastSlash < 0 ? 0 : lastSlash;
    this.#enter(layer, start, directoryLength);
    if (start === end) return this.#mergeRoot(layer);
    return this.#lookup(index.pool, lastSlash < 0 ? start : start + lastSlash + 1, end);
  }

  /** Makes the directory at a path of the pool the current one. Links in tar order mostly share their directory. */
  #enter(layer: number, start: number, length: number): void {
    const { pool } = this.#indexes[layer] as LayerIndex;
    if (
      this.#cachedLayer === layer &&
      this.#cachedLength === length &&
      equalBytes(pool, this.#cachedStart, start, length)
    ) {
      return;
    }
    this.#cachedLayer = layer;
    this.#cachedStart = start;
    this.#cachedLength = length;
    this.#take(this.#mergeRoot(layer));
    for (let at = start; at < start + length && this.#partCount > 0;) {
      const slash = pool.indexOf(SLASH, at);
      const end = slash < 0 || slash > start + length ? start + length : slash;
      this.#take(this.#lookup(pool, at, end));
      at = end + 1;
    }
  }

  #mergeRoot(layer: number): NameMerge {
    const name = this.#name;
    name.begin();
    for (let below = layer - 1; below >= 0 && name.offerDirectory(below, 0); below--) this.lookups++;
    return name;
  }

  #take(name: NameMerge): void {
    this.#partCount = name.result === NameResult.directory ? name.partCount : 0;
    this.#partLayer.set(name.partLayer.subarray(0, this.#partCount));
    this.#partInode.set(name.partInode.subarray(0, this.#partCount));
  }

  #lookup(pool: Uint8Array, start: number, end: number): NameMerge {
    const name = this.#name;
    name.begin();
    for (let part = 0; part < this.#partCount; part++) {
      const layer = this.#partLayer[part] as number;
      const inode = this.#partInode[part] as number;
      const index = this.#indexes[layer] as LayerIndex;
      const first = index.firstChild[inode] as number;
      const dentry = searchName(index, first, index.childCount[inode] as number, pool, start, end);
      this.lookups++;
      if (dentry >= 0 && !name.offer(layer, dentry)) break;
    }
    return name;
  }
}

function equalBytes(bytes: Uint8Array, a: number, b: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (bytes[a + i] !== bytes[b + i]) return false;
  return true;
}
