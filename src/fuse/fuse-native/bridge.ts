// Bridge: what the operations of one mount share.
import type { FileSystem } from '../../vfs/filesystem.ts';
import type { Call } from '../../vfs/operation.ts';
import { type OwnerView, ownersAsStored } from '../owners/owner-view.ts';
import { newCall } from './caller.ts';
import { Calls } from './calls.ts';
import { OpenNodes } from './open-nodes.ts';
import { PathNodes } from './path-nodes.ts';

export class Bridge {
  readonly fileSystem: FileSystem;
  readonly owners: OwnerView;
  readonly nodes: PathNodes;
  readonly opens: OpenNodes;
  readonly calls = new Calls();

  constructor(fileSystem: FileSystem, owners: OwnerView = ownersAsStored) {
    this.fileSystem = fileSystem;
    this.owners = owners;
    this.nodes = new PathNodes(fileSystem);
    this.opens = new OpenNodes(fileSystem, this.nodes);
  }

  /** The caller of what makes nothing. */
  actor(): Call {
    return this.owners.actorOf(newCall());
  }
}
