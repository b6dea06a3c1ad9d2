// Processes: starts the programs of a run, and waits for each. The user's interrupt ends the running program; after it,
// only programs that clean up are started.
//
// Each program has its own session: the terminal's Ctrl-C only reaches the bench, which then ends them in order.
import { setMaxListeners } from 'node:events';
import { spawn } from 'node:child_process';
import type { Writable } from 'node:stream';
import { InputError } from '../vfs/input-error.ts';

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<NodeJS.ProcessEnv>;
  /** Standard input; empty by default. */
  readonly input?: Uint8Array | ((stdin: Writable) => Promise<void>);
  /** True: the program is started, and runs to its end, even after an interrupt. */
  readonly takesDown?: boolean;
  /** True: an interrupt ends its child processes too, which would otherwise survive it. */
  readonly endsChildren?: boolean;
}

/** The most characters of a command line in a message. */
const SHOWN_COMMAND = 120;
/** The most lines of a program's output in a message. */
const SHOWN_LINES = 3;

/** A program exited with a status other than 0, or could not be started. */
export class ProgramError extends InputError {
  /** The last lines that it wrote to standard error, joined; empty if it wrote nothing. */
  readonly said: string;

  constructor(argv: readonly string[], failure: string, said: string) {
    const command = argv.join(' ');
    const shown = command.length > SHOWN_COMMAND ? `${command.slice(0, SHOWN_COMMAND)}...` : command;
    const lines = said.trim().split('\n').slice(-SHOWN_LINES).join('; ');
    super(`${shown}: ${failure}${lines === '' ? '' : `: ${lines}`}`);
    this.name = 'ProgramError';
    this.said = lines;
  }
}

export class Processes {
  readonly #signal: AbortSignal;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    // One for each process under way: all contenders are prepared at once.
    setMaxListeners(0, signal);
  }

  /** `signal` is the user's interrupt; after it, calls throw its reason. */
  get signal(): AbortSignal {
    return this.#signal;
  }

  /**
   * Runs a program to its end, and returns its standard output. Throws ProgramError if it can't be started, or exits with
   * a status other than 0.
   */
  async run(argv: readonly string[], options: RunOptions = {}): Promise<Buffer> {
    const signal = options.takesDown === true ? undefined : this.#signal;
    signal?.throwIfAborted();
    const [program = '', ...rest] = argv;
    const child = spawn(program, rest, {
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      env: { ...process.env, LC_ALL: 'C', ...options.env },
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const stop = (): void => {
      // `detached` made it the leader of a process group. Without a pid it could not be started.
      if (options.endsChildren !== true || child.pid === undefined) child.kill('SIGTERM');
      else endGroup(child.pid);
    };
    signal?.addEventListener('abort', stop);
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on('data', (bytes: Buffer) => stdout.push(bytes));
    child.stderr.on('data', (bytes: Buffer) => stderr.push(bytes));
    // EPIPE: the program ended before it had read all input; its exit status is reported.
    child.stdin.on('error', () => undefined);
    const ended = new Promise<string | undefined>((resolve) => {
      child.on('error', (error) => resolve(error.message));
      child.on('close', (status, killedBy) =>
        resolve(status === 0 ? undefined : `ended with ${killedBy ?? `status ${status ?? '?'}`}`),
      );
    });
    let failure: string | undefined;
    try {
      await feed(child.stdin, options.input);
    } finally {
      // Close its input also if writing failed, so that the program ends.
      child.stdin.end();
      failure = await ended;
      signal?.removeEventListener('abort', stop);
    }
    signal?.throwIfAborted();
    if (failure === undefined) return Buffer.concat(stdout);
    throw new ProgramError(argv, failure, Buffer.concat(stderr).toString());
  }

  /** Runs a program that cleans up, also after an interrupt. */
  takeDown(argv: readonly string[], options: RunOptions = {}): Promise<Buffer> {
    return this.run(argv, { ...options, takesDown: true });
  }
}

function endGroup(leader: number): void {
  try {
    process.kill(-leader, 'SIGTERM');
  } catch {
    // ESRCH: all have ended
  }
}

async function feed(stdin: Writable, input: RunOptions['input']): Promise<void> {
  if (typeof input === 'function') await input(stdin);
  else if (input !== undefined) stdin.write(input);
}
