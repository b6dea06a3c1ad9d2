// `stratafs __complete -- WORDS...`: what a shell's completion asks. It answers with candidates, or, whatever is wrong,
// with nothing, and its exit status is 0.
import type { CommandResult } from '../command-result.ts';
import { complete } from './complete.ts';
import { type Completion, none, writeCompletion } from './completion.ts';
import { unquoteWord } from './shell-words.ts';

/**
 * A mount that doesn't answer, or a file system that hangs, is waited for no longer. Otherwise an answer takes some 50 ms
 * more than Node, more only on a machine that is very busy.
 */
const DEADLINE_MS = 3000;

export async function answerCompletion(args: readonly string[]): Promise<CommandResult> {
  const words = args[0] === '--' ? args.slice(1) : args;
  const completion = await Promise.race([completeOrNone(words.map(unquoteWord)), deadline()]);
  // Something may still be read, or a mount be asked that never answers.
  return { text: writeCompletion(completion), exitsNow: true };
}

async function completeOrNone(words: readonly string[]): Promise<Completion> {
  try {
    return await complete(words);
  } catch {
    return none; // nobody wants to read about it in the middle of a line
  }
}

function deadline(): Promise<Completion> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(none), DEADLINE_MS).unref();
  });
}
