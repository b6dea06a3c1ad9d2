// The processes that the bars start, and the end of all of them: a Ctrl-C ends what runs, and what was set up is taken
// down again by the `finally` of who set it up.
import { spawn } from 'node:child_process';

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Bytes for standard input; none by default. */
  readonly input?: Buffer;
}

export interface Run {
  readonly stdout: Buffer;
  /** Wall time from before the spawn until the exit was seen. */
  readonly seconds: number;
}

/** Raised by what runs, or would have run, when the user has interrupted. */
export class InterruptedError extends Error {
  override readonly name = 'InterruptedError';
}

/** Starts processes, one at a time. */
export class Processes {
  readonly #interrupt = new AbortController();

  /** From now on `run` fails; what runs is ended. */
  interrupt(): void {
    this.#interrupt.abort();
  }

  /** Runs a program to its end. Its standard output is collected; an exit status but 0 is an error with its stderr. */
  run(argv: readonly string[], options: RunOptions = {}): Promise<Run> {
    if (this.#interrupt.signal.aborted) return Promise.reject(new InterruptedError());
    return this.#start(argv, options, { isDetached: false, signal: this.#interrupt.signal });
  }

  /** The same for taking down, which an interrupt doesn't stop. */
  runAlways(argv: readonly string[], options: RunOptions = {}): Promise<Run> {
    return this.#start(argv, options, { isDetached: true });
  }

  /** `run` of a shell's command line, output discarded: the seconds it took. */
  async secondsOf(script: string, options: RunOptions = {}): Promise<number> {
    const { seconds } = await this.run(['bash', '-c', `set -eo pipefail; ${script}`], options);
    return seconds;
  }

  #start(
    argv: readonly string[],
    { cwd, env, input }: RunOptions,
    { isDetached, signal }: { isDetached: boolean; signal?: AbortSignal },
  ): Promise<Run> {
    return new Promise((resolve, reject) => {
      const [program = '', ...rest] = argv;
      const begin = process.hrtime.bigint();
      const child = spawn(program, rest, {
        ...(cwd === undefined ? {} : { cwd }),
        env: { ...process.env, ...env },
        detached: isDetached,
        stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      });
      const stop = (): unknown => child.kill('SIGTERM');
      signal?.addEventListener('abort', stop);
      const stdout: Buffer[] = [];
      const stderr: Buffer[] = [];
      child.stdout?.on('data', (bytes: Buffer) => stdout.push(bytes));
      child.stderr?.on('data', (bytes: Buffer) => stderr.push(bytes));
      child.stdin?.on('error', () => {
        // EPIPE: the program ended before it had read all; its exit status tells.
      });
      child.stdin?.end(input);
      child.on('error', reject);
      child.on('close', (status, killedBy) => {
        const seconds = Number(process.hrtime.bigint() - begin) / 1e9;
        signal?.removeEventListener('abort', stop);
        if (signal?.aborted === true) reject(new InterruptedError());
        else if (status === 0) resolve({ stdout: Buffer.concat(stdout), seconds });
        else {
          const why = Buffer.concat(stderr).toString().trim().split('\n').slice(-5).join('\n');
          reject(new Error(`${argv.join(' ').slice(0, 200)}: exit ${killedBy ?? status ?? '?'}: ${why}`));
        }
      });
    });
  }
}
