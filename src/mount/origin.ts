// Where the image of a mount came from: what opening it again needs, told by the mount itself beside its MountFacts.
import type { OwnerKeeping } from '../overlay/kept-owners.ts';
import type { MountOptions, OpenImageOptions } from './options.ts';

export interface MountOrigin {
  /** Absolute: what relative paths of the source are relative to. */
  readonly directory: string;
  readonly platform?: string;
  readonly layer?: string;
  readonly upto?: string;
  readonly ownerKeeping?: OwnerKeeping;
}

/** To be called while this process is where the user was. */
export function originOf({
  platform,
  layer,
  upto,
  ownerKeeping,
}: OpenImageOptions & Pick<MountOptions, 'ownerKeeping'>): MountOrigin {
  return {
    directory: workingDirectory(),
    ...(platform === undefined ? {} : { platform }),
    ...(layer === undefined ? {} : { layer }),
    ...(upto === undefined ? {} : { upto }),
    ...(ownerKeeping === undefined ? {} : { ownerKeeping }),
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
