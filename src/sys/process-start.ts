// When a process was started: a later process with the same number was started later.
import { readFileSync } from 'node:fs';

/** Fields of /proc/PID/stat after the name, which may hold blanks and brackets (proc_pid_stat(5)): the 22nd is the start. */
const START_AFTER_NAME = 19;
/** States of a process that nobody has waited for yet. */
const ENDED = ['Z', 'X'];

/** Clock ticks since the start of the machine, as a decimal number; undefined if there is no such process, or it has ended. */
export function processStart(pid: number): string | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return undefined; // ENOENT, ESRCH: it has ended
  }
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state = ''] = fields;
  return ENDED.includes(state) ? undefined : fields[START_AFTER_NAME];
}
