// ImageStack: the stack of an image whose layers are open.
import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { exportTar } from '../inspect/export-tar.ts';
import type { InspectedImage } from '../inspect/inspected-image.ts';
import { writeLayerDirectories } from '../inspect/layer-directory.ts';
import { type MergedImage, mergeImage } from '../inspect/merged-image.ts';
import type { Tree } from '../tree/tree.ts';
import { type CatalogueEntry, catalogueOf } from './catalogue.ts';
import { writeGzipLayers } from './gzip-layers.ts';
import type { Processes } from './processes.ts';
import type { Scratch } from './scratch.ts';
import type { Stack, UnpackedLayers } from './stack.ts';
import { unpackTar } from './unpack.ts';

export interface ImageStackOptions {
  readonly source: string;
  readonly label: string;
  readonly platform: string | undefined;
  readonly processes: Processes;
  readonly scratch: Scratch;
}

export class ImageStack implements Stack {
  readonly source: string;
  readonly label: string;
  readonly platform: string | undefined;
  readonly layerCount: number;
  readonly tree: Tree;
  readonly catalogue: readonly CatalogueEntry[];
  readonly #inspected: InspectedImage;
  readonly #merged: MergedImage;
  readonly #processes: Processes;
  readonly #scratch: Scratch;
  #unpacked: Promise<UnpackedLayers> | undefined;
  readonly #forms = new Map<string, Promise<string>>();

  /** The layers of `inspected` must stay open until the last form has been made. */
  constructor(inspected: InspectedImage, options: ImageStackOptions) {
    const { source, label, platform, processes, scratch } = options;
    this.source = source;
    this.label = label;
    this.platform = platform;
    this.layerCount = inspected.layers.length;
    this.#inspected = inspected;
    this.#merged = mergeImage(inspected);
    this.#processes = processes;
    this.#scratch = scratch;
    this.tree = this.#merged.tree;
    const caller = { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };
    this.catalogue = catalogueOf(this.tree, caller);
  }

  unpacked(): Promise<UnpackedLayers> {
    return (this.#unpacked ??= this.#unpack());
  }

  gzipped(): Promise<string> {
    return this.form('gzip', async (directory) => {
      await writeGzipLayers(directory, this.#inspected, this.#processes.signal);
      return `oci:${directory}`;
    });
  }

  flattened(): Promise<string> {
    return this.form('flat', async (directory) => {
      const { signal } = this.#processes;
      await unpackTar(this.#processes, directory, (take) => exportTar(this.#merged, { take, signal }));
      return directory;
    });
  }

  form(name: string, make: (place: string) => Promise<string>): Promise<string> {
    const form = this.#forms.get(name) ?? this.#scratch.fresh(name).then(make);
    this.#forms.set(name, form);
    return form;
  }

  async #unpack(): Promise<UnpackedLayers> {
    const directory = await this.#scratch.fresh('layers');
    const { layers } = this.#inspected;
    const names = layers.map((_, below) => String(below + 1));
    const places = names.map((name) => join(directory, name));
    for (const [below, { source }] of layers.entries()) {
      const place = places[below] as string;
      await (source.kind === 'directory' ? symlink(source.path, place) : mkdir(place));
    }
    await writeLayerDirectories(this.#inspected, (below) =>
      layers[below]?.source.kind === 'directory' ? undefined : places[below],
    );
    names.reverse();
    return { directory, names };
  }
}
