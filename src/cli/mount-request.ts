// MountRequest: everything that `stratafs mount` was asked for, understood and ready to be done.
//
// It travels to the daemon as JSON, so it is plain values only.

/** What mount(2) has a flag for and a read-only FUSE mount makes use of. */
export type MountFlag = 'nodev' | 'nosuid' | 'noexec' | 'noatime' | 'nodiratime' | 'sync' | 'dirsync';

export interface MountRequest {
  /** SOURCE, or the value of `lowerdir=` with its backslash escapes. */
  source: { kind: 'image'; text: string } | { kind: 'lowerdir'; text: string };
  /** As the user gave it. */
  mountpoint: string;
  flags: MountFlag[];
  /** Undefined: whoever is root lets others in. */
  allowOther?: boolean;
  /** What the mount table shows instead of the source. */
  fsname?: string;
  /** os/arch[/variant]. */
  platform?: string;
  /** One layer alone, or the stack up to one: a number from 1 at the base, or a digest prefix. */
  layer?: string;
  upto?: string;
  /** Bytes of the block cache. */
  cacheSize?: number;
  /** 'always' reads every layer to verify it; 'never' believes what the image says. */
  verify?: 'always' | 'never';
  /** False: no index is read from the cache directory, or written to it. */
  useIndexCache: boolean;
}
