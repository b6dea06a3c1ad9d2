// SnapshotTable: all snapshots by name, and the rules of containerd for their changes. A change is in the journal before the
// function that makes it returns. It knows nothing of directories and mounts.
import type { Journal } from './journal.ts';
import { type ImageLayer, type Snapshot, SnapshotError, type Usage } from './snapshot.ts';

/** Makes the remote layer findable: containerd's metadata looks for this label. */
export const TARGET_LABEL = 'containerd.io/snapshot.ref';

export class SnapshotTable {
  readonly #journal: Journal;
  readonly #byName = new Map<string, Snapshot>();
  readonly #now: () => number;
  #lastId = 0;

  constructor(journal: Journal, snapshots: readonly Snapshot[], now: () => number = Date.now) {
    this.#journal = journal;
    this.#now = now;
    for (const each of snapshots) {
      this.#byName.set(each.name, each);
      this.#lastId = Math.max(this.#lastId, each.id);
    }
  }

  get all(): readonly Snapshot[] {
    return [...this.#byName.values()];
  }

  /** An ID that no snapshot has had since the table was opened. */
  nextId(): number {
    return ++this.#lastId;
  }

  find(name: string): Snapshot | undefined {
    return this.#byName.get(name);
  }

  /** SnapshotError NOT_FOUND without one. */
  get(name: string): Snapshot {
    const found = this.#byName.get(name);
    if (found === undefined) throw new SnapshotError('NOT_FOUND', `snapshot ${name} does not exist`);
    return found;
  }

  /** The snapshot and all that it is made on top of, itself first. */
  chainOf(name: string): Snapshot[] {
    const chain: Snapshot[] = [];
    for (let next = name; next !== '';) {
      const snapshot = this.get(next);
      chain.push(snapshot);
      next = snapshot.parent;
    }
    return chain;
  }

  /** The committed snapshot that was made for `target` on top of `parent`. */
  findTarget(target: string, parent: string): Snapshot | undefined {
    return this.all.find(
      (each) => each.kind === 'committed' && each.parent === parent && each.labels[TARGET_LABEL] === target,
    );
  }

  /** Throws SnapshotError if no snapshot `name` can be made on top of `parent`. */
  requireNew(name: string, parent: string): void {
    if (name === '') throw new SnapshotError('INVALID_ARGUMENT', 'found an empty key, expected a name');
    if (this.#byName.has(name)) {
      throw new SnapshotError('ALREADY_EXISTS', `snapshot ${name}: already exists`);
    }
    if (parent !== '' && this.get(parent).kind !== 'committed') {
      throw new SnapshotError('INVALID_ARGUMENT', `parent ${parent}: is not a committed snapshot`);
    }
  }

  /** Records a new snapshot; `id` is from `nextId`. */
  create(draft: Pick<Snapshot, 'id' | 'name' | 'parent' | 'kind' | 'labels' | 'usage' | 'layer'>): Snapshot {
    this.requireNew(draft.name, draft.parent);
    const now = this.#now();
    return this.#put({ ...draft, createdAt: now, updatedAt: now });
  }

  /** SnapshotError if `key` is not an active snapshot, or `name` is taken. */
  requireCommittable(name: string, key: string): Snapshot {
    const active = this.get(key);
    if (active.kind !== 'active') {
      throw new SnapshotError('FAILED_PRECONDITION', `snapshot ${key}: is not active`);
    }
    this.requireNew(name, active.parent);
    return active;
  }

  commit(name: string, key: string, labels: Snapshot['labels'], usage: Usage): Snapshot {
    const active = this.requireCommittable(name, key);
    const now = this.#now();
    const committed = { ...active, name, labels, usage, kind: 'committed' as const };
    const recorded = this.#put({ ...committed, createdAt: now, updatedAt: now });
    this.#byName.delete(key);
    return recorded;
  }

  /** SnapshotError if others are made on top of it. */
  remove(name: string): Snapshot {
    const snapshot = this.get(name);
    const child = this.all.find(({ parent }) => parent === name);
    if (child !== undefined) {
      throw new SnapshotError('FAILED_PRECONDITION', `snapshot ${name}: has the child ${child.name}`);
    }
    this.#journal.remove(snapshot);
    this.#byName.delete(name);
    return snapshot;
  }

  /** `paths`: the fields to change, `labels` or `labels.NAME`; without any, all labels. */
  update(name: string, labels: Snapshot['labels'], paths: readonly string[]): Snapshot {
    const snapshot = this.get(name);
    let changed: Record<string, string> = paths.length === 0 ? { ...labels } : { ...snapshot.labels };
    for (const path of paths) {
      const [field, key] = [path.slice(0, 'labels'.length), path.slice('labels.'.length)];
      if (path === 'labels') changed = { ...labels };
      else if (field === 'labels' && path.startsWith('labels.') && key !== '') {
        const { [key]: value = '' } = labels;
        const others = Object.entries(changed).filter(([name]) => name !== key);
        changed = Object.fromEntries(value === '' ? others : [...others, [key, value]]);
      } else {
        throw new SnapshotError('INVALID_ARGUMENT', `field ${path}: only labels can be changed`);
      }
    }
    return this.#put({ ...snapshot, labels: changed, updatedAt: this.#now() });
  }

  /** The layers of images among the snapshots. */
  get imageLayers(): readonly ImageLayer[] {
    return this.all.flatMap(({ layer }) => layer ?? []);
  }

  #put(snapshot: Snapshot): Snapshot {
    this.#journal.put(snapshot);
    this.#byName.set(snapshot.name, snapshot);
    return snapshot;
  }
}
