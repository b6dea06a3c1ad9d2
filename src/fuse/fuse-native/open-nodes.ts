// OpenNodes: the file handles that libfuse was given, and the nodes that they hold.
import type { FileSystem, NodeId } from '../../vfs/filesystem.ts';
import type { PathNodes } from './path-nodes.ts';

/** The package passes a handle to libfuse as a signed 32-bit number; 0 is none. */
const HANDLE_LIMIT = 0x7fffffff;

export class OpenNodes {
  readonly #fileSystem: FileSystem;
  readonly #nodes: PathNodes;
  readonly #byHandle = new Map<number, NodeId>();
  #lastHandle = 0;

  constructor(fileSystem: FileSystem, nodes: PathNodes) {
    this.#fileSystem = fileSystem;
    this.#nodes = nodes;
  }

  /** A handle of `node`, which was opened in the file system and is held by a lookup: both end with `release`. */
  add(node: NodeId): number {
    do this.#lastHandle = (this.#lastHandle % HANDLE_LIMIT) + 1;
    while (this.#byHandle.has(this.#lastHandle));
    this.#byHandle.set(this.#lastHandle, node);
    return this.#lastHandle;
  }

  get(handle: number): NodeId | undefined {
    return this.#byHandle.get(handle);
  }

  release(handle: number): void {
    const node = this.#byHandle.get(handle);
    if (node === undefined) return;
    this.#byHandle.delete(handle);
    if (!this.#fileSystem.isReadOnly) this.#fileSystem.release(node);
    this.#nodes.letGo(node);
  }

  /** Of an aborted connection nobody releases what is open. */
  releaseAll(): void {
    for (const handle of [...this.#byHandle.keys()]) this.release(handle);
  }
}
