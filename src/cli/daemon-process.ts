// The daemon's process. `stratafs mount` starts it before it has loaded anything to read its own arguments: two Nodes
// then start at once.
//
// A daemon that gets no request ends by itself when the command does.
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** `args`: the command's own, for ps(1) to show. Where no process could be made, it has no pid. */
export function startDaemon(args: readonly string[]): ChildProcess {
  const script = fileURLToPath(new URL('./daemon.js', import.meta.url));
  const daemon = spawn(process.execPath, [...process.execArgv, script, ...args], {
    argv0: 'stratafs',
    detached: true,
    // Node parses these certificates at every start, 40 ms of it, and the daemon speaks TLS with nobody.
    env: { ...process.env, NODE_EXTRA_CA_CERTS: undefined },
    stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
  });
  // Told by the missing pid; unheard, it would end the command with a stack.
  daemon.on('error', () => undefined);
  return daemon;
}

/** A daemon started on the chance that the arguments ask for one. */
export class EarlyDaemon {
  readonly #process: ChildProcess;
  #isTaken = false;

  constructor(args: readonly string[]) {
    this.#process = startDaemon(args);
  }

  /** The process is the caller's. */
  take(): ChildProcess {
    this.#isTaken = true;
    return this.#process;
  }

  /** Ends a process that nobody took. */
  discard(): void {
    if (!this.#isTaken) this.#process.kill('SIGKILL');
  }
}

/** Whether `stratafs ARGS` is probably going to mount in the background. */
export function callsForDaemon(args: readonly string[]): boolean {
  const others = /^(-[a-zA-Z]*f[a-zA-Z]*|--foreground|-h|--help)$/;
  return args[0] === 'mount' && args.length > 2 && !args.some((arg) => others.test(arg));
}
