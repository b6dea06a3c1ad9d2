// Scratch: the one directory that holds all that a run makes, mount points too, and is gone afterwards.
import { mkdir, mkdtemp, realpath, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readMountTable } from '../sys/mount-table.ts';
import { examinePath } from '../sys/trusted-path.ts';
import { InputError } from '../vfs/input-error.ts';

export class Scratch {
  /** Absolute, without symlinks: as the mount table shows what lies beneath. */
  readonly directory: string;
  #count = 0;

  private constructor(directory: string) {
    this.directory = directory;
  }

  /** A new directory in `parent`. InputError where that is no directory. */
  static async create(parent: string): Promise<Scratch> {
    const found = await stat(parent).catch(() => undefined); // ENOENT and its like
    if (found?.isDirectory() !== true) {
      throw new InputError(
        `--scratch: found no directory ${parent}, expected one with room for the unpacked layers`,
      );
    }
    const real = await realpath(parent);
    const trust = examinePath(real);
    if (trust.kind === 'untrusted') {
      throw new InputError(
        `--scratch ${parent}: ${trust.reason}: could replace what a run makes; name another directory`,
      );
    }
    return new Scratch(await mkdtemp(join(real, 'stratafs-bench-')));
  }

  /** A new empty directory of its own. */
  async fresh(name: string): Promise<string> {
    const path = join(this.directory, `${name}-${++this.#count}`);
    await mkdir(path);
    return path;
  }

  /** Removes everything. Where something is still mounted beneath, nothing: InputError tells what and where. */
  async remove(): Promise<void> {
    const still = (await readMountTable())
      .map(({ mountPoint }) => mountPoint)
      .filter((path) => path.startsWith(`${this.directory}/`));
    if (still.length > 0) {
      throw new InputError(
        `${this.directory}: is left, since ${still.join(', ')} could not be unmounted; unmount that, and remove it`,
      );
    }
    await rm(this.directory, { recursive: true, force: true });
  }
}
