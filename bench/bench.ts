// What every measurement is given: the images, a place of its own to work in, the command under test, and the rounds.
import { closeSync, mkdirSync, mkdtempSync, openSync, readSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Processes } from './processes.ts';

export interface BenchOptions {
  /** Where make-big-image.sh put the images. Everything that a run makes lies beneath too: the same disk for all. */
  readonly directory: string;
  /** The script of the `stratafs` command. */
  readonly cli: string;
  readonly rounds: number;
}

export class Bench {
  readonly processes = new Processes();
  readonly directory: string;
  readonly cli: string;
  readonly rounds: number;
  /** Removed by `close`. */
  readonly work: string;

  constructor({ directory, cli, rounds }: BenchOptions) {
    this.directory = directory;
    this.cli = cli;
    this.rounds = rounds;
    this.work = mkdtempSync(join(directory, 'run-'));
  }

  /** A path in the images' directory. */
  image(name: string): string {
    return join(this.directory, name);
  }

  /** A new empty directory of that name, in place of an old one. */
  freshDirectory(name: string): string {
    const path = join(this.work, name);
    rmSync(path, { recursive: true, force: true });
    mkdirSync(path, { recursive: true });
    return path;
  }

  /** The layers of the big image as overlayfs wants them, topmost first. */
  unpackedLayers(): string[] {
    return readdirSync(this.image('layers'))
      .sort((a, b) => Number(b) - Number(a))
      .map((name) => this.image(join('layers', name)));
  }

  /** The blobs of an OCI layout that are layers: all but JSON. */
  layerBlobs(layout: string): string[] {
    const blobs = this.image(join(layout, 'blobs/sha256'));
    return readdirSync(blobs)
      .map((name) => join(blobs, name))
      .filter((path) => firstByteOf(path) !== 0x7b);
  }

  /** Writes what is dirty, and empties the page cache and the caches of dentries and inodes. Needs root. */
  async dropCaches(): Promise<void> {
    await this.processes.run(['bash', '-c', 'sync; echo 3 >/proc/sys/vm/drop_caches']);
  }

  /** Everything mounted must be unmounted by now. */
  close(): void {
    rmSync(this.work, { recursive: true, force: true });
  }
}

function firstByteOf(path: string): number | undefined {
  const fd = openSync(path, 'r');
  try {
    const byte = Buffer.alloc(1);
    return readSync(fd, byte) === 1 ? byte[0] : undefined;
  } finally {
    closeSync(fd);
  }
}
