// All contenders, in the order in which they are told.
import type { Contender } from './contender.ts';
import { bareLoop } from './contenders/bare-loop.ts';
import { fuseOverlayfs } from './contenders/fuse-overlayfs.ts';
import { overlayfs } from './contenders/overlayfs.ts';
import { erofs, erofsfuse, squashfs, squashfuse } from './contenders/packed.ts';
import { plain } from './contenders/plain.ts';
import { stratafs } from './contenders/stratafs.ts';

export const contenders: readonly Contender[] = [
  stratafs({ name: 'stratafs', summary: 'this program, as it is by default', options: [] }),
  stratafs({
    name: 'fastpath-off',
    summary: 'this program, JavaScript answering each request (-o fastpath=off)',
    options: ['fastpath=off'],
  }),
  stratafs({
    name: 'fuse-native',
    summary: 'this program over libfuse 2 (-o driver=fuse-native)',
    // Its driver can't tell who writes.
    options: ['driver=fuse-native', 'no_allow_other'],
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
