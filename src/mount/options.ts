// What a caller of the library may ask for, and what is done where it asks for nothing.
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import type { LayerSelection } from '../image/select-layers.ts';
import {
  MS_DIRSYNC,
  MS_NOATIME,
  MS_NODEV,
  MS_NODIRATIME,
  MS_NOEXEC,
  MS_NOSUID,
  MS_SYNCHRONOUS,
} from '../sys/mount-calls.ts';
import type { Watch } from './watch.ts';

/** Which image of a source, and how much of it. */
export interface OpenImageOptions extends LayerSelection, Watch {
  /** `os/architecture[/variant]`; by default the host's, where the source has several. */
  readonly platform?: string;
  /** Where an archive that is compressed as a whole is unpacked to: $XDG_CACHE_HOME/stratafs by default. */
  readonly cacheDirectory?: string;
}

const flagBits = {
  nodev: MS_NODEV,
  nosuid: MS_NOSUID,
  noexec: MS_NOEXEC,
  noatime: MS_NOATIME,
  nodiratime: MS_NODIRATIME,
  sync: MS_SYNCHRONOUS,
  dirsync: MS_DIRSYNC,
} as const;

/** Flags of mount(2), by mount(8)'s names. */
export type MountFlag = keyof typeof flagBits;

export interface MountOptions extends Watch {
  readonly flags?: readonly MountFlag[];
  /** Other users may look in, as far as the image's permissions let them: root's default. */
  readonly allowOther?: boolean;
  /** What the mount table shows; the image's source by default. */
  readonly fsname?: string;
  /** Bytes of memory for decompressed blocks. */
  readonly cacheSize?: number;
  /** 'always' reads all layers to verify them; 'never' checks no digest. By default what was not verified before is. */
  readonly verify?: 'when-new' | 'always' | 'never';
  /** False: indexes are neither taken from the cache directory nor saved there. */
  readonly useIndexCache?: boolean;
  /** Where they are kept: $XDG_CACHE_HOME/stratafs by default. */
  readonly cacheDirectory?: string;
}

/** MS_* of mount(2). */
export function mountFlagBits(flags: readonly MountFlag[] = []): number {
  return flags.reduce((bits, flag) => bits | flagBits[flag], 0);
}

export const DEFAULT_CACHE_SIZE = 256 * 1024 * 1024;

/** $XDG_CACHE_HOME/stratafs (XDG base directory specification: a relative one is ignored). */
export function defaultCacheDirectory(): string {
  const given = process.env['XDG_CACHE_HOME'] ?? '';
  return join(isAbsolute(given) ? given : join(homedir(), '.cache'), 'stratafs');
}
