// stratafs tree: shows the merged files of an image as a tree, with the layer that last changed each of them.
import { BYTES_ABOUT, FORMAT_ABOUT, JSON_ABOUT } from './option-texts.ts';
import type { CliCommand, CommandResult, WriteBytes } from '../command-result.ts';
import { Command, InvalidArgumentError } from 'commander';
import type { Image } from '../../library/image.ts';
import type { TreeListing, TreeOptions } from '../../library/tree.ts';
import { ErrnoError } from '../../vfs/errno.ts';
import { InputError } from '../../vfs/input-error.ts';
import { latin1Of } from '../../vfs/names.ts';
import { showText } from '../../vfs/show-text.ts';
import { SOURCE_ABOUT, addSourceOptions, sizeWriter, type SourceArguments, withShown } from './inspection.ts';
import { UsageError } from '../options/usage-error.ts';
import { type ColorChoice, colorOption, outputPalette } from '../output/color.ts';
import { formatTree, formatTreeTotal, jsonLines } from '../output/tree-lines.ts';
import { treeFields, treeRows } from '../output/tree-rows.ts';
import { showPathName } from '../output/shown-path.ts';
import { isOutputTerminal } from '../output/terminal.ts';

const help = `
Each line has a letter, the layer that last changed the path, the size and the path. A: added by this layer; C: changed, a
lower layer has it too; D: deleted. The size of a directory is the sum of what is shown in it; of several hard links only the
first has a size, and the size of a deleted path, which has a minus, is in no sum. A <path> that is a symlink is followed
inside the image.
--layer shows what one layer adds, changes and deletes; "upper" is what was written to a mount. --changed shows what all
layers above the base change. Both also show the directories that lead there, without a letter. --paths prints the visible
paths, the changed ones only with --layer or --changed. docs/json.md describes the output of --json.
${treeFields.help} Their values are those
of --json; a table has no column for .Target and .LinkTo.

Examples:
  stratafs tree --depth 2 app.tar
  stratafs tree --layer 3 app.tar /etc
  stratafs tree --paths app.tar /etc`;

interface TreeArguments extends SourceArguments {
  readonly depth?: number;
  readonly changed?: true;
  readonly paths?: true;
  readonly null?: true;
  readonly bytes?: true;
  readonly json?: true;
  readonly format?: string;
  readonly color: ColorChoice;
}

/** --layer's name for the upper directory of a mount. */
const UPPER = 'upper';

/** Characters that are written at once. */
const PIECE = 32 * 1024;

function parseDepth(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError(`found '${text}', expected a number from 0`);
}

/** The image as it is opened: with the layers up to --layer, whose changes are shown. */
function sourceArguments({ layer, upto, ...args }: TreeArguments): SourceArguments {
  if (layer !== undefined && upto !== undefined) {
    throw new UsageError('tree: --layer and --upto are given, expected one of them');
  }
  if (layer !== undefined && layer !== UPPER) return { ...args, upto: layer, typed: `--layer=${layer}` };
  return { ...args, ...(upto === undefined ? {} : { upto }) };
}

function changesOf({ layer, changed }: TreeArguments): TreeOptions['changes'] {
  if (layer !== undefined) return 'of-top';
  return changed === true ? 'above-base' : 'none';
}

async function listTree(
  image: Image,
  source: string,
  path: string,
  args: TreeArguments,
): Promise<TreeListing> {
  if (args.layer === UPPER && !image.hasUpper) {
    throw new InputError(
      `${showText(source)}: is not a mount with an upper directory, so --layer upper has nothing`,
    );
  }
  return image
    .tree(path === '' ? '/' : path, { changes: changesOf(args), depth: args.depth })
    .catch((error: unknown) => {
      if (!(error instanceof ErrnoError)) throw error;
      const where = `${showText(source)}: ${showText(path)}`;
      throw new InputError(`${where}: no such file in the image; "stratafs which" also finds deleted ones`, {
        cause: error,
      });
    });
}

/** Writes texts in pieces, as they are made. */
async function writeLines(
  lines: Iterable<string>,
  encoding: BufferEncoding,
  write: WriteBytes,
  signal: AbortSignal,
): Promise<void> {
  let pending = '';
  for (const line of lines) {
    pending += line;
    if (pending.length < PIECE) continue;
    await write(Buffer.from(pending, encoding));
    signal.throwIfAborted();
    pending = '';
  }
  await write(Buffer.from(pending, encoding));
}

/** Bytes as latin1: names are written as they are, unless a terminal shows them. */
function* pathLines(tree: TreeListing, args: TreeArguments): Generator<string> {
  const end = args.null === true ? '\0' : '\n';
  const isEscaped = args.null !== true && isOutputTerminal();
  for (const entry of tree) {
    if (!entry.isSelected || entry.kind === 'deleted') continue;
    const path = isEscaped ? Buffer.from(showPathName(entry)) : entry.pathBytes;
    yield `${latin1Of(path)}${end}`;
  }
}

function* treeLines(tree: TreeListing, image: Image, { bytes, color }: TreeArguments): Generator<string> {
  const size = sizeWriter(bytes);
  yield* formatTree(tree, image, size, outputPalette(color));
  yield formatTreeTotal(tree, size);
}

function runTree(source: string, path = '/', args: TreeArguments): CommandResult {
  if (args.null === true && args.paths !== true) throw new UsageError('tree: -0 needs --paths');
  const opened = sourceArguments(args);
  const format = args.format === undefined ? undefined : treeFields.parse(args.format);
  return {
    stream: (write) =>
      withShown(source, opened, async (image, _report, signal) => {
        const tree = await listTree(image, source, path, args);
        if (args.json === true) await writeLines(jsonLines(tree, image), 'utf8', write, signal);
        else if (format !== undefined) {
          const rows = treeRows(tree, image, sizeWriter(args.bytes), format);
          await writeLines(rows, 'utf8', write, signal);
        } else if (args.paths === true) await writeLines(pathLines(tree, args), 'latin1', write, signal);
        else await writeLines(treeLines(tree, image, args), 'utf8', write, signal);
        return 0;
      }),
  };
}

export function treeCommand(): CliCommand {
  return {
    syntax: addSourceOptions(
      new Command('tree')
        .description('Show the files of an image as a tree, with sizes and the layer that changed each.')
        .argument('<source>', SOURCE_ABOUT)
        .argument('[path]', 'directory or file in the image', '/')
        .optionsGroup('Selection:')
        .option('-d, --depth <n>', 'show <n> levels below <path>', parseDepth)
        .option('--layer <layer>', 'show what a layer changes: a number, a digest or "upper"')
        .option('--upto <layer>', 'show the tree of the layers up to this one')
        .option('--changed', 'show what the layers above the base change')
        .optionsGroup('Output:')
        .option('--paths', 'print paths only, one a line')
        .option('-0, --null', 'end each of --paths with NUL, for "xargs -0"')
        .option('--bytes', BYTES_ABOUT)
        .option('--format <format>', FORMAT_ABOUT)
        .option('--json', JSON_ABOUT)
        .addOption(colorOption()),
      'Other:',
    ).addHelpText('after', help),
    run: runTree,
  };
}
