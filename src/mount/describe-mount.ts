// The facts that a mount reports of itself: through its daemon, or in the record of a mount that the kernel serves.
import type { MountFacts } from '../fuse/mounts/mount-facts.ts';
import type { Image } from '../image/image.ts';
import { isRegistrySource } from '../image/source.ts';
import type { MarkNamespace } from '../overlayfs-format/overlay-xattrs.ts';
import type { StackedLayers } from './layers.ts';
import type { DriverName } from './options.ts';
import type { MountOrigin } from './origin.ts';
import type { PreparedUpper } from './prepare-upper.ts';

/** A mount that is being made. */
export interface DescribedMount {
  readonly image: Image;
  readonly layers: Pick<StackedLayers, 'readers' | 'layersId'>;
  /** Bytes of all layers' files, as docker counts an image's size. */
  readonly size: number;
  readonly upper: PreparedUpper | undefined;
  readonly upperMarks: MarkNamespace | undefined;
  readonly driver: DriverName;
  /** The process that serves the mount; undefined where the kernel alone does. */
  readonly pid: number | undefined;
  /** The socket of the daemon that serves this mount among others. */
  readonly daemon?: string | undefined;
  /** Milliseconds since 1970; now by default. */
  readonly started?: number | undefined;
}

/** What the mount answers from now on. */
export function describeMount(
  { image, layers, size, upper, upperMarks, driver, pid, daemon, started = Date.now() }: DescribedMount,
  origin: MountOrigin,
): MountFacts & MountOrigin {
  return {
    pid,
    daemon,
    driver,
    started,
    source: image.source,
    ...origin,
    names: image.names,
    layers: layers.readers.length,
    layersId: layers.layersId,
    size,
    imageId: image.id,
    manifest: isRegistrySource(image.source) ? image.manifest?.digest : undefined,
    upper: upper?.paths.upper,
    work: upper?.paths.work,
    upperMarks,
  };
}
