// The facts that a mount reports of itself: through its daemon, or in the record of a mount that the kernel serves.
import type { MountFacts } from '../fuse/mounts/mount-facts.ts';
import type { Image } from '../image/image.ts';
import { isRegistrySource } from '../image/source.ts';
import type { MarkNamespace } from '../overlayfs-format/overlay-xattrs.ts';
import type { MergedLayers } from './layers.ts';
import type { DriverName, MountOptions, OpenImageOptions } from './options.ts';
import { type MountOrigin, originOf } from './origin.ts';
import type { PreparedUpper } from './prepare-upper.ts';

/** A mount that is being made. */
export interface DescribedMount {
  readonly image: Image;
  readonly layers: MergedLayers;
  readonly upper: PreparedUpper | undefined;
  readonly upperMarks: MarkNamespace | undefined;
  readonly driver: DriverName;
  /** The process that serves the mount; undefined where the kernel alone does. */
  readonly pid: number | undefined;
}

/** To be called while this process is where the user was. */
export function describeMount(
  { image, layers, upper, upperMarks, driver, pid }: DescribedMount,
  options: MountOptions & OpenImageOptions,
): MountFacts & MountOrigin {
  return {
    pid,
    driver,
    started: Date.now(),
    source: image.source,
    ...originOf(options),
    names: image.names,
    layers: layers.readers.length,
    layersId: layers.layersId,
    size: layers.size,
    imageId: image.id,
    manifest: isRegistrySource(image.source) ? image.manifest?.digest : undefined,
    upper: upper?.paths.upper,
    work: upper?.paths.work,
    upperMarks,
  };
}
