// ImageMounts: the mounts of images. The layers up to a snapshot are mounted once, read-only, for all containers that are made
// on top of them, by a process of `stratafs mount` of its own. So they outlive this process, and an image that brings its mount
// to an end harms no other.
import { execFile } from 'node:child_process';
import { mkdirSync, rmdirSync } from 'node:fs';
import { findMountAt } from '../fuse/mounts/mounts.ts';
import { unmountAt } from '../mount/unmount.ts';
import { mountAt, readMountTable } from '../sys/mount-table.ts';
import { packageFile } from '../sys/package-file.ts';
import { InputError } from '../vfs/input-error.ts';
import type { Directories } from './directories.ts';
import type { Snapshot } from './snapshot.ts';

const PROGRAM = packageFile('bin/stratafs');
/** Of the messages of a mount. */
const MAX_OUTPUT = 64 * 1024;

export interface ImageMountOptions {
  readonly directories: Directories;
  /** Fetch the rest of lazy layers while they are used. */
  readonly fillsLayers: boolean;
}

export class ImageMounts {
  readonly #options: ImageMountOptions;
  /** By the ID of the snapshot: what was asked last for its mount. One after the other. */
  readonly #turns = new Map<number, Promise<unknown>>();

  constructor(options: ImageMountOptions) {
    this.#options = options;
  }

  /**
   * The mount point of the layers of `chain`, topmost first, which begins with a layer of an image. They are mounted there when
   * it resolves. InputError if they can't be.
   */
  async ensure(chain: readonly Snapshot[]): Promise<string> {
    const [top] = chain;
    if (top === undefined) throw new Error('found no layers to mount');
    const place = this.#options.directories.image(top);
    await this.#inTurn(top.id, () => this.#ensure(chain, place));
    return place;
  }

  /** Unmounts the layers of the snapshot unless `isNeeded` by then. A container that still uses them keeps them for itself. */
  async release({ id }: Pick<Snapshot, 'id'>, isNeeded: () => boolean): Promise<void> {
    await this.#inTurn(id, async () => {
      if (isNeeded()) return;
      const place = this.#options.directories.image({ id });
      await unmountWhollyAt(place);
      try {
        rmdirSync(place);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      }
    });
  }

  async #inTurn(id: number, act: () => Promise<void>): Promise<void> {
    const before = this.#turns.get(id) ?? Promise.resolve();
    const turn = before.catch(() => undefined).then(act); // the failure was reported to whoever asked
    this.#turns.set(id, turn);
    try {
      await turn;
    } finally {
      if (this.#turns.get(id) === turn) this.#turns.delete(id);
    }
  }

  async #ensure(chain: readonly Snapshot[], place: string): Promise<void> {
    mkdirSync(place, { recursive: true, mode: 0o700 });
    const answer = (await findMountAt(place))?.answer;
    if (answer?.kind === 'answered') return;
    // Its process was killed, or does not answer: containers that are there have it still, new ones get another.
    if (answer !== undefined) await unmountAt(place, 'lazy');
    await this.#mount(chain, place);
  }

  #mount(chain: readonly Snapshot[], place: string): Promise<void> {
    const { directories } = this.#options;
    return new Promise((resolve, reject) => {
      execFile(
        PROGRAM,
        ['mount', ...this.#sourceOf(chain), place],
        {
          env: { ...process.env, XDG_CACHE_HOME: directories.cache },
          maxBuffer: MAX_OUTPUT,
        },
        (error, _output, messages) => {
          if (error === null) resolve();
          else reject(new InputError(messages.trim().replace(/^stratafs: /, '') || error.message));
        },
      );
    });
  }

  /** The arguments of the mount: what to mount, and how. */
  #sourceOf(chain: readonly Snapshot[]): string[] {
    const { directories, fillsLayers } = this.#options;
    const layer = chain[0]?.layer;
    if (layer === undefined) throw new Error('found a snapshot without a layer of an image');
    const shown = ['suid', 'dev', `fsname=${layer.image}`];
    if (chain.some((each) => each.layer?.isLazy === true)) {
      const options = [...shown, 'trust-index', ...(fillsLayers ? ['fill'] : [])];
      return ['-o', options.join(','), '--upto', String(layer.number), layer.image];
    }
    const lowers = chain.map((each) =>
      each.layer === undefined ? directories.files(each) : directories.blob(each.layer),
    );
    // The root directory's path has no character that would need an escape.
    return ['-o', [...shown, `lowerdir=${lowers.join(':')}`].join(',')];
  }
}

/** Unmounts what is there, and waits until its process has ended unless a container uses it still. */
async function unmountWhollyAt(place: string): Promise<void> {
  const isMounted = async (): Promise<boolean> => mountAt(await readMountTable(), place) !== undefined;
  if (!(await isMounted())) return;
  try {
    await unmountAt(place, 'when-free');
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    if (await isMounted()) await unmountAt(place, 'lazy'); // busy or silent
  }
}
