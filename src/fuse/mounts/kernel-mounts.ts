// Mounts of stratafs that the kernel serves, in any mount namespace: no lock of a daemon shows that their upper is in use.
import { isRecordOf, listRecords } from '../../erofs/mounts/records.ts';
import { findInOtherNamespaces } from '../../sys/mount-namespaces.ts';
import { type MountEntry, readMountTable } from '../../sys/mount-table.ts';
import type { MountFacts } from './mount-facts.ts';

/** The mount point of the mount that writes to `upper` (absolute, without symlinks); undefined if there is none. */
export async function findKernelMountOf(upper: string): Promise<string | undefined> {
  const records = listRecords().filter(({ facts }) => (facts as Partial<MountFacts>).upper === upper);
  if (records.length === 0) return undefined;
  const isRecorded = (entry: MountEntry): boolean => records.some((each) => isRecordOf(each, entry));
  const here = (await readMountTable()).find(isRecorded);
  if (here !== undefined) return here.mountPoint;
  const [elsewhere] = await findInOtherNamespaces(isRecorded);
  return elsewhere?.entry.mountPoint;
}
