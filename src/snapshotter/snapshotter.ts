// Snapshotter: what containerd asks of one, without gRPC. Each operation records its change before it resolves; one that fails,
// or whose process is killed, leaves at most a directory that the next start removes, or a snapshot that containerd's garbage
// collection removes, because it knows nothing of it.
import { closeSync, constants, openSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { examinePath, whyNotOwn } from '../sys/trusted-path.ts';
import { lockFile, syncFileSystemLater } from '../sys/upper-calls.ts';
import { InputError } from '../vfs/input-error.ts';
import { showText } from '../vfs/show-text.ts';
import { wantedLayerOf } from './claim-labels.ts';
import { Directories, type RootAttributes, measureUsage } from './directories.ts';
import { parseFilters } from './filters.ts';
import { ImageLayers } from './image-layers.ts';
import { ImageMounts } from './image-mounts.ts';
import { Journal, type OpenJournal } from './journal.ts';
import { type Snapshot, SnapshotError, type Usage } from './snapshot.ts';
import { type SnapshotMount, divideChain, mountsOf } from './snapshot-mounts.ts';
import { SnapshotTable } from './snapshot-table.ts';

/** Of a file system that nobody has made a root for. */
const NEW_ROOT: RootAttributes = { uid: 0, gid: 0, mode: 0o755 };
const LOCK_FLAGS = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW;

export interface SnapshotterOptions {
  /** Absolute. */
  readonly root: string;
  readonly trustsIndex: boolean;
  readonly fillsLayers: boolean;
  readonly watch: SnapshotterWatch;
}

/** Gets what happens, for logs and metrics. */
export interface SnapshotterWatch {
  /** A layer of an image is shown without being unpacked. */
  readonly onClaim: (how: 'lazy' | 'whole' | 'known', digest: string) => void;
  /** A layer was asked for and can't be had so: containerd unpacks it. */
  readonly onDecline: (digest: string, error: unknown) => void;
  /** Bytes of layers that came from a registry. */
  readonly onBytes: (count: number) => void;
  /** Something that is left over could not be removed. */
  readonly onStray: (error: unknown) => void;
}

export interface PrepareRequest {
  readonly key: string;
  readonly parent: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** A snapshot that was not recorded. */
type Draft = Omit<Snapshot, 'createdAt' | 'updatedAt'>;

export class Snapshotter {
  readonly #directories: Directories;
  readonly #journal: Journal;
  readonly #lock: number;
  readonly #table: SnapshotTable;
  readonly #layers: ImageLayers;
  readonly #mounts: ImageMounts;
  readonly #watch: SnapshotterWatch;
  /** Snapshots that are being made and not recorded yet, by key. */
  readonly #drafts = new Map<string, Draft>();
  readonly #ending = new AbortController();

  private constructor(
    directories: Directories,
    lock: number,
    { journal, snapshots }: OpenJournal,
    options: SnapshotterOptions,
  ) {
    this.#directories = directories;
    this.#lock = lock;
    this.#journal = journal;
    this.#table = new SnapshotTable(journal, snapshots);
    this.#watch = options.watch;
    this.#layers = new ImageLayers({
      directories,
      trustsIndex: options.trustsIndex,
      onBytes: options.watch.onBytes,
      signal: this.#ending.signal,
    });
    this.#mounts = new ImageMounts({ directories, fillsLayers: options.fillsLayers });
  }

  /** Takes the root directory, made if it is missing. InputError where it can't be used, or another snapshotter has it. */
  static async open(options: SnapshotterOptions): Promise<Snapshotter> {
    const directories = new Directories(privateDirectory(options.root));
    const lock = openSync(directories.lock, LOCK_FLAGS, 0o600);
    try {
      if (lockFile(lock) < 0) throw new InputError(`${directories.root}: another snapshotter uses it`);
      directories.make();
      const snapshotter = new Snapshotter(directories, lock, Journal.open(directories.journal), options);
      await snapshotter.cleanup();
      return snapshotter;
    } catch (error) {
      closeSync(lock);
      throw error;
    }
  }

  /** The mounts of images stay: containers use them. */
  close(): void {
    this.#ending.abort(new InputError('the snapshotter ends'));
    this.#layers.close();
    this.#journal.close();
    closeSync(this.#lock);
  }

  /** Snapshots by kind. */
  count(): Readonly<Record<Snapshot['kind'], number>> {
    const count = { view: 0, active: 0, committed: 0 };
    for (const { kind } of this.#table.all) count[kind]++;
    return count;
  }

  /** Images that are mounted. */
  mountCount(): number {
    return this.#directories.imageIds().length;
  }

  /**
   * A new snapshot that can be written to. SnapshotError ALREADY_EXISTS if the labels name a layer of an image that can be shown
   * without being unpacked: then it is committed already.
   */
  async prepare(request: PrepareRequest): Promise<SnapshotMount[]> {
    this.#requireNew(request.key, request.parent);
    await this.#claim(request);
    return this.#create(request, 'active');
  }

  /** The same, to be read only. */
  view(request: PrepareRequest): Promise<SnapshotMount[]> {
    return this.#create(request, 'view');
  }

  /** The mounts of a snapshot that is not committed. */
  async mounts(key: string): Promise<SnapshotMount[]> {
    const snapshot = this.#table.get(key);
    if (snapshot.kind === 'committed') {
      throw new SnapshotError('FAILED_PRECONDITION', `snapshot ${key}: is committed`);
    }
    return mountsOf(snapshot, await this.#lowersOf(snapshot), this.#directories);
  }

  async commit(name: string, key: string, labels: Snapshot['labels']): Promise<void> {
    const active = this.#table.requireCommittable(name, key);
    const files = this.#directories.files(active);
    const usage = await measureUsage(files);
    await syncFiles(files);
    this.#table.commit(name, key, labels, usage);
    await this.#releaseUnneeded();
  }

  async remove(name: string): Promise<void> {
    await this.#removeLeftovers(this.#table.remove(name));
  }

  stat(name: string): Snapshot {
    return this.#table.get(name);
  }

  update(name: string, labels: Snapshot['labels'], paths: readonly string[]): Snapshot {
    return this.#table.update(name, labels, paths);
  }

  list(filters: readonly string[]): Snapshot[] {
    return this.#table.all.filter(parseFilters(filters));
  }

  async usage(name: string): Promise<Usage> {
    const snapshot = this.#table.get(name);
    if (snapshot.usage !== undefined) return snapshot.usage;
    if (snapshot.kind === 'view') return { size: 0, inodes: 0 };
    return measureUsage(this.#directories.files(snapshot));
  }

  /** Removes and unmounts what no snapshot needs. */
  async cleanup(): Promise<void> {
    await this.#releaseUnneeded();
    await this.#removeStrays();
  }

  /** Throws SnapshotError ALREADY_EXISTS once the layer that the labels name is committed. */
  async #claim({ key, parent, labels }: PrepareRequest): Promise<void> {
    const wanted = wantedLayerOf(labels);
    if (wanted === undefined) return;
    const { target, digest } = wanted;
    const exists = new SnapshotError('ALREADY_EXISTS', `target snapshot ${target}: already exists`);
    const earlier = this.#table.findTarget(target, parent);
    if (earlier !== undefined && (earlier.layer?.isLazy !== true || earlier.layer.digest === digest)) {
      this.#watch.onClaim('known', digest);
      throw exists;
    }
    let layer;
    try {
      layer = await this.#layers.get(wanted);
    } catch (error) {
      this.#watch.onDecline(digest, error);
      return;
    }
    // Another pull may have been faster.
    if (this.#table.findTarget(target, parent) === undefined) {
      const name = `${target} ${key}`;
      const usage = { size: layer.isLazy ? 0 : layer.size, inodes: 1 };
      const id = this.#table.nextId();
      this.#table.create({ id, name, parent, kind: 'committed', labels, usage, layer });
    }
    this.#watch.onClaim(layer.isLazy ? 'lazy' : 'whole', digest);
    throw exists;
  }

  async #create({ key, parent, labels }: PrepareRequest, kind: 'view' | 'active'): Promise<SnapshotMount[]> {
    this.#requireNew(key, parent);
    const draft = { id: this.#table.nextId(), name: key, parent, kind, labels };
    this.#drafts.set(key, draft);
    try {
      const lowers = await this.#lowersOf(draft);
      const [top] = lowers;
      if (kind === 'active' || top === undefined) {
        await this.#directories.create(draft, top === undefined ? NEW_ROOT : await stat(top));
      }
      return mountsOf(this.#table.create(draft), lowers, this.#directories);
    } finally {
      this.#drafts.delete(key);
      if (this.#table.find(key) === undefined) await this.#removeLeftovers(draft);
    }
  }

  #requireNew(key: string, parent: string): void {
    this.#table.requireNew(key, parent);
    if (this.#drafts.has(key)) throw new SnapshotError('ALREADY_EXISTS', `snapshot ${key}: is being made`);
  }

  /** Of a snapshot that is not there any more. */
  async #removeLeftovers({ id, layer }: Draft): Promise<void> {
    try {
      await this.#releaseUnneeded();
      if (layer === undefined) await this.#directories.remove({ id });
      else await this.#removeStrays();
    } catch (error) {
      this.#watch.onStray(error); // the next cleanup tries again
    }
  }

  /** The directories beneath the snapshot, topmost first; its image is mounted. */
  async #lowersOf({ parent }: Draft): Promise<string[]> {
    if (parent === '') return [];
    const { unpacked, image } = divideChain(this.#table.chainOf(parent));
    const mounted = image.length === 0 ? [] : [await this.#mounts.ensure(image)];
    return [...unpacked.map((each) => this.#directories.files(each)), ...mounted];
  }

  /** IDs of the layers whose mounts a view or an active snapshot needs. */
  #neededMounts(): Set<number> {
    const users = [...this.#table.all, ...this.#drafts.values()].filter(
      ({ kind, parent }) => kind !== 'committed' && this.#table.find(parent) !== undefined,
    );
    return new Set(
      users.flatMap(({ parent }) => divideChain(this.#table.chainOf(parent)).image[0]?.id ?? []),
    );
  }

  async #releaseUnneeded(): Promise<void> {
    const needed = this.#neededMounts();
    for (const id of this.#directories.imageIds()) {
      if (!needed.has(id)) await this.#mounts.release({ id }, () => this.#neededMounts().has(id));
    }
  }

  async #removeStrays(): Promise<void> {
    const used = new Set(this.#table.imageLayers.map(({ digest }) => digest));
    const isInUse = (digest: string): boolean => used.has(digest) || this.#layers.isReserved(digest);
    const ids = [...this.#table.all, ...this.#drafts.values()].map(({ id }) => id);
    for (const error of await this.#directories.removeStrays(ids, isInUse)) {
      this.#watch.onStray(error);
    }
  }
}

/** `path` without symlinks, a directory that only this user can enter; made if it is missing. */
function privateDirectory(path: string): string {
  const found = examinePath(path, true);
  if (found.kind !== 'trusted') {
    throw new InputError(found.kind === 'untrusted' ? found.reason : `${showText(path)}: is missing`);
  }
  const reason = whyNotOwn(found.path, found.stats);
  if (reason !== undefined) throw new InputError(reason);
  if ((found.stats.mode & 0o077) !== 0) {
    throw new InputError(`${showText(found.path)}: others can enter it, expected mode 0700`);
  }
  if (/[^\w/.@+-]/.test(found.path)) {
    throw new InputError(
      `${showText(found.path)}: found a character that mount options can't have, expected letters, digits and /._@+-`,
    );
  }
  return found.path;
}

async function syncFiles(path: string): Promise<void> {
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    const status = await syncFileSystemLater(fd);
    if (status < 0) throw new InputError(`${path}: can't be written to the disk (errno ${-status})`);
  } finally {
    closeSync(fd);
  }
}
