// All contenders, in the order of tables and help.
import type { Contender } from './contender.ts';
import { bareLoop } from './contenders/bare-loop.ts';
import { fuseOverlayfs } from './contenders/fuse-overlayfs.ts';
import { overlayfs } from './contenders/overlayfs.ts';
import { erofs, erofsfuse, squashfs, squashfuse } from './contenders/packed.ts';
import { plain } from './contenders/plain.ts';
import { stratafs } from './contenders/stratafs.ts';

export const contenders: readonly Contender[] = [
  stratafs({ name: 'stratafs', summary: 'this program with default options', options: [] }),
  stratafs({
    name: 'fastpath-off',
    summary: 'this program with all requests answered in JavaScript (-o fastpath=off)',
    options: ['fastpath=off'],
  }),
  stratafs({
    name: 'fuse-native',
    summary: 'this program with libfuse 2 (-o driver=fuse-native)',
    // The driver doesn't report which user writes.
    options: ['driver=fuse-native', 'no_allow_other'],
  }),
  stratafs({
    name: 'writable',
    summary: 'this program with an empty upper directory also where nothing is written',
    options: [],
    // What writes, writes to `stratafs` in the same way.
    serves: ['metadata', 'content', 'mounts'],
    isAlwaysWritable: true,
  }),
  stratafs({
    name: 'stratafs-erofs',
    summary: 'this program with the EROFS driver of the kernel (-o driver=erofs)',
    options: ['driver=erofs'],
    needsRoot: true,
  }),
  stratafs({
    name: 'stratafs-erofs-gzip',
    summary: 'the same with layers that are compressed by gzip',
    options: ['driver=erofs'],
    needsRoot: true,
    isGzipped: true,
    // Writes go to the upper in the same way.
    serves: ['metadata', 'content', 'mounts'],
  }),
  overlayfs,
  fuseOverlayfs,
  plain,
  bareLoop,
  squashfs,
  squashfuse,
  erofs,
  erofsfuse,
];
