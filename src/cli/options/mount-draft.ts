// MountDraft: what the options of one mount command have said so far. The rules change it; mount-request.ts completes it.
//
// Everything that the library takes too stands in `options`, under the library's names.
import type { MountOptions, OpenImageOptions, ThrowAwayUpper, UpperDirectories } from '../../mount/mount.ts';
import type { UpperBehaviour } from '../../mount/mount.ts';

/** Some fields of `T`, which can be set. */
type Draft<T> = { -readonly [Name in keyof T]?: T[Name] | undefined };

/** The upper, as far as it is known: of no effect without a directory and without `isThrowAway`. */
export type UpperDraft = Draft<UpperDirectories & ThrowAwayUpper & UpperBehaviour> & {
  /** True: the work directory lies beside the upper directory if none is named, and is made if it is missing. */
  isWorkBeside?: boolean;
};

export interface MountDraft {
  /** The value of `lowerdir=` with its backslash escapes. */
  lowerdir?: string;
  /** By default 'rw' with an upper and 'ro' without one. */
  access?: 'ro' | 'rw' | undefined;
  upper: UpperDraft;
  isFakeRoot?: boolean;
  readonly options: Draft<Omit<MountOptions & OpenImageOptions, 'upper'>>;
}

/** One of which no option has been applied. */
export function newDraft(): MountDraft {
  return { upper: {}, options: {} };
}
