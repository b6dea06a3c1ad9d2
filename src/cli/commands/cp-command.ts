// stratafs cp: copies files of an image to a directory, without a mount, like `docker cp`.
import { existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { LAYER_ABOUT, UPTO_ABOUT } from './option-texts.ts';
import type { CliCommand, CommandResult } from '../command-result.ts';
import { Command } from 'commander';
import type { CopyOptions } from '../../library/copy.ts';
import type { Image } from '../../library/image.ts';
import { ErrnoError } from '../../vfs/errno.ts';
import { InputError } from '../../vfs/input-error.ts';
import { showText } from '../../vfs/show-text.ts';
import { writeExport } from './export-command.ts';
import { addSourceOptions, type SourceArguments, withShown } from './inspection.ts';
import { describeCount } from '../options/argument-count.ts';
import { parseImagePath, splitImagePath } from '../options/image-path.ts';
import { UsageError } from '../options/usage-error.ts';
import { TerminalReport } from '../output/report.ts';
import { isOutputTerminal } from '../output/terminal.ts';

const help = `
<source:path> is an image as for "stratafs mount", or a stratafs mount point, then a colon and an absolute path in it.
<dest> is a path of this machine, by the rules of "docker cp": an existing directory gets the files under their own names;
anything else gets the only <path> as itself. A directory <path> that ends in /. stands for its content. If <dest> is -, a
tar is written to standard output.
Permissions, times, hard links and holes are kept. All files belong to the user who copies; with --archive as root, they keep
their owners, set-ID bits and devices. xattrs are copied with --archive. Existing files and symlinks are replaced, existing
directories are merged, and nothing is written through a symlink below <dest>. Each file appears when it is complete. A path
that cannot be copied causes a warning, and the exit status is 1.

Examples:
  stratafs cp app.tar:/etc/passwd .
  stratafs cp --layer 3 app.tar:/etc/passwd passwd.old    as in layer 3
  sudo stratafs cp -a app.tar:/usr/lib/. lib
  stratafs cp /mnt:/var/log - | tar -t                    from a mount`;

interface CpArguments extends SourceArguments {
  readonly archive?: true;
  readonly followLink?: true;
  readonly quiet?: true;
}

/** The paths of one source. */
interface CopiedPaths {
  readonly source: string;
  readonly paths: string[];
}

/** In the order of the command line; each source once. */
function groupBySource(operands: readonly string[]): CopiedPaths[] {
  const groups = new Map<string, CopiedPaths>();
  for (const { source, path } of operands.map(parseImagePath)) {
    const group = groups.get(source) ?? { source, paths: [] };
    group.paths.push(path);
    groups.set(source, group);
  }
  return [...groups.values()];
}

/** Runs `act`; an error about a path of the image names its source. */
async function withSourceName<T>(source: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof ErrnoError) || error.syscall !== 'lstat') throw error;
    const where = `${showText(source)}: ${showText(error.path ?? '')}`;
    const why =
      { ENOENT: 'no such file in the image' }[error.code] ?? `no such file in the image (${error.code})`;
    throw new InputError(`${where}: ${why}`, { cause: error });
  }
}

/** Returns the exit status. */
async function copyPaths(
  image: Image,
  paths: string[],
  dest: string,
  args: CpArguments,
  options: CopyOptions,
): Promise<number> {
  const report = new TerminalReport();
  let status = 0;
  try {
    await image.copy(paths, dest, {
      ...options,
      archive: args.archive === true,
      followLinks: args.followLink === true,
      ...(args.quiet === true
        ? {}
        : { onProgress: (done, total) => report.progress({ what: 'copying', done, total }) }),
      onProblem: (path, problem) => {
        report.warning(`${path}: ${problem}`);
        status = 1;
      },
    });
  } finally {
    report.end();
  }
  return status;
}

/** docker cp takes CONTAINER:PATH as its destination, too. */
function requireLocal(dest: string): void {
  if (splitImagePath(dest) === undefined || existsSync(dirname(dest))) return;
  throw new UsageError(
    `cp: found '${showText(dest)}' as DEST, expected a path of this machine: an image is not written to, and a mount is named as a directory`,
  );
}

/** Several images can't all become one file. */
function requireDirectory(dest: string): void {
  if (statSync(dest, { throwIfNoEntry: false })?.isDirectory() === true) return;
  throw new InputError(`${showText(dest)}: is not a directory, expected one for several sources`);
}

async function runCp(operands: string[], args: CpArguments): Promise<CommandResult> {
  const dest = operands.at(-1) ?? '';
  if (operands.length < 2) throw new UsageError(`cp: ${describeCount(operands, ['SOURCE:PATH', 'DEST'])}`);
  if (dest === '') throw new UsageError("cp: found '' as DEST, expected a path");
  requireLocal(dest);
  const groups = groupBySource(operands.slice(0, -1));
  const opened = { ...args, requiresConfig: true } as const;
  if (dest === '-') {
    const [only, ...others] = groups;
    if (only === undefined || others.length > 0) throw new UsageError('cp: a tar can have one source only');
    if (isOutputTerminal()) throw new InputError('cp: standard output is a terminal; use a pipe');
    const selection = { paths: only.paths, followLinks: args.followLink };
    return {
      stream: (write) =>
        withShown(only.source, opened, (image, report, signal) =>
          withSourceName(only.source, () => writeExport(image, { ...selection, signal }, report, write)),
        ),
    };
  }
  if (groups.length > 1) requireDirectory(dest);
  let status = 0;
  for (const { source, paths } of groups) {
    status ||= await withShown(source, opened, (image, _report, signal) =>
      withSourceName(source, () => copyPaths(image, paths, dest, args, { signal })),
    );
  }
  return { text: '', status };
}

export function cpCommand(): CliCommand {
  return {
    syntax: addSourceOptions(
      new Command('cp')
        .description('Copy files of an image to this machine, like "docker cp".')
        .usage('[options] <source:path...> <dest>')
        .argument('<source:path...>', 'image or mount point, and path in it')
        .option('-a, --archive', 'keep owners, set-ID bits, devices (root only) and xattrs')
        .option('-L, --follow-link', 'follow a symlink that is <path> itself')
        .option('-q, --quiet', 'show no progress')
        .option('--layer <layer>', LAYER_ABOUT)
        .option('--upto <layer>', UPTO_ABOUT),
    ).addHelpText('after', help),
    run: runCp,
  };
}
