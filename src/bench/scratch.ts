// Scratch: the directory for all files and mount points of a run, which is removed at the end.
import { mkdir, mkdtemp, realpath, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readMountTable } from '../sys/mount-table.ts';
import { examinePath } from '../sys/trusted-path.ts';
import { InputError } from '../vfs/input-error.ts';

export class Scratch {
  /** Absolute, without symlinks, to match the paths in the mount table. */
  readonly directory: string;
  #count = 0;

  private constructor(directory: string) {
    this.directory = directory;
  }

  /** Makes a new directory in `parent`. Throws InputError if `parent` is not a directory. */
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
        `--scratch ${parent}: ${trust.reason}: could replace files of the run; name another directory`,
      );
    }
    return new Scratch(await mkdtemp(join(real, 'stratafs-bench-')));
  }

  /** Makes a new empty directory in the scratch directory. */
  async fresh(name: string): Promise<string> {
    const path = join(this.directory, `${name}-${++this.#count}`);
    await mkdir(path);
    return path;
  }

  /** Removes everything. If something in it is still mounted, removes nothing and throws an InputError that names the mounts. */
  async remove(): Promise<void> {
    const still = (await readMountTable())
      .map(({ mountPoint }) => mountPoint)
      .filter((path) => path.startsWith(`${this.directory}/`));
    if (still.length > 0) {
      throw new InputError(
        `${this.directory}: not removed, since ${still.join(', ')} could not be unmounted; unmount and remove it`,
      );
    }
    await rm(this.directory, { recursive: true, force: true });
  }
}
