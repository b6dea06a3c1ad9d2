// The standard streams of this process. No other file of src/cli touches them (a lint rule): commands return what they have
// to say (exit.ts prints it), and progress and warnings go through output/report.ts.
import { once } from 'node:events';

/** Columns of the terminal that standard output is; undefined if it is none, or one that does not know its width. */
export function outputWidth(): number | undefined {
  const { columns } = process.stdout as { columns?: number };
  return columns === 0 ? undefined : columns;
}

export function isOutputTerminal(): boolean {
  return process.stdout.isTTY;
}

/** The terminal that standard error is, for progress bars. */
export function errorTerminal(): NodeJS.WriteStream | undefined {
  return process.stderr.isTTY ? process.stderr : undefined;
}

/** Resolves when the reader can take more. */
export async function writeOutput(output: string | Uint8Array): Promise<void> {
  if (!process.stdout.write(output)) await once(process.stdout, 'drain');
}

/** Resolves when all that was written has left the process. */
export async function flushOutput(): Promise<void> {
  await new Promise<void>((resolve) => process.stdout.write('', () => resolve()));
}

export function writeError(text: string): void {
  process.stderr.write(text);
}

/** Calls `onClosed` when the reader of standard output has gone, as in `stratafs ls | head -1`. */
export function watchOutputReader(onClosed: () => void): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    onClosed();
  });
}
