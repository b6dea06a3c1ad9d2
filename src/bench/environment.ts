// Describes the machine on which a run was measured.
import { readFile } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';
import { mountAbove, readMountTable } from '../sys/mount-table.ts';

export interface Environment {
  readonly kernel: string;
  readonly cpu: string;
  readonly cpus: number;
  /** Of the first processor; omitted if it has no frequency governor, as in most virtual machines. */
  readonly governor?: string;
  /** Bytes. */
  readonly memory: number;
  readonly node: string;
  readonly stratafs: string;
  readonly isRoot: boolean;
  /** The file system of the stacks, unpacked layers and uppers. */
  readonly scratch: { readonly type: string; readonly source: string };
  /** The kernel's clock source. */
  readonly clockSource?: string;
  /**
   * guest_halt_poll_ns of a virtual machine: nanoseconds for which an idle CPU polls before it halts. Omitted if its kernel has no
   * such setting.
   */
  readonly haltPoll?: number;
  /** Over the last minute, before the bench began. */
  readonly load: number;
}

export async function describeEnvironment(scratch: string, version: string): Promise<Environment> {
  const governor = await readLine('/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor');
  const clockSource = await readLine('/sys/devices/system/clocksource/clocksource0/current_clocksource');
  const haltPoll = await readLine('/sys/module/haltpoll/parameters/guest_halt_poll_ns');
  return {
    kernel: release(),
    cpu: cpus()[0]?.model ?? 'unknown',
    cpus: availableParallelism(),
    ...(governor === undefined ? {} : { governor }),
    memory: totalmem(),
    node: process.version,
    stratafs: version,
    isRoot: process.geteuid?.() === 0,
    scratch: await fileSystemOf(scratch),
    ...(clockSource === undefined ? {} : { clockSource }),
    ...(haltPoll === undefined ? {} : { haltPoll: Number(haltPoll) }),
    load: loadavg()[0] ?? 0,
  };
}

/** Undefined if this machine has no such file (ENOENT). */
async function readLine(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').then(
    (text) => text.trim(),
    () => undefined,
  );
}

/** The file system of `path` (absolute, without symlinks). In a chroot the mount table may not list it. */
async function fileSystemOf(path: string): Promise<{ type: string; source: string }> {
  const { type, source } = mountAbove(await readMountTable(), path) ?? { type: 'unknown', source: 'unknown' };
  return { type, source };
}
