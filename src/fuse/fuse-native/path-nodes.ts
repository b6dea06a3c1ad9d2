// PathNodes: the bridge from paths to inodes. Each call walks from the root, and holds what it found while it goes on.
//
// Nothing is remembered between calls, so no rename can make it wrong. A walk takes as many lookups as the path has
// names, each given back by a forget; the root is never looked up, as by the kernel.
import type { Attr } from '../../vfs/attr.ts';
import { EEXIST } from '../../vfs/errno.ts';
import {
  type FileSystem,
  type MaybePromise,
  type NodeId,
  ROOT_NODE_ID,
  newEntry,
} from '../../vfs/filesystem.ts';
import { ending } from './maybe-promise.ts';
import { namesOfPath } from './path-text.ts';

export class PathNodes {
  readonly #fileSystem: FileSystem;
  readonly #entry = newEntry();

  constructor(fileSystem: FileSystem) {
    this.#fileSystem = fileSystem;
  }

  /** The node that `path` names, held by a lookup until `letGo`, or a negative errno. */
  hold(path: string): NodeId | number {
    const names = namesOfPath(path);
    return typeof names === 'number' ? names : this.#walk(names);
  }

  /**
   * What `open` makes of the node that `path` names, which stays held if that succeeds: then the caller lets it
   * go. Or a negative errno.
   */
  keep(path: string, open: (node: NodeId) => MaybePromise<number>): MaybePromise<number> {
    const held = this.hold(path);
    if (held < 0) return held;
    const node = held as NodeId;
    return ending(
      () => open(node),
      (hasFailed) => {
        if (hasFailed) this.letGo(node);
      },
    );
  }

  /** Ends a `hold`. */
  letGo(node: NodeId): void {
    if (node !== ROOT_NODE_ID) this.#fileSystem.forget(node, 1);
  }

  /** What `act` answers for the node that `path` names, held meanwhile; or a negative errno. */
  with<T>(path: string, act: (node: NodeId) => MaybePromise<T>): MaybePromise<T | number> {
    return this.#holding(this.hold(path), act);
  }

  /** Likewise for the directory that `path` lies in, and its last name. */
  withParent<T>(
    path: string,
    act: (parent: NodeId, name: Buffer) => MaybePromise<T>,
  ): MaybePromise<T | number> {
    const names = namesOfPath(path);
    if (typeof names === 'number') return names;
    const name = names.pop();
    if (name === undefined) return -EEXIST;
    return this.#holding(this.#walk(names), (parent) => act(parent, name));
  }

  /** Fills `out`: 0 or a negative errno. */
  getattr(path: string, out: Attr): number {
    const node = this.hold(path);
    if (node < 0) return node;
    const status = this.#fileSystem.getattr(node as NodeId, out);
    this.letGo(node as NodeId);
    return status;
  }

  #walk(names: readonly Buffer[]): NodeId | number {
    let node = ROOT_NODE_ID;
    for (const name of names) {
      const status = this.#fileSystem.lookup(node, name, this.#entry);
      this.letGo(node);
      if (status < 0) return status;
      node = this.#entry.nodeId;
    }
    return node;
  }

  #holding<T>(held: NodeId | number, act: (node: NodeId) => MaybePromise<T>): MaybePromise<T | number> {
    if (held < 0) return held;
    const node = held as NodeId;
    return ending(
      () => act(node),
      () => this.letGo(node),
    );
  }
}
