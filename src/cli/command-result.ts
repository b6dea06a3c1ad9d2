// What a command is, and what it returns: exit.ts alone prints it and sets the exit status.
import type { Command } from 'commander';

export type WriteBytes = (bytes: Uint8Array) => Promise<void>;

interface Ending {
  /** The exit status; 0 if left out. */
  readonly status?: number;
  /** True: a thread may still wait for a mount that does not answer; the process exits without waiting for it. */
  readonly exitsNow?: boolean;
}

export type CommandResult =
  | (Ending & { readonly text: string })
  /** Printed with an indentation of two blanks. */
  | (Ending & { readonly json: unknown })
  /** Output that may be large: it is written as fast as the reader takes it. Resolves to the exit status. */
  | { readonly stream: (write: WriteBytes) => Promise<number> }
  /** Help for a command line that lacks a command: it goes to standard error, and the exit status is 2. */
  | { readonly usage: string };

export interface CliCommand {
  /** Name, arguments, options and help, without an action. */
  readonly syntax: Command;
  /** Called with what commander passes to an action: the arguments, then the options. */
  readonly run: (...values: never[]) => CommandResult | Promise<CommandResult>;
}
