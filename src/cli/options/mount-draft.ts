// MountDraft: the options of one mount command that were parsed so far. The rules change it; mount-request.ts completes it.
//
// `options` holds all options of the library, with the library's names.
import type { MountOptions, OpenImageOptions, ThrowAwayUpper, UpperDirectories } from '../../mount/mount.ts';
import type { UpperBehaviour } from '../../mount/mount.ts';
import type { RestartRule } from '../../mount/keeper/keeper.ts';

/** Optional, writable fields of `T`. */
type Draft<T> = { -readonly [Name in keyof T]?: T[Name] | undefined };

/** The upper so far. It has no effect without a directory and without `isThrowAway`. */
export type UpperDraft = Draft<UpperDirectories & ThrowAwayUpper & UpperBehaviour> & {
  /** True: without workdir=, the work directory is next to the upper directory, and is made if it is missing. */
  isWorkBeside?: boolean;
};

export interface MountDraft {
  /** The value of `lowerdir=` with its backslash escapes. */
  lowerdir?: string;
  /** By default 'rw' with an upper and 'ro' without one. */
  access?: 'ro' | 'rw' | undefined;
  upper: UpperDraft;
  isFakeRoot?: boolean;
  /** 'off': the mount ends with its daemon. */
  restart?: RestartRule | 'off';
  readonly options: Draft<Omit<MountOptions & OpenImageOptions, 'upper'>>;
}

/** A draft without options. */
export function newDraft(): MountDraft {
  return { upper: {}, options: {} };
}
