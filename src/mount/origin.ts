// The origin of a mount's image: what opening it again needs. The mount reports it with its MountFacts.
import type { MarkNamespace } from '../overlayfs-format/overlay-xattrs.ts';
import type { OwnerKeeping } from '../overlay/upper/kept-owners.ts';
import { type MountOptions, type OpenImageOptions, directoryMarksOf } from './options.ts';

export interface MountOrigin {
  /** Absolute: what relative paths of the source are relative to. */
  readonly directory: string;
  readonly platform?: string | undefined;
  readonly layer?: string | undefined;
  readonly upto?: string | undefined;
  readonly ownerKeeping?: OwnerKeeping | undefined;
  /** The namespace of the marks that count in layers that are directories. */
  readonly directoryMarks?: MarkNamespace | undefined;
}

/** To be called while this process is where the user was. */
export function originOf(options: OpenImageOptions & MountOptions): MountOrigin {
  const { platform, layer, upto, ownerKeeping } = options;
  return {
    directory: workingDirectory(),
    directoryMarks: directoryMarksOf(options),
    platform,
    layer,
    upto,
    ownerKeeping,
  };
}

/** A working directory that was removed has no path: what was given by an absolute one is found all the same. */
function workingDirectory(): string {
  try {
    return process.cwd();
  } catch {
    return '/'; // ENOENT
  }
}
