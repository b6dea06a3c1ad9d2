// A bench: a WritableOverlay with an upper in a temporary directory and layers that the test defines. It is called by path, with
// the sequence of requests that a kernel would send.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LayerIndex } from '../../src/layer/layer-index.ts';
import { openUpper, type UpperPlace } from '../../src/overlay/upper/open-upper.ts';
import { WritableOverlay } from '../../src/overlay/write/writable-overlay.ts';
import { buildTree } from '../../src/tree/merge.ts';
import { Attr } from '../../src/vfs/attr.ts';
import { type BlobReader } from '../../src/vfs/blob-reader.ts';
import { ErrnoError } from '../../src/vfs/errno.ts';
import {
  type DirectorySink,
  type Entry,
  type MaybePromise,
  type NodeId,
  ROOT_NODE_ID,
} from '../../src/vfs/filesystem.ts';
import { bytesOf, latin1Of } from '../../src/vfs/names.ts';
import { Call, OpenFile } from '../../src/vfs/operation.ts';

export class Bench {
  readonly directory = mkdtempSync(join(tmpdir(), 'stratafs-upper-'));
  readonly upper = join(this.directory, 'upper');
  readonly work = join(this.directory, 'work');
  readonly #layers: readonly LayerIndex[];
  readonly #readers: readonly BlobReader[];
  readonly #options: Partial<UpperPlace>;
  overlay: WritableOverlay;

  constructor(
    layers: readonly LayerIndex[],
    readers: readonly BlobReader[],
    options: Partial<UpperPlace> = {},
  ) {
    mkdirSync(this.upper, { mode: 0o755 });
    mkdirSync(this.work);
    this.#layers = layers;
    this.#readers = readers;
    this.#options = options;
    this.overlay = this.#open();
  }

  #open(): WritableOverlay {
    const identity = Buffer.alloc(16, 7);
    const upper = openUpper({
      upper: this.upper,
      work: this.work,
      layers: identity,
      identity,
      isForced: false,
      isVolatile: false,
      usesMetacopy: true,
      usesRedirect: true,
      squashesUsers: false,
      squashesGroups: false,
      ownerKeeping: undefined,
      takesAufsForm: false,
      usesUserXattrs: process.geteuid?.() !== 0,
      ...this.#options,
    });
    return WritableOverlay.open({ tree: buildTree([...this.#layers]), readers: this.#readers, upper });
  }

  /** Starts another mount with the same upper. The previous one must be closed. */
  reopen(): void {
    this.overlay = this.#open();
  }

  /** Ends the mount and starts another with the same upper. */
  async remount(): Promise<void> {
    await this.overlay.close();
    this.overlay = this.#open();
  }

  async close(): Promise<void> {
    await this.overlay.close();
    rmSync(this.directory, { recursive: true, force: true });
  }

  call(): Call {
    return new Call(process.geteuid?.() ?? 0, process.getegid?.() ?? 0, process.pid);
  }

  /** Throws ErrnoError if the name does not exist. */
  lookup(path: string): Entry {
    const entry: Entry = { nodeId: ROOT_NODE_ID, generation: 0, attr: new Attr() };
    if (path === '') check(this.overlay.getattr(ROOT_NODE_ID, entry.attr), 'getattr', path);
    else {
      for (const name of path.split('/')) {
        check(this.overlay.lookup(entry.nodeId, bytesOf(name), entry), 'lookup', path);
      }
    }
    return entry;
  }

  node(path: string): NodeId {
    return this.lookup(path).nodeId;
  }

  attr(node: NodeId): Attr {
    const attr = new Attr();
    check(this.overlay.getattr(node, attr), 'getattr');
    return attr;
  }

  exists(path: string): boolean {
    try {
      this.lookup(path);
      return true;
    } catch (error) {
      if (error instanceof ErrnoError && error.code === 'ENOENT') return false;
      throw error;
    }
  }

  /** Names and inode numbers of a directory, read with `pageSize` entries per request. */
  list(path: string, pageSize = 1000, wantsAttributes = false): Map<string, number> {
    const found = new Map<string, number>();
    const node = this.node(path);
    let cookie = 0;
    for (let added = -1; added !== 0;) {
      added = 0;
      const sink: DirectorySink = {
        wantsAttributes,
        add: (names, start, end, next, entry) => {
          if (added === pageSize) return false;
          const name = latin1Of(names.subarray(start, end));
          if (found.has(name)) throw new Error(`${name} twice`);
          found.set(name, entry.attr.ino);
          cookie = next;
          added++;
          return true;
        },
      };
      check(this.overlay.readdir(node, cookie, sink), 'readdir', path);
    }
    found.delete('.');
    found.delete('..');
    return found;
  }

  /** Calls `operation` with the parent and the last name of `path`, and returns its result. */
  at<T>(path: string, operation: (parent: NodeId, name: Uint8Array) => T): T {
    const slash = path.lastIndexOf('/');
    return operation(this.node(path.slice(0, Math.max(0, slash))), bytesOf(path.slice(slash + 1)));
  }

  async write(path: string, text: string): Promise<void> {
    const file = new OpenFile();
    let node: NodeId;
    if (this.exists(path)) {
      node = this.node(path);
      check(await this.overlay.open(node, 0o1001, false, this.call(), file), 'open', path);
    } else {
      const entry = this.newEntry();
      const status = this.at(path, (parent, name) =>
        this.overlay.create(parent, name, 1, plain(0o644), this.call(), entry, file),
      );
      check(status, 'create', path);
      node = entry.nodeId;
    }
    try {
      check(this.overlay.write(node, 0, bytesOf(text), undefined), 'write', path);
    } finally {
      this.overlay.release(node);
    }
  }

  newEntry(): Entry {
    return { nodeId: 0 as NodeId, generation: 0, attr: new Attr() };
  }
}

export const plain = (mode: number): { mode: number; umask: number; rdev: number } => ({
  mode,
  umask: 0,
  rdev: 0,
});

export function check(status: number, syscall: string, path?: string): number {
  if (status < 0) throw new ErrnoError(status, syscall, path);
  return status;
}

export async function settle(status: MaybePromise<number>, syscall = 'operation'): Promise<number> {
  return check(await status, syscall);
}
