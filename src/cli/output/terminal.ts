// The standard streams of this process. A lint rule keeps all other files of src/cli from using them: commands return their
// output, which exit.ts prints; progress and warnings go through output/report.ts.
import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';

/** Columns of the terminal on standard output; undefined without a terminal, or if its width is unknown. */
export function outputWidth(): number | undefined {
  const { columns } = process.stdout as { columns?: number };
  return columns === 0 ? undefined : columns;
}

export function isOutputTerminal(): boolean {
  return process.stdout.isTTY;
}

/** Standard error, for progress bars. */
export function errorTerminal(): NodeJS.WriteStream | undefined {
  return process.stderr.isTTY ? process.stderr : undefined;
}

/** Resolves when the stream accepts more, after a turn of the event loop: signals and the end of the reader are seen. */
export async function writeOutput(output: string | Uint8Array): Promise<void> {
  if (process.stdout.write(output)) await setImmediate();
  else await once(process.stdout, 'drain');
}

/** Resolves when all output has been flushed. */
export async function flushOutput(): Promise<void> {
  await new Promise<void>((resolve) => process.stdout.write('', () => resolve()));
}

export function writeError(text: string): void {
  process.stderr.write(text);
}

/** Calls `onClosed` when the reader of standard output has closed it, as in `stratafs ls | head -1`. */
export function watchOutputReader(onClosed: () => void): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    onClosed();
  });
}
