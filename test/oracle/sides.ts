// The two sides of a differential test: file systems that show the same layers and can be written to.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { S_IFDIR, S_IFMT } from '../../src/vfs/attr.ts';
import { COMMAND } from '../mount/stratafs.ts';
import type { InodeSpec } from '../tree/layer-maker.ts';
import { writeOciLayout } from './oci-layout.ts';
import { unpackByUmoci } from './stack.ts';

/** Mounts and unmounts a side; written files stay until `renew`. */
export interface Side {
  readonly name: string;
  /** Absolute. */
  readonly root: string;
  /**
   * False for kernel overlayfs, where readdir lists whiteouts of lower layers, which lookup doesn't find, and numbers
   * are not always those of stat.
   */
  readonly keepsNumbers: boolean;
  mount(): void;
  unmount(): void;
  /** Throws away what was written. Unmounted. */
  renew(): void;
}

/** Runs a program; throws what it says where it fails. */
export function command(program: string, ...args: string[]): void {
  const { status, stderr, error } = spawnSync(program, args, { encoding: 'utf8' });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: exit status ${status}: ${stderr}`);
}

const insistScript = fileURLToPath(new URL('insist.py', import.meta.url));

/**
 * As `command`, of a mount or umount, again as long as something is busy: another test may look at the mount just now, or
 * have it in a mount namespace of its own. Needs python3.
 */
export function insist(program: string, ...args: string[]): void {
  command('python3', insistScript, program, ...args);
}

/** Each layer unpacked by GNU tar, in kernel overlayfs's form; base first. Needs root, tar, python3. */
export function unpackLayers(tars: readonly Buffer[], directory: string): string[] {
  let layers: string[] = [];
  for (const [n, tar] of tars.entries()) {
    const layer = join(directory, String(n));
    mkdirSync(layer, { recursive: true });
    writeFileSync(`${layer}.tar`, tar);
    const options = ['--numeric-owner', '--xattrs', '--xattrs-include=*', '-p', '--delay-directory-restore'];
    execFileSync('tar', ['-x', '-f', `${layer}.tar`, '-C', layer, ...options], { stdio: 'pipe' });
    // The kernel takes no notice of an opaque marker on a layer's own root.
    layers = existsSync(join(layer, '.wh..wh..opq')) ? [layer] : [...layers, layer];
  }
  const script = fileURLToPath(new URL('to-overlayfs.py', import.meta.url));
  execFileSync('python3', [script, ...layers], { stdio: 'pipe' });
  return layers;
}

interface UpperDirectories {
  /** Absolute. */
  readonly upper: string;
  readonly work: string;
}

/** A side with an upper and a work directory beside its mount point. */
abstract class UpperSide implements Side {
  abstract readonly name: string;
  readonly root: string;
  readonly keepsNumbers: boolean = true;
  /** Absolute. */
  readonly upper: string;
  readonly work: string;

  /** `directory` is new, and the side's own. */
  constructor(directory: string, shared?: UpperDirectories) {
    mkdirSync(directory);
    this.root = join(directory, 'root');
    this.upper = shared?.upper ?? join(directory, 'upper');
    this.work = shared?.work ?? join(directory, 'work');
    mkdirSync(this.root);
    this.renew();
  }

  abstract mount(): void;

  unmount(): void {
    insist('umount', this.root);
  }

  renew(): void {
    for (const path of [this.upper, this.work]) {
      rmSync(path, { recursive: true, force: true });
      mkdirSync(path);
    }
    utimesSync(this.upper, 0, 0);
  }
}

/** Kernel overlayfs over layers in its form, base first. */
export class KernelSide extends UpperSide {
  readonly name = 'kernel overlayfs';
  override readonly keepsNumbers = false;
  readonly #lowerdir: string;

  constructor(directory: string, layers: readonly string[], directories?: UpperDirectories) {
    super(directory, directories);
    this.#lowerdir = layers.toReversed().join(':');
  }

  mount(): void {
    const features = 'redirect_dir=on,index=on,metacopy=on,xino=on';
    const directories = `lowerdir=${this.#lowerdir},upperdir=${this.upper},workdir=${this.work}`;
    insist('mount', '-t', 'overlay', 'overlay', '-o', `${features},${directories}`, this.root);
  }
}

/** The same by fuse-overlayfs: nobody's oracle, but a way to prove this test. */
export class FuseOverlayfsSide extends UpperSide {
  readonly name = 'fuse-overlayfs';
  readonly #lowerdir: string;

  constructor(directory: string, layers: readonly string[]) {
    super(directory);
    this.#lowerdir = layers.toReversed().join(':');
  }

