// Formats a failure: one line that describes the error; the stack only with DEBUG=stratafs:*.
import { ErrnoError } from '../vfs/errno.ts';
import { InputError } from '../vfs/input-error.ts';
import { UsageError } from './options/usage-error.ts';

export const EXIT_FAILURE = 1;
export const EXIT_USAGE = 2;

/** Remedies, by errno, for failures that are unrelated to the command's arguments. */
const advice: Readonly<Record<string, string>> = {
  EMFILE: 'this process may open no more files: raise the limit (ulimit -Hn, LimitNOFILE=)',
  ENFILE: 'the system may open no more files: raise fs.file-max, or end programs',
  ENOMEM: 'out of memory: free some, or raise the limit (ulimit -v)',
  ERR_OUT_OF_MEMORY: 'out of memory: free some, or raise the limit (ulimit -v)',
  ERR_MEMORY_ALLOCATION_FAILED: 'out of memory: free some, or raise the limit (ulimit -v)',
};

/** The message without the program's name: one line, possibly with a list of choices. */
export function describeFailure(error: unknown): string {
  if (error instanceof Error && 'syscall' in error && error.syscall === 'uv_cwd') {
    return 'the working directory was removed: change to another one, or give absolute paths';
  }
  const text = describeOne(error);
  const hint = adviceOn(error);
  return hint === undefined ? text : `${text}: ${hint}`;
}

/** The code of the failure or of its cause. */
function adviceOn(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if (error instanceof RangeError && /allocation failed/i.test(error.message)) return advice['ENOMEM'];
  const code = 'code' in error ? String(error.code) : '';
  return advice[code] ?? adviceOn(error.cause);
}

function describeOne(error: unknown): string {
  if (error instanceof InputError || error instanceof ErrnoError) return error.message;
  if (!(error instanceof Error)) return `internal error: ${String(error)}`;
  const text = error.message.trim().replace(/\s*\n\s*/g, '; ');
  return isSystemError(error) ? text : `internal error: ${text} (DEBUG=stratafs:* shows where)`;
}

export function exitStatusOf(error: unknown): number {
  return error instanceof UsageError ? EXIT_USAGE : EXIT_FAILURE;
}

/** True for Node's system call errors: "ENOENT: no such file or directory, open 'x'". */
function isSystemError(error: Error): boolean {
  return 'syscall' in error && 'code' in error;
}

/** The stacks of the error and its causes if DEBUG asks for them; otherwise ''. */
export function stackOf(error: unknown): string {
  if (!/\bstratafs\b|\*/.test(process.env['DEBUG'] ?? '')) return '';
  if (!(error instanceof Error)) return String(error);
  const stack = error.stack ?? error.message;
  return error.cause === undefined ? stack : `${stack}\ncaused by ${stackOf(error.cause)}`;
}
