// The command line: finds and runs the command that the user typed.
import { Command, CommanderError } from 'commander';
import { commands } from './command-list.ts';
import type { CommandResult } from './command-result.ts';
import { helpWidth, wrapHelp } from './output/help-lines.ts';
import { describeOption } from './output/option-help.ts';
import { suggestNearest } from './options/suggest.ts';
import { UsageError } from './options/usage-error.ts';
import { readVersion } from './version.ts';

/** The help text below the list of commands. */
export const examples = `
Examples:
  stratafs mount alpine.tar /mnt           output of "docker save"
  stratafs mount oci:layout:latest /mnt    image of an OCI layout
  stratafs mount -o lowerdir=top.tar:base.tar.gz /mnt
  stratafs ls
  stratafs unmount /mnt

"stratafs <command> --help" describes a command.`;

export const summary = 'Mount saved container images in place, without unpacking their layers.';

/** Wraps help to the terminal's width, and makes commander throw instead of printing and exiting. */
function configure(command: Command, writeHelp: (text: string) => void): Command {
  const width = helpWidth();
  const write = (text: string): void => writeHelp(wrapHelp(text, width));
  return command
    .exitOverride()
    .helpCommand(false)
    .helpOption('-h, --help', 'print this help')
    .showSuggestionAfterError(true)
    .configureHelp({ helpWidth: width, optionDescription: describeOption })
    .configureOutput({ writeOut: write, writeErr: write, outputError: () => undefined });
}

/**
 * For the type "fuse.stratafs" in fstab, mount.fuse3 runs "stratafs SOURCE DIR -o LIST", without a command's name; these
 * are the arguments of mount.stratafs. With lowerdir= SOURCE may be any word, even the name of a command: only mount
 * takes such a list.
 */
function isCalledFromFstab(args: readonly string[]): boolean {
  const [source = '', , option, list = ''] = args;
  if (args.length !== 4 || option !== '-o') return false;
  return !commands.has(source) || (source !== 'mount' && /(?:^|,)lowerdir=/.test(list));
}

/** Runs the command that `args` names (argv without node and the script). Throws UsageError for wrong arguments. */
export async function runCommandLine(args: readonly string[]): Promise<CommandResult> {
  if (args[0] === '__complete') {
    const { answerCompletion } = await import('./completion/answer.ts');
    return answerCompletion(args.slice(1));
  }
  if (isCalledFromFstab(args)) {
    const { runMountHelper } = await import('./commands/mount-helper.ts');
    return runMountHelper(args);
  }
  const typed = spellOut(args);
  const name = typed[0] ?? '';
  if (name !== '' && !name.startsWith('-') && !commands.has(name)) {
    throw new UsageError(`unknown command '${name}'${suggestNearest(name, [...commands.keys()])}`);
  }
  let help = '';
  const writeHelp = (text: string): void => void (help += text);
  let result: CommandResult = { text: '' };
  const program = configure(new Command('stratafs'), writeHelp)
    .description(summary)
    .version(readVersion(), '-V, --version', 'print the version')
    .usage('<command> [options]')
    .addHelpText('after', examples);
  for (const [each, { summary: about, load }] of commands) {
    if (each === name) {
      const { syntax, run } = (await load())();
      const start = run as (...values: unknown[]) => CommandResult | Promise<CommandResult>;
      syntax.action(async (...values) => void (result = await start(...(values as unknown[]))));
      program.addCommand(configure(syntax, writeHelp));
    } else program.command(each).description(about);
  }
  try {
    if (name === '') program.help({ error: true });
    await program.parseAsync([...typed], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { text: help };
    if (help !== '') return { usage: help };
    throw new UsageError(inOneLine(error.message));
  }
  return result;
}

/** "error: unknown option '--jsom'\n(Did you mean --json?)" without "error: ", in one line. */
function inOneLine(message: string): string {
  return message
    .replace(/^error: /, '')
    .trim()
    .replace(/\s*\n\s*/g, ' ');
}

/** "help COMMAND" means "COMMAND --help", and umount means unmount. */
function spellOut(args: readonly string[]): readonly string[] {
  const [first, ...rest] = args;
  if (first === 'umount') return ['unmount', ...rest];
  if (first !== 'help') return args;
  return rest[0] === undefined ? ['--help'] : [...spellOut([rest[0]]), '--help'];
}