  mount(): void {
    const directories = `lowerdir=${this.#lowerdir},upperdir=${this.upper},workdir=${this.work}`;
    command('fuse-overlayfs', '-o', directories, this.root);
  }
}

/** What stratafs mounts: tars or directories, base first. */
export type StratafsLower =
  | { readonly tars: readonly Buffer[]; readonly compression?: 'none' | 'gzip' }
  | { readonly layers: readonly string[] };

/** stratafs over an OCI layout of the tars, or over the unpacked layers. */
export class StratafsSide extends UpperSide {
  readonly name: string = 'stratafs';
  readonly #lower: readonly string[];
  readonly #cache: string;
  readonly #options: readonly string[];

  /** `options`: further options of the command. `shared`: the directories of another side. */
  constructor(
    directory: string,
    lower: StratafsLower,
    options: readonly string[] = [],
    shared?: UpperDirectories,
  ) {
    super(directory, shared);
    this.#options = options;
    this.#cache = join(directory, 'cache');
    if ('layers' in lower) {
      this.#lower = ['-o', `lowerdir=${lower.layers.toReversed().join(':')}`];
    } else {
      const layout = join(directory, 'layout');
      writeOciLayout(layout, lower.tars, lower.compression);
      this.#lower = [layout];
    }
  }

  mount(): void {
    const directories = `upperdir=${this.upper},workdir=${this.work}`;
    const args = [COMMAND, 'mount', '-o', directories, ...this.#options, ...this.#lower, this.root];
    const { status, stderr } = spawnSync(process.execPath, args, {
      encoding: 'utf8',
      env: { ...process.env, XDG_CACHE_HOME: this.#cache, NO_COLOR: '1' },
    });
    if (status !== 0) throw new Error(`stratafs mount: exit status ${status}: ${stderr}`);
  }
}

/** stratafs with driver=erofs: kernel overlayfs takes the writes. */
export class ErofsSide extends StratafsSide {
  override readonly name = 'stratafs, driver=erofs';
  override readonly keepsNumbers = false;

  constructor(
    directory: string,
    lower: Extract<StratafsLower, { tars: unknown }>,
    shared?: UpperDirectories,
  ) {
    super(directory, lower, ['-o', 'driver=erofs'], shared);
  }
}

/** Two sides in turn, over the same upper and work directory. */
export class AlternatingSide implements Side {
  readonly name: string;
  readonly keepsNumbers = false;
  readonly #sides: readonly [Side, Side];
  readonly #begin: 0 | 1;
  #mounts = 0;

  /** `begin`: which of the sides, which share their directories, mounts first. */
  constructor(sides: readonly [Side, Side], begin: 0 | 1) {
    this.name = `${sides[0].name} and ${sides[1].name} in turn`;
    this.#sides = sides;
    this.#begin = begin;
  }

  get #current(): Side {
    return this.#sides[(this.#mounts + this.#begin) & 1] as Side;
  }

  get root(): string {
    return this.#current.root;
  }

  mount(): void {
    this.#current.mount();
  }

  unmount(): void {
    this.#current.unmount();
    this.#mounts++;
  }

  renew(): void {
    this.#mounts = 0;
    this.#sides[0].renew();
  }
}

/** A directory that umoci unpacked the layers to: what a local file system does. */
export class PlainSide implements Side {
  readonly name = 'the local file system';
  readonly keepsNumbers = true;
  root: string;
  readonly #pristine: string;
  readonly #directory: string;

  private constructor(directory: string, pristine: string) {
    this.#directory = directory;
    this.#pristine = pristine;
    this.root = '';
    this.renew();
  }

  /** Undefined if umoci gives up. It changes directories last, so their times are set to those of `inodes`. */
  static unpack(
    directory: string,
    tars: readonly Buffer[],
    inodes: ReadonlyMap<string, InodeSpec>,
  ): PlainSide | undefined {
    mkdirSync(directory);
    const pristine = join(directory, 'pristine');
    if (!unpackByUmoci(tars, pristine)) return undefined;
    for (const [path, { mode, mtime }] of inodes) {
      if ((mode & S_IFMT) === S_IFDIR) utimesSync(Buffer.from(`${pristine}/${path}`, 'latin1'), mtime, mtime);
    }
    return new PlainSide(directory, pristine);
  }

  mount(): void {
    // It is there.
  }

  unmount(): void {
    // It stays.
  }

  renew(): void {
    if (this.root !== '') rmSync(this.root, { recursive: true, force: true });
    this.root = join(mkdtempSync(join(this.#directory, 'copy-')), 'root');
    command('cp', '-a', this.#pristine, this.root);
  }
}
