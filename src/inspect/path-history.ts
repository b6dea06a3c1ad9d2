// Where a path comes from: every version of it in the layers, and what hid or changed it.
//
// Symlinks on the way are followed inside the image, as a container would, where the whole stack shows them; the last
// name is not. What was deleted can still be asked for: the way to it is then the directories of lower layers.
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

/** What one layer did to a path. */
export interface PathVersion {
  /** From 1 at the base. */
  readonly layer: number;
  /**
   * 'attributes': of a directory whose content is merged, or a file whose bytes are those below; 'repeated': a directory that
   * the layer names, changing nothing; 'moved': it, or what it had then, was somewhere else.
   */
  readonly change: 'added' | 'replaced' | 'attributes' | 'repeated' | 'moved' | 'deleted';
  /** How a deleted one went. */
  readonly cause: Change['cause'];
  /** Path (bytes as latin1, no leading slash) of the directory above with which it went; undefined: it went itself. */
  readonly with: string | undefined;
  /** Path, likewise, that a moved one had in the layers below. */
  readonly from: string | undefined;
  /** In what it differs from the version below. */
  readonly attributes: readonly Attribute[];
  /** As st_mode, and in bytes; undefined for what is deleted. */
  readonly mode: number | undefined;
  readonly size: number | undefined;
  /** From 1: the layer that holds the bytes, another one for a hard link to a lower layer. */
  readonly source: number | undefined;
}

export interface PathHistory {
  /** As it was asked for; bytes as UTF-8. */
  readonly asked: string;
  /** Bytes as latin1, no leading slash, symlinks on the way followed. */
  readonly path: string;
  /** False where the whole stack shows nothing there. */
  readonly isShown: boolean;
  /** Topmost first; empty where no layer has it. */
  readonly versions: readonly PathVersion[];
}

/** As the kernel's MAXSYMLINKS. */
const LINK_LIMIT = 40;

/** Bytes of a file that are read to compare it with the version below: a second's work at most where a layer is compressed. */
const COMPARED_BYTES = 256 << 20;

/** One a path, in their order. Throws the signal's reason. */
export async function tracePaths(
  inspected: InspectedImage,
  paths: readonly (string | Uint8Array)[],
  signal?: AbortSignal,
): Promise<PathHistory[]> {
  const indexes = inspected.layers.map(({ layer }) => layer.index);
  const sources = contentSources(inspected);
  const finder = new PathFinder(stackOf(inspected), indexes);
  const histories: PathHistory[] = [];
  for (const asked of paths) {
    const { path, trace } = finder.find(Buffer.from(asked).toString('latin1'));
    const contents = new VersionContents(indexes, sources, signal);
    const versions: PathVersion[] = [];
    for (const change of trace?.changes ?? []) {
      versions.unshift(describe(change, path, indexes, await contents.compare(change)));
    }
    histories.push({
      asked: Buffer.from(asked).toString(),
      path,
      isShown: trace?.shown !== undefined,
      versions,
    });
  }
  return histories;
}

/** The bytes of one path's versions, met base first: those of a metacopy are those of the version below. */
class VersionContents {
  readonly #indexes: readonly LayerIndex[];
  readonly #sources: readonly ContentSource[];
  readonly #signal: AbortSignal | undefined;
  /** By what stands for the bytes. */
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
      // EIO: a blob was changed, or a file of an upper is gone. All else is known.
      if (error instanceof ErrnoError) return ['content?'];
      throw error;
    }
  }

  /** undefined for what is no regular file. */
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
    // It ended in '..', or names the root.
    return { path: pathOf(node), trace: this.#again(node) };
  }

  #again(node: DirectoryNode): NameTrace | undefined {
    return node.parent === undefined ? this.#stack.root : this.#stack.trace(node.parent, node.name);
  }

  /** Of a symlink, bytes as latin1. */
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

/** Where a redirect leads, of what is at `path` now. */
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
