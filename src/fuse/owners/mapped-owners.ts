// Owners that are shown differently from how they are stored.
//
// A caller whose ID can't be stored makes nothing (EOVERFLOW, as under the kernel's ID-mapped mounts), but may change and
// remove what the kernel lets it. A new owner, or a user or group in an ACL, that can't be stored is EINVAL.
import { EINVAL } from '../../vfs/errno.ts';
import { Call } from '../../vfs/operation.ts';
import { type OwnerMaps, mapAcl } from './id-mapping.ts';
import { type OwnerView, ownersAsStored } from './owner-view.ts';

const ACL_PREFIX = Buffer.from('system.posix_acl_');

/** Owners put through `maps`. */
export function mappedOwners({ users, groups }: OwnerMaps): OwnerView {
  const showUser = (id: number): number => users.show(id);
  const showGroup = (id: number): number => groups.show(id);
  const storeUser = (id: number): number => users.store(id);
  const storeGroup = (id: number): number => groups.store(id);
  const makerOf = (call: Call): Call | undefined => {
    const [uid, gid] = [storeUser(call.uid), storeGroup(call.gid)];
    return uid < 0 || gid < 0 ? undefined : new Call(uid, gid, call.pid);
  };
  return {
    ...ownersAsStored,
    isAsStored: false,
    showUser,
    showGroup,
    makerOf,
    actorOf: (call) => makerOf(call) ?? call,
    storeChanges(changes) {
      if (changes.uid !== undefined) changes.uid = storeUser(changes.uid);
      if (changes.gid !== undefined) changes.gid = storeGroup(changes.gid);
      return (changes.uid ?? 0) < 0 || (changes.gid ?? 0) < 0 ? -EINVAL : 0;
    },
    showXattr: (name, value) => (isAcl(name) ? (mapAcl(value, showUser, showGroup) ?? -EINVAL) : value),
    storeXattr: (name, value) => (isAcl(name) ? (mapAcl(value, storeUser, storeGroup) ?? -EINVAL) : value),
  };
}

function isAcl(name: Uint8Array): boolean {
  return ACL_PREFIX.compare(name, 0, Math.min(ACL_PREFIX.length, name.length)) === 0;
}
