// The command line: which commands there are, and how what the user typed reaches one.
//
// A command's file is loaded only when it is asked for: start-up time is what a second mount consists of.
import { Command, CommanderError } from 'commander';
import { EXIT_USAGE } from './failure.ts';
import { helpWidth, wrapHelp } from './help-lines.ts';
import { suggestNearest } from './suggest.ts';
import { UsageError } from './usage-error.ts';
import { readVersion } from './version.ts';

export interface CommandEntry {
  readonly summary: string;
  readonly load: () => Promise<() => Command>;
}

/** By name, in the order in which help lists them. */
export const commands: ReadonlyMap<string, CommandEntry> = new Map<string, CommandEntry>([
  [
    'mount',
    {
      summary: 'mount a saved image, or a stack of layers',
      load: async () => (await import('./mount-command.ts')).mountCommand,
    },
  ],
  [
    'unmount',
    {
      summary: 'unmount, and wait until the daemon has ended',
      load: async () => (await import('./unmount-command.ts')).unmountCommand,
    },
  ],
  ['ls', { summary: 'list what is mounted', load: async () => (await import('./ls-command.ts')).lsCommand }],
  [
    'ps',
    {
      summary: 'list mounts as containers: image, age, size of what was written',
      load: async () => (await import('./ps-command.ts')).psCommand,
    },
  ],
  [
    'index',
    {
      summary: 'make the index of an image, so that its first mount is fast',
      load: async () => (await import('./index-command.ts')).indexCommand,
    },
  ],
  [
    'images',
    {
      summary: 'list the images of archives, and what they share',
      load: async () => (await import('./images-command.ts')).imagesCommand,
    },
  ],
  [
    'history',
    {
      summary: 'show the steps that made an image, and their layers',
      load: async () => (await import('./history-command.ts')).historyCommand,
    },
  ],
  [
    'layers',
    {
      summary: 'show where the layers of an image lie, and what each changes',
      load: async () => (await import('./layers-command.ts')).layersCommand,
    },
  ],
  [
    'which',
    {
      summary: 'tell which layer a path comes from',
      load: async () => (await import('./which-command.ts')).whichCommand,
    },
  ],
  [
    'diff',
    {
      summary: 'show what was written to a mount, or compare images, layers, directories',
      load: async () => (await import('./diff-command.ts')).diffCommand,
    },
  ],
  [
    'waste',
    {
      summary: 'find what an image stores and never shows',
      load: async () => (await import('./waste-command.ts')).wasteCommand,
    },
  ],
  [
    'report',
    {
      summary: 'write a page that shows images: layers, a map of the bytes, waste',
      load: async () => (await import('./report-command.ts')).reportCommand,
    },
  ],
  [
    'cat',
    {
      summary: "write a file's content to standard output",
      load: async () => (await import('./cat-command.ts')).catCommand,
    },
  ],
  [
    'export',
    {
      summary: 'write what an image shows as one tar',
      load: async () => (await import('./export-command.ts')).exportCommand,
    },
  ],
  [
    'commit',
    {
      summary: 'make an image of a mount: what was written to it becomes one more layer',
      load: async () => (await import('./commit-command.ts')).commitCommand,
    },
  ],
  [
    'flatten',
    {
      summary: 'make an image of one layer, which shows what all layers of another show',
      load: async () => (await import('./flatten-command.ts')).flattenCommand,
    },
  ],
  [
    'squash',
    {
      summary: 'make an image whose upper layers are one',
      load: async () => (await import('./squash-command.ts')).squashCommand,
    },
  ],
  [
    'bench',
    {
      summary: 'measure stratafs beside other ways to show the same layers',
      load: async () => (await import('./bench-command.ts')).benchCommand,
    },
  ],
  [
    'stats',
    {
      summary: 'show what a mount was asked and what it answered from its cache',
      load: async () => (await import('./stats-command.ts')).statsCommand,
    },
  ],
  [
    'completion',
    {
      summary: 'print a script that completes command lines in bash, zsh or fish',
      load: async () => (await import('./completion-command.ts')).completionCommand,
    },
  ],
  [
    'version',
    {
      summary: 'print the version',
      load: async () => (await import('./version-command.ts')).versionCommand,
    },
  ],
]);

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
    const { runMountHelper } = await import('./mount-helper.ts');
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
