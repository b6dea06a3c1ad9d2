// Walks the directories of all layers together and traces every name (name-trace.ts), each once.
//
// Directories are kept on a list instead of recursing. The cost of a name is the number of its entries in layers, so the
// walk is linear in the number of entries, however they override each other.
import { DentryKind, type LayerIndex } from '../layer/layer-index.ts';
import { resolveLowerLinks } from '../tree/lower-links.ts';
import { searchName } from '../tree/search.ts';
import { InputError } from '../vfs/input-error.ts';
import { latin1Of } from '../vfs/names.ts';
import {
  type DirectoryNode,
  type LayerEntry,
  type NameTrace,
  NameTracer,
  pathOf,
  traceRoot,
} from './name-trace.ts';

/** The most names of a directory that several layers have: they are held in memory while it is walked. */
const MAX_MERGED_NAMES = 1 << 22;

export class LayerStack {
  readonly root: NameTrace & { readonly node: DirectoryNode };
  readonly #nameLayer: (layer: number) => string;
  /** The stacks below layers that moved something, to trace its old path. */
  readonly #below = new Map<number, LayerStack>();
  readonly #indexes: readonly LayerIndex[];
  readonly #tracer: NameTracer;

  /**
   * `indexes`: base first. `nameLayer`: names layer n (base 0) in messages. Throws InputError for hard links whose target
   * no lower layer has.
   */
  constructor(indexes: readonly LayerIndex[], nameLayer: (layer: number) => string) {
    this.#indexes = indexes;
    this.#nameLayer = nameLayer;
    this.#tracer = new NameTracer(indexes, resolveLowerLinks(indexes, nameLayer));
    this.root = traceRoot(indexes);
  }

  /** Calls `visit` for each name below the root; a directory precedes its content. */
  walk(visit: (directory: DirectoryNode, trace: NameTrace) => void): void {
    const waiting: DirectoryNode[] = [this.root.node];
    for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
      const directory = node;
      this.#visitNames(directory, (name, entries) => {
        const trace = this.#tracer.trace(directory, name, entries);
        visit(directory, trace);
        if (trace.node !== undefined) waiting.push(trace.node);
      });
    }
  }

  /**
   * The trace of one name (bytes as latin1); undefined if no layer has it. A file that a layer moved here
   * (overlay.redirect), or of which it only has the attributes (overlay.metacopy), continues the trace of its lower version.
   */
  trace(directory: DirectoryNode, name: string): NameTrace | undefined {
    const entries = this.#entriesOf(directory, name);
    return entries.length === 0 ? undefined : this.#traceEntries(directory, name, entries);
  }

  /** The traces of all names that any layer has in a directory, in no order. */
  traceNames(directory: DirectoryNode): NameTrace[] {
    const traces: NameTrace[] = [];
    this.#visitNames(directory, (name, entries) => {
      traces.push(this.#traceEntries(directory, name, entries));
    });
    return traces;
  }

  #traceEntries(directory: DirectoryNode, name: string, entries: readonly LayerEntry[]): NameTrace {
    for (let top = entries.length - 1; top >= 0; top--) {
      const { layer, dentry } = entries[top] as LayerEntry;
      const index = this.#indexes[layer] as LayerIndex;
      if (index.dentryKind[dentry] !== DentryKind.inode) continue;
      const inode = index.dentryTarget[dentry] as number;
      const redirect = index.redirects?.get(inode);
      if (redirect === undefined && index.metacopies?.has(inode) !== true) continue;
      const origin = this.#originOf(directory, layer, redirect === undefined ? name : latin1Of(redirect));
      return this.#tracer.trace(directory, name, entries.slice(top), origin);
    }
    return this.#tracer.trace(directory, name, entries);
  }

  /** The trace in the layers below `layer` of an absolute path, or of a name in the directory. */
  #originOf(directory: DirectoryNode, layer: number, target: string): NameTrace | undefined {
    let stack = this.#below.get(layer);
    if (stack === undefined) {
      stack = new LayerStack(this.#indexes.slice(0, layer), this.#nameLayer);
      this.#below.set(layer, stack);
    }
    if (!target.startsWith('/')) {
      const parts = directory.parts.filter((part) => part.layer < layer);
      const cuts = directory.cuts.filter((cut) => cut.layer < layer);
      return stack.trace({ ...directory, parts, cuts }, target);
    }
    let trace: NameTrace | undefined = stack.root;
    for (const part of target.split('/').filter((each) => each !== '')) {
      trace = trace?.node === undefined ? undefined : stack.trace(trace.node, part);
    }
    return trace;
  }

  /** Base first. */
  #entriesOf(directory: DirectoryNode, name: string): LayerEntry[] {
    const bytes = Buffer.from(name, 'latin1');
    const entries: LayerEntry[] = [];
    for (const { layer, inode } of directory.parts) {
      const index = this.#indexes[layer] as LayerIndex;
      const first = index.firstChild[inode] as number;
      const count = index.childCount[inode] as number;
      const dentry = searchName(index, first, count, bytes, 0, bytes.length);
      if (dentry >= 0) entries.push({ layer, dentry });
    }
    return entries;
  }

  #visitNames(directory: DirectoryNode, visit: (name: string, entries: readonly LayerEntry[]) => void): void {
    const [only, ...others] = directory.parts;
    if (only === undefined) return;
    if (others.length === 0) {
      this.#visitPart(only.layer, only.inode, (name, dentry) => visit(name, [{ layer: only.layer, dentry }]));
      return;
    }
    const merged = new Map<string, LayerEntry[]>();
    for (const { layer, inode } of directory.parts) {
      this.#visitPart(layer, inode, (name, dentry) => {
        const entries = merged.get(name);
        if (entries === undefined) merged.set(name, [{ layer, dentry }]);
        else entries.push({ layer, dentry });
      });
      if (merged.size > MAX_MERGED_NAMES) throw tooManyNames(directory);
    }
    for (const [name, entries] of merged) visit(name, entries);
  }

  #visitPart(layer: number, inode: number, visit: (name: string, dentry: number) => void): void {
    const index = this.#indexes[layer] as LayerIndex;
    const { buffer, byteOffset, byteLength } = index.pool;
    const pool = Buffer.from(buffer, byteOffset, byteLength);
    const first = index.firstChild[inode] as number;
    const end = first + (index.childCount[inode] as number);
    for (let dentry = first; dentry < end; dentry++) {
      const start = index.nameOffset[dentry] as number;
      visit(pool.toString('latin1', start, start + (index.nameLength[dentry] as number)), dentry);
    }
  }
}

function tooManyNames(directory: DirectoryNode): InputError {
  return new InputError(
    `/${pathOf(directory)}: found a directory of more than ${MAX_MERGED_NAMES} names in several layers, expected fewer`,
  );
}
