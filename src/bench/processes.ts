// Processes: the programs that a run of the bench starts, each waited for. The user's interrupt ends what runs, and keeps
// anything else from starting but what takes things down.
//
// Each is a session of its own: the terminal's Ctrl-C reaches the bench alone, which then ends them in order.
import { spawn } from 'node:child_process';
import type { Writable } from 'node:stream';
import { InputError } from '../vfs/input-error.ts';

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<NodeJS.ProcessEnv>;
  /** What is written to standard input; nothing by default. */
  readonly input?: Uint8Array | ((stdin: Writable) => Promise<void>);
  /** True: it runs even after an interrupt, and to its end. */
  readonly takesDown?: boolean;
}

/** Characters of a command line that a message shows. */
const SHOWN_COMMAND = 120;
/** Lines of what a program said that a message shows. */
const SHOWN_LINES = 3;

/** A program ended with another status than 0, or could not be started. */
export class ProgramError extends InputError {
  /** What it wrote to standard error, its last lines as one; empty where it said nothing. */
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
  }

  /** The signal's reason is thrown once the user has interrupted. */
  get signal(): AbortSignal {
    return this.#signal;
  }

  /**
   * Runs a program to its end: what it wrote to standard output. ProgramError where it can't be started, or ends with
   * another status than 0.
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
    const stop = (): unknown => child.kill('SIGTERM');
    signal?.addEventListener('abort', stop);
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on('data', (bytes: Buffer) => stdout.push(bytes));
    child.stderr.on('data', (bytes: Buffer) => stderr.push(bytes));
    // EPIPE: it ended before it had read all; its exit status tells.
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
      // Where there is no more input, for whatever reason, it ends too.
      child.stdin.end();
      failure = await ended;
      signal?.removeEventListener('abort', stop);
    }
    signal?.throwIfAborted();
    if (failure === undefined) return Buffer.concat(stdout);
    throw new ProgramError(argv, failure, Buffer.concat(stderr).toString());
  }

  /** Runs what takes something down. */
  takeDown(argv: readonly string[], options: RunOptions = {}): Promise<Buffer> {
    return this.run(argv, { ...options, takesDown: true });
  }
}

async function feed(stdin: Writable, input: RunOptions['input']): Promise<void> {
  if (typeof input === 'function') await input(stdin);
  else if (input !== undefined) stdin.write(input);
}
