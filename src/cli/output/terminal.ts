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

/**
 * Calls `onFailed` when standard output takes no more: EPIPE when its reader has closed it, as in `stratafs ls | head -1`,
 * ENOSPC when the disk of its file is full.
 */
export function watchOutput(onFailed: (error: NodeJS.ErrnoException) => void): void {
  process.stdout.on('error', onFailed);
}

/** Without this, the first warning that cannot be written would end the process in the middle of its work. */
export function ignoreFailuresOfErrorOutput(): void {
  process.stderr.on('error', () => undefined);
}
