// The line that says why a mount can't be unmounted now.
import { type Holder, findHolders, findSubmounts } from '../sys/mount-holders.ts';

/** So many are named; the others are counted. */
const NAMED = 5;

/** "DIR is busy: bash (pid 12) works in it, tail (pid 13) has DIR/log open". */
export async function describeHolders(mountpoint: string): Promise<string> {
  const holders = (await findHolders(mountpoint)).map((holder) => describeHolder(holder, mountpoint));
  const submounts = (await findSubmounts(mountpoint)).map((path) => `${path} is mounted in it`);
  const all = [...holders, ...submounts];
  const rest = all.length > NAMED ? [`${all.length - NAMED} more`] : [];
  const who =
    all.length === 0 ? 'by a process that only root can see' : [...all.slice(0, NAMED), ...rest].join(', ');
  return `${mountpoint} is busy${all.length === 0 ? ' ' : ': '}${who}`;
}

function describeHolder({ pid, name, kind, path }: Holder, mountpoint: string): string {
  const who = `${name} (pid ${pid})`;
  switch (kind) {
    case 'has open':
      return `${who} has ${path} open`;
    case 'has mapped':
      return `${who} has mapped ${path}`;
    default:
      return `${who} ${kind} ${path === mountpoint ? 'it' : path}`;
  }
}
