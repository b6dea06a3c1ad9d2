// `stratafs __complete -- WORDS...`, which the completion scripts of shells run. It prints candidates, or nothing after any
// error, and exits with status 0.
import type { CommandResult } from '../command-result.ts';
import { complete } from './complete.ts';
import { type Completion, none, writeCompletion } from './completion.ts';
import { unquoteWord } from './shell-words.ts';

/**
 * The timeout for mounts and file systems that don't answer. Normally completion takes about 50 ms longer than the start
 * of Node.
 */
const DEADLINE_MS = 3000;

export async function answerCompletion(args: readonly string[]): Promise<CommandResult> {
  const words = args[0] === '--' ? args.slice(1) : args;
  const completion = await Promise.race([completeOrNone(words.map(unquoteWord)), deadline()]);
  // Exit now: a read, or a request to a mount, may never complete.
  return { text: writeCompletion(completion), exitsNow: true };
}

async function completeOrNone(words: readonly string[]): Promise<Completion> {
  try {
    return await complete(words);
  } catch {
    return none; // an error message would disturb the command line
  }
}

function deadline(): Promise<Completion> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(none), DEADLINE_MS).unref();
  });
}
