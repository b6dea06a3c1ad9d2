// Sharing: what the mounts of one process have in common: the cache of blocks, the open layers, the merged trees, and the
// buffers of messages. All is counted: what the last mount releases is closed.
import { BlockCache } from '../cache/block-cache.ts';
import { MessageBuffers } from '../fuse/message-buffers.ts';
import { LayerPool } from '../layer/layer-pool.ts';
import { SharedValues } from '../layer/shared-values.ts';
import type { SavedTree } from '../tree/tree-file.ts';
import type { Keeper } from './keeper/keeper.ts';
import { DEFAULT_CACHE_SIZE, type MountOptions } from './options.ts';
import type { MountOrigin } from './origin.ts';

/** The process that serves a mount. */
export interface Host {
  readonly sharing: Sharing;
  /** Of a daemon of many mounts. */
  readonly daemon?: DaemonHost | undefined;
  /** The parent process, which can hold a mount that is to survive this process. */
  readonly keeper?: Keeper | undefined;
}

/** How a mount of a daemon differs from one of its own process. */
export interface DaemonHost {
  /** The path of the daemon's socket, which the mount reports. */
  readonly socket: string;
  /** What the client's image was opened with, and where. */
  readonly origin: MountOrigin;
}

export class Sharing {
  /** One budget for all. */
  readonly cache: BlockCache;
  readonly layers = new LayerPool();
  /** By the key of the saved tree (tree-store.ts). Mounts that change something mark it for themselves. */
  readonly trees = new SharedValues<SavedTree>();
  #buffers: MessageBuffers | undefined;

  /** @param cacheSize bytes of memory for decompressed blocks */
  constructor(cacheSize: number) {
    this.cache = new BlockCache(cacheSize);
  }

  /** Of the mounts; what opens an image without a mount needs none. */
  get buffers(): MessageBuffers {
    return (this.#buffers ??= new MessageBuffers());
  }
}

/** A cache of its own size is a mount's own, and so are the readers that fill it. */
export function sharedLayers(
  { cache, layers, trees }: Sharing,
  { cacheSize }: Pick<MountOptions, 'cacheSize'>,
): Pick<Sharing, 'cache' | 'layers' | 'trees'> {
  if (cacheSize === undefined) return { cache, layers, trees };
  return { cache: new BlockCache(cacheSize), layers: new LayerPool(), trees };
}

/**
 * What all mounts of this process share. It is a fact about the process, as its descriptors and its event loop are: callers
 * that know nothing of each other mount the same image, so there is nobody to pass it on.
 */
export const mountSharing = new Sharing(DEFAULT_CACHE_SIZE);

/** The same of images that are open without a mount. They read each part of a layer once, so a small cache is enough. */
export const viewSharing = new Sharing(64 * 1024 * 1024);
