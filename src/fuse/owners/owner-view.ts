// OwnerView: how a mount translates owners between its users and the file system, which knows stored IDs only.
//
// It is applied at the edge, by both drivers: to attributes and ACLs on their way out, to callers, new owners and ACLs on
// their way in. One view serves a mount for its whole life, and holds no state.
import type { FileSystem, NodeId } from '../../vfs/filesystem.ts';
import type { AttrChanges, Call } from '../../vfs/operation.ts';
import { type AttrView, attrsAsStored } from '../wire/attr-view.ts';

export interface OwnerView extends AttrView {
  /** True: all that this interface can change stays as it is. */
  readonly isAsStored: boolean;
  /** True: `showMode` takes the sticky bit off directories. */
  readonly hidesStickyBits: boolean;
  /** False: no caller's write takes set-ID bits and capabilities off. */
  readonly killsPrivileges: boolean;
  /** `call` for the file system, if the caller will own what it makes; undefined if the caller's IDs can't be stored. */
  makerOf(call: Call): Call | undefined;
  /** `call` for the file system, of a request that makes nothing. */
  actorOf(call: Call): Call;
  /** Makes `changes`, of a SETATTR of `node`, those that the file system is to do: 0 or a negative errno. */
  storeChanges(changes: AttrChanges, node: NodeId, fileSystem: FileSystem): number;
  /** The value of xattr `name` as it is shown, or a negative errno. */
  showXattr(name: Uint8Array, value: Uint8Array): Uint8Array | number;
  /** The value of xattr `name` as it is stored, or a negative errno. */
  storeXattr(name: Uint8Array, value: Uint8Array): Uint8Array | number;
}

/** The view of most mounts: everything as it is stored. */
export const ownersAsStored: OwnerView = {
  ...attrsAsStored,
  isAsStored: true,
  hidesStickyBits: false,
  killsPrivileges: true,
  makerOf: (call) => call,
  actorOf: (call) => call,
  storeChanges: () => 0,
  showXattr: (_name, value) => value,
  storeXattr: (_name, value) => value,
};
