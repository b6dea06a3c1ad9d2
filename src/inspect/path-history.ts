// Traces a path through the layers: every version of it, and the layers that hid or changed it.
//
// Symlinks in the middle of a path are followed inside the image, as in a container, if the whole stack shows them; a
// symlink as the last name is not. Deleted paths can be traced too, through the directories of lower layers.
import type { LayerIndex } from '../layer/layer-index.ts';
import { S_IFLNK, S_IFMT, S_IFREG } from '../vfs/attr.ts';
import { ErrnoError } from '../vfs/errno.ts';
import { latin1Of } from '../vfs/names.ts';
import { type Attribute, LayerAttributes, differingAttributes } from './attributes.ts';
import { contentSources } from './compared-image.ts';
import type { InspectedImage } from './inspected-image.ts';
import { type Change, type DirectoryNode, type NameTrace, type Shown, pathOf } from './name-trace.ts';
import { stackOf } from './open-stack.ts';
import { type ContentSource, type FileBytes, bytesInLayer, haveSameBytes } from './same-bytes.ts';
import type { LayerStack } from './stack-walk.ts';

/** The change that one layer makes to a path. */
export interface PathVersion {
  /** From 1 at the base. */
  readonly layer: number;
  /**
   * 'attributes': a directory whose content is merged, or a file that keeps the bytes of the lower version; 'repeated': a
   * directory that the layer contains unchanged; 'moved': the layer moved it, or its content, from another path.
   */
  readonly change: 'added' | 'replaced' | 'attributes' | 'repeated' | 'moved' | 'deleted';
  /** What deleted it. */
  readonly cause: Change['cause'];
  /** Path (bytes as latin1, no leading slash) of the parent directory that was deleted; undefined: the path itself was. */
  readonly with: string | undefined;
  /** The path, in the same form, that a moved file had in lower layers. */
  readonly from: string | undefined;
  /** Its differences from the lower version. */
  readonly attributes: readonly Attribute[];
  /** As st_mode, and in bytes; undefined if it was deleted. */
  readonly mode: number | undefined;
  readonly size: number | undefined;
  /** From 1: the layer that holds the bytes, another one for a hard link to a lower layer. */
  readonly source: number | undefined;
}

export interface PathHistory {
  /** As the caller wrote it; bytes as UTF-8. */
  readonly asked: string;
  /** Bytes as latin1, no leading slash, with symlinks to parents resolved. */
  readonly path: string;
  /** False if the path does not exist in the merged tree. */
  readonly isShown: boolean;
  /** Topmost first; empty where no layer has it. */
  readonly versions: readonly PathVersion[];
}

/** The kernel's MAXSYMLINKS. */
const LINK_LIMIT = 40;

/** The most bytes of a file that are compared with the lower version: about a second's work if a layer is compressed. */
const COMPARED_BYTES = 256 << 20;

/** One history for each path, in the same order. Throws the signal's reason. */
export async function tracePaths(
  inspected: InspectedImage,
  paths: readonly (string | Uint8Array)[],
  signal?: AbortSignal,
): Promise<PathHistory[]> {
  const indexes = inspected.layers.map(({ layer }) => layer.index);
  const sources = contentSources(inspected);
  const finder = new PathFinder(stackOf(inspected), indexes);
  const histories: PathHistory[] = [];
  for (const requested of paths) {
    const { path, trace } = finder.find(Buffer.from(requested).toString('latin1'));
    const contents = new VersionContents(indexes, sources, signal);
    const versions: PathVersion[] = [];
    for (const change of trace?.changes ?? []) {
      versions.unshift(describe(change, path, indexes, await contents.compare(change)));
    }
    histories.push({
      asked: Buffer.from(requested).toString(),
      path,
      isShown: trace?.shown !== undefined,
      versions,
    });
  }
  return histories;
}

/** Compares the bytes of one path's versions, base first. A metacopy has the bytes of the version below it. */
class VersionContents {
  readonly #indexes: readonly LayerIndex[];
  readonly #sources: readonly ContentSource[];
  readonly #signal: AbortSignal | undefined;
  /** The bytes of each metacopy. */
  readonly #metacopies = new Map<string, FileBytes>();

  constructor(
    indexes: readonly LayerIndex[],
    sources: readonly ContentSource[],
    signal: AbortSignal | undefined,
  ) {
    this.#indexes = indexes;
    this.#sources = sources;
    this.#signal = signal;
  }

