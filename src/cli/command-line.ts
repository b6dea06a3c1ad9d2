// The command line: how what the user typed reaches a command.
import { Command, CommanderError } from 'commander';
import { commands } from './command-list.ts';
import { EXIT_USAGE } from './failure.ts';
import { helpWidth, wrapHelp } from './output/help-lines.ts';
import { suggestNearest } from './options/suggest.ts';
import { UsageError } from './options/usage-error.ts';
import { readVersion } from './version.ts';

/** Below the list of commands. */
export const examples = `
Examples:
  stratafs mount alpine.tar /mnt            what "docker save" wrote, as a container sees it
  stratafs mount oci:layout:latest /mnt     one image of an OCI layout
  stratafs mount -o lowerdir=top.tar:base.tar.gz /mnt
  stratafs ls
  stratafs unmount /mnt

"stratafs help COMMAND" tells more of each.`;

export const summary = 'Mounts saved container images in place: the layers stay inside their tarballs.';

/** Output and exit in our manner: "stratafs: ..." in one line, and errors thrown to `runCommandLine`. */
function configure(command: Command): Command {
  const width = helpWidth();
  return command
    .exitOverride()
    .helpCommand(false)
    .showSuggestionAfterError(true)
    .configureHelp({ helpWidth: width })
    .configureOutput({
      writeOut: (text) => process.stdout.write(wrapHelp(text, width)),
      outputError: (text, write) => {
        const line = text
          .replace(/^error: /, '')
          .trim()
          .replace(/\s*\n\s*/g, ' ');
        write(`stratafs: ${line}\n`);
      },
    });
}

/**
 * mount(8) reads "stratafs SOURCE DIR -o LIST" out of fstab's "fuse.stratafs" (mount.fuse3 writes it so, without a
 * command's name): what mount.stratafs is called with. With lowerdir= SOURCE may be any word, a command's name too: no
 * command takes such a list but mount itself.
 */
function isCalledFromFstab(args: readonly string[]): boolean {
  const [source = '', , option, list = ''] = args;
  if (args.length !== 4 || option !== '-o') return false;
  return !commands.has(source) || (source !== 'mount' && /(?:^|,)lowerdir=/.test(list));
}

/**
 * Runs the command that `args` names (argv without node and the script). Answers the exit status, or throws what the
 * command threw.
 */
export async function runCommandLine(args: readonly string[]): Promise<number> {
  if (args[0] === '__complete') {
    const { answerCompletion } = await import('./completion/answer.ts');
    await answerCompletion(args.slice(1));
    return 0;
  }
  const program = configure(new Command('stratafs'))
    .description(summary)
    .version(readVersion(), '-V, --version', 'print the version')
    .usage('COMMAND [OPTIONS]')
    .addHelpText('after', examples);
  if (isCalledFromFstab(args)) {
    const { runMountHelper } = await import('./commands/mount-helper.ts');
    await runMountHelper(args);
    return 0;
  }
  const typed = spellOut(args);
  const name = typed[0] ?? '';
  for (const [each, { summary: told, load }] of commands) {
    if (each === name) program.addCommand(configure((await load())()));
    else program.command(each).description(told);
  }
  if (name !== '' && !name.startsWith('-') && !commands.has(name)) {
    throw new UsageError(`unknown command '${name}'${suggestNearest(name, [...commands.keys()])}`);
  }
  try {
    if (name === '') program.help({ error: true });
    await program.parseAsync([...typed], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Commander has written help, the version, or its line already.
    return error.exitCode === 0 ? 0 : EXIT_USAGE;
  }
  // What a command found, not a failure of it: a threshold that is broken, a path that isn't there.
  return Number(process.exitCode ?? 0);
}

/** "help COMMAND" is "COMMAND --help", and umount is how umount(8) spells it. */
function spellOut(args: readonly string[]): readonly string[] {
  const [first, ...rest] = args;
  if (first === 'umount') return ['unmount', ...rest];
  if (first !== 'help') return args;
  return rest[0] === undefined ? ['--help'] : [...spellOut([rest[0]]), '--help'];
}
