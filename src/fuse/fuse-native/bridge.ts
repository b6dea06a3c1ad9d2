// Bridge: what the operations of one mount share.
import type { FileSystem } from '../../vfs/filesystem.ts';
import { Calls } from './calls.ts';
import { OpenNodes } from './open-nodes.ts';
import { PathNodes } from './path-nodes.ts';

export class Bridge {
  readonly fileSystem: FileSystem;
  readonly nodes: PathNodes;
  readonly opens: OpenNodes;
  readonly calls = new Calls();

  constructor(fileSystem: FileSystem) {
    this.fileSystem = fileSystem;
    this.nodes = new PathNodes(fileSystem);
    this.opens = new OpenNodes(fileSystem, this.nodes);
  }
}
