// Drives examine.js, step by step. A process that ends, or that answers nothing for long (a loop would stop its own
// timers), is reported as a failure of its current step, and replaced by a new one.
import { type ChildProcess, fork } from 'node:child_process';
import type { MountOptions } from '../../src/mount/options.ts';
import { bundleProgram } from '../bundle-program.ts';
import { withSanitizer } from '../sanitizer-preload.ts';

const PROGRAM = await bundleProgram('hostile/examine.js');
/** Milliseconds: a step that takes longer hangs. */
export const WATCHDOG = 120_000;
/** One line without control characters; a choice of images is listed beneath it. */
const ONE_LINE = /^\P{Cc}+(\n {2}@\d+ \P{Cc}*)*$/u;

export interface Order {
  readonly step: 'index' | 'export' | 'mount' | 'unmount';
  readonly source: string;
  readonly cacheDirectory: string;
  readonly mountpoint?: string;
  /** Of a mount, beside the cache directory. */
  readonly options?: MountOptions;
}

/** `refused`: with an error as a user may see it. `wrong`: what must not be. */
export type Result =
  | { readonly kind: 'done' }
  | { readonly kind: 'refused'; readonly text: string }
  | { readonly kind: 'wrong'; readonly text: string };

interface Answer {
  readonly failure?: { readonly text: string; readonly stack?: string };
}

export class Examiner {
  #child: ChildProcess | undefined;
  #stderr = '';

  async do(order: Order): Promise<Result> {
    const child = (this.#child ??= this.#start());
    const answered = await new Promise<Answer | string>((resolve) => {
      const settle = (how: Answer | string): void => {
        clearTimeout(timer);
        child.removeAllListeners('message').removeAllListeners('close');
        resolve(how);
      };
      const timer = setTimeout(() => settle(`hangs: no answer for ${WATCHDOG / 1000} s`), WATCHDOG);
      child.on('message', (answer) => settle(answer as Answer));
      child.on('close', (status, signal) => settle(`the process ended: ${signal ?? `status ${status}`}`));
      child.send(order, () => undefined);
    });
    if (typeof answered === 'string') {
      child.kill('SIGKILL');
      this.#child = undefined;
      return { kind: 'wrong', text: `${answered}\n${this.#stderr}` };
    }
    const { failure } = answered;
    if (failure === undefined) return { kind: 'done' };
    const isRight =
      order.step !== 'unmount' && ONE_LINE.test(failure.text) && !failure.text.startsWith('internal error');
    return isRight
      ? { kind: 'refused', text: failure.text }
      : { kind: 'wrong', text: `${failure.text}\n${failure.stack ?? ''}` };
  }

  /** Ends the process; what it has mounted is then dead. */
  end(): void {
    this.#child?.kill('SIGKILL');
    this.#child = undefined;
  }

  #start(): ChildProcess {
    this.#stderr = '';
    const env = withSanitizer(process.env);
    const child = fork(PROGRAM, { env, stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text));
    return child;
  }
}
