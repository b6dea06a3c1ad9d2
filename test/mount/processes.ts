// Other processes: those that use a mount, and the daemons that serve it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, readFileSync, readdirSync } from 'node:fs';
import { constants } from 'node:os';
import { openProcess, waitForExit } from '../../src/sys/process-calls.ts';

/** A zombie counts as ended. */
export function isAlive(pid: number): boolean {
  return existsSync(`/proc/${pid}/stat`) && !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
}

/** How long a process may take to end before it counts as stuck, on a busy machine too. */
export const ENDING_MS = 120_000;

/** Waits until process `pid` has ended. False if it is stuck. */
export async function hasEnded(pid: number): Promise<boolean> {
  const descriptor = openProcess(pid);
  if (descriptor === -constants.errno.ESRCH) return true;
  try {
    return (await waitForExit(descriptor, ENDING_MS)) === 0;
  } finally {
    closeSync(descriptor);
  }
}

/** The processes that were started with `variable` (NAME=value) in their environment, and whose environment may be read. */
export function startedWith(variable: string): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0 && environmentOf(pid).includes(variable));
}

function environmentOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0');
  } catch {
    return []; // ENOENT, ESRCH: ended meanwhile; EACCES: another user's
  }
}

/** A shell that works in `directory` until `release` is called. */
export async function workIn(directory: string): Promise<{ pid: number; release: () => Promise<void> }> {
  const child = spawn('sh', ['-c', 'echo; read line; :'], {
    cwd: directory,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  return {
    pid: child.pid as number,
    release: async () => {
      child.stdin.end();
      await once(child, 'close');
    },
  };
}

/** Waits until `parent` has a child whose command line contains `program`, and returns its pid. Any child by default. */
export async function childOf(parent: number, program = ''): Promise<number> {
  for (;;) {
    const children = readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8').trim();
    const child = Number(children.split(' ')[0]);
    if (child > 0 && commandLineOf(child)?.includes(program) === true) return child;
    await new Promise((resolve) => void setImmediate(resolve));
  }
}

function commandLineOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return undefined; // ENOENT, ESRCH: ended meanwhile
  }
}

/** The daemon that the launcher `launcher` starts, the child of the keeper; waits for it. */
export async function daemonOf(launcher: number): Promise<number> {
  return childOf(await childOf(launcher), 'main.cjs');
}
