// All contenders, by name.
import type { Contender } from './contender.ts';
import { fuseOverlayfs } from './contenders/fuse-overlayfs.ts';
import { overlayfs } from './contenders/overlayfs.ts';
import { plain } from './contenders/plain.ts';
import { stratafs } from './contenders/stratafs.ts';

export const contenders: readonly Contender[] = [
  stratafs({ name: 'stratafs', summary: 'this program, as it is by default', options: [] }),
  overlayfs,
  fuseOverlayfs,
  plain,
];