  async compare({ before, after }: Change): Promise<readonly Attribute[]> {
    if (before === undefined || after === undefined) return [];
    const [old, now] = [this.#bytesOf(before), this.#bytesOf(after)];
    if (old !== undefined && this.#indexes[after.layer]?.metacopies?.has(after.inode) === true) {
      this.#metacopies.set(keyOf(after), old);
      return [];
    }
    if (old === undefined || now === undefined || old.size !== now.size) return [];
    try {
      const isSame = await haveSameBytes(old, now, { most: COMPARED_BYTES, signal: this.#signal });
      return isSame === undefined ? ['content?'] : isSame ? [] : ['content'];
    } catch (error) {
      // EIO: a blob was changed, or a file of an upper was removed. Only the comparison is lost.
      if (error instanceof ErrnoError) return ['content?'];
      throw error;
    }
  }

  /** undefined unless it is a regular file. */
  #bytesOf(shown: Shown): FileBytes | undefined {
    const { layer, inode } = shown;
    const index = this.#indexes[layer] as LayerIndex;
    if (((index.mode[inode] as number) & S_IFMT) !== S_IFREG) return undefined;
    return (
      this.#metacopies.get(keyOf(shown)) ?? bytesInLayer(index, inode, this.#sources[layer] as ContentSource)
    );
  }
}

const keyOf = ({ layer, inode }: Shown): string => `${layer} ${inode}`;

class PathFinder {
  readonly #stack: LayerStack;
  readonly #indexes: readonly LayerIndex[];

  constructor(stack: LayerStack, indexes: readonly LayerIndex[]) {
    this.#stack = stack;
    this.#indexes = indexes;
  }

  find(path: string): { path: string; trace: NameTrace | undefined } {
    const pending = partsOf(path).reverse();
    let node: DirectoryNode = this.#stack.root.node;
    let links = 0;
    for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
      if (name === '..') {
        node = node.parent ?? node;
        continue;
      }
      const trace = this.#stack.trace(node, name);
      if (pending.length === 0) return { path: pathOf(node, name), trace };
      const target = this.#targetOf(trace?.shown);
      if (target !== undefined && ++links <= LINK_LIMIT) {
        pending.push(...partsOf(target).reverse());
        if (target.startsWith('/')) node = this.#stack.root.node;
      } else if (trace?.node !== undefined) node = trace.node;
      else return { path: [pathOf(node, name), ...pending.reverse()].join('/'), trace: undefined };
    }
    // The path ends in '..', or is the root.
    return { path: pathOf(node), trace: this.#again(node) };
  }

  #again(node: DirectoryNode): NameTrace | undefined {
    return node.parent === undefined ? this.#stack.root : this.#stack.trace(node.parent, node.name);
  }

  /** The target of a symlink, bytes as latin1. */
  #targetOf(shown: Shown | undefined): string | undefined {
    if (shown === undefined) return undefined;
    const { mode, dataOffset, size, pool } = this.#indexes[shown.layer] as LayerIndex;
    if (((mode[shown.inode] as number) & S_IFMT) !== S_IFLNK) return undefined;
    const start = dataOffset[shown.inode] as number;
    return Buffer.from(pool.subarray(start, start + (size[shown.inode] as number))).toString('latin1');
  }
}

const partsOf = (path: string): string[] => path.split('/').filter((part) => part !== '' && part !== '.');

function describe(
  change: Change,
  path: string,
  indexes: readonly LayerIndex[],
  content: readonly Attribute[],
): PathVersion {
  const { layer, cause, at, before, after } = change;
  const attributes =
    before === undefined || after === undefined
      ? []
      : [
          ...differingAttributes(new LayerAttributes(indexes, before), new LayerAttributes(indexes, after)),
          ...content,
        ];
  const index = after === undefined ? undefined : indexes[after.layer];
  const from = after === undefined ? undefined : originOf(index?.redirects?.get(after.inode), path);
  const isMetacopy = after !== undefined && index?.metacopies?.has(after.inode) === true;
  return {
    layer: layer + 1,
    change: from !== undefined ? 'moved' : isMetacopy ? 'attributes' : kindOf(change, attributes),
    cause,
    with: at === undefined ? undefined : pathOf(at),
    from,
    attributes,
    mode: after === undefined ? undefined : index?.mode[after.inode],
    size: after === undefined || after.isDirectory ? undefined : index?.size[after.inode],
    source: after === undefined ? undefined : ((isMetacopy ? before?.layer : undefined) ?? after.layer) + 1,
  };
}

/** The target of a redirect of the file that is at `path` now. */
function originOf(redirect: Uint8Array | undefined, path: string): string | undefined {
  if (redirect === undefined) return undefined;
  const target = latin1Of(redirect);
  return target.startsWith('/')
    ? partsOf(target).join('/')
    : [...partsOf(path).slice(0, -1), target].join('/');
}

function kindOf({ before, after }: Change, attributes: readonly Attribute[]): PathVersion['change'] {
  if (before === undefined) return 'added';
  if (after === undefined) return 'deleted';
  if (!before.isDirectory || !after.isDirectory) return 'replaced';
  return attributes.length === 0 ? 'repeated' : 'attributes';
}
