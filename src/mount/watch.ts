// How to watch and end what may take long: opening an image, indexing its layers, mounting.

/** How far a long piece of work is. */
export interface Progress {
  /** The work: "indexing 5 layers". */
  readonly what: string;
  /** Bytes. */
  readonly done: number;
  /** Undefined while it is unknown: a pipe has no size. */
  readonly total: number | undefined;
}

/** Callbacks and the signal of an operation that may take long. */
export interface Watch {
  /** Called often, with how far the work is. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** One line: something worth knowing, such as an archive that is unpacked to the cache. */
  readonly onNotice?: ((text: string) => void) | undefined;
  /** One line: something worth looking into, such as a mount point that isn't empty. */
  readonly onWarning?: ((text: string) => void) | undefined;
  /** Aborting rejects with its reason and leaves nothing behind. */
  readonly signal?: AbortSignal | undefined;
}
