// The types of a command and of its result. Only exit.ts prints results and sets the exit status.
import type { Command } from 'commander';

export type WriteBytes = (bytes: Uint8Array) => Promise<void>;

interface Ending {
  /** The exit status; 0 by default. */
  readonly status?: number;
  /** True: a thread may be blocked by a mount that does not answer; the process exits without waiting for it. */
  readonly exitsNow?: boolean;
}

export type CommandResult =
  | (Ending & { readonly text: string })
  /** Printed with an indentation of two blanks. */
  | (Ending & { readonly json: unknown })
  /** Output that may be large: it is written with back-pressure. Resolves to the exit status. */
  | { readonly stream: (write: WriteBytes) => Promise<number> }
  /** Help for a command line without a command: printed on standard error, with exit status 2. */
  | { readonly usage: string };

export interface CliCommand {
  /** Name, arguments, options and help, without an action. */
  readonly syntax: Command;
  /** Called like an action of commander: with the arguments, then the options. */
  readonly run: (...values: never[]) => CommandResult | Promise<CommandResult>;
}
