// stratafs diff: shows the changes in a mount, or compares two images, stacks of layers, or directories.
import { BYTES_ABOUT, FORMAT_ABOUT, JSON_ABOUT } from './option-texts.ts';
import { showPath } from '../../vfs/show-text.ts';
import type { CliCommand, CommandResult, WriteBytes } from '../command-result.ts';
import { Command } from 'commander';
import {
  type ComparedImage,
  type DifferenceInTrees as Difference,
  DiffSizes,
  type InspectedImage,
  compareTrees,
  inspectChange,
  inspectOperand,
  mergeForComparison,
} from '../../library/comparison.ts';
import type { OpenOptions } from '../../library/open-image.ts';
import { fitLine } from '../output/terminal-lines.ts';
import { DiffPatches } from '../output/diff-patches.ts';
import { addSourceOptions, sizeWriter, type SourceArguments, withReport } from './inspection.ts';
import {
  type ColorChoice,
  type Palette,
  type Style,
  colorOption,
  outputPalette,
  paint,
} from '../output/color.ts';
import { Listing, type ListingRow, type RowFormat } from '../output/listing.ts';
import { paintPatch } from '../output/patch-colors.ts';
import { UsageError } from '../options/usage-error.ts';

const listing = new Listing([
  { name: 'Kind', title: '' },
  { name: 'Before', title: 'BEFORE', align: 'right' },
  { name: 'After', title: 'AFTER', align: 'right' },
  { name: 'Changed', title: 'CHANGED' },
  { name: 'Path', title: 'PATH' },
]);

const help = `
<a> and <b> are images as for "stratafs mount", <image>#<layer> for the layers up to this one, stratafs mount points, or
directories. Whiteouts of overlayfs and AUFS in directories are applied. A mount point alone shows what was written to the
mount, like "docker diff"; <image>#<layer> alone shows what that layer changes.
Each line has A for added, C for changed or D for deleted. A deleted directory is listed without its content, and the parents
of a changed file are listed as changed. The mtime of a directory is ignored. Files of equal size are compared by content,
unless they are known to be equal. --stat and --json list the differences: "mode", "mtime", "content" and so on.
${listing.help} Fields of parents of
changed files are empty, except .Kind and .Path; --format table is the table of --stat. docs/json.md describes the output of --json.

Examples:
  stratafs diff /mnt                 what was written to the mount
  stratafs diff -p /mnt              the same as a patch
  stratafs diff app-1.tar app-2.tar
  stratafs diff app.tar#3            what the third layer changes
  stratafs diff app.tar#2 app.tar#4
  stratafs diff -p app.tar rootfs | less
  stratafs diff -q --ignore-times a.tar b.tar && echo equal`;

interface DiffArguments extends SourceArguments {
  readonly stat?: true;
  readonly patch?: true;
  readonly ignoreTimes?: true;
  readonly quiet?: true;
  readonly exitCode?: true;
  readonly format?: string;
  readonly color: ColorChoice;
  readonly bytes?: true;
  readonly json?: true;
}

/** Opens both sides, and closes them after `body`. */
async function withSides<T>(
  a: string,
  b: string | undefined,
  options: OpenOptions,
  body: (before: InspectedImage, after: InspectedImage) => Promise<T>,
): Promise<T> {
  if (b === undefined) {
    const change = await inspectChange(a, options);
    if (change === undefined)
      throw new UsageError('diff: missing argument: B (only a mount point or IMAGE#LAYER can stand alone)');
    try {
      return await body(change.before, change.after);
    } finally {
      change.after.close();
    }
  }
  const before = await inspectOperand(a, options);
  try {
    const after = await inspectOperand(b, options);
    try {
      return await body(before, after);
    } finally {
      after.close();
    }
  } finally {
    before.close();
  }
}

function styleOf({ kind }: Difference, { added, changed, deleted }: Palette): Style {
  return { A: added, C: changed, D: deleted }[kind];
}

function rowOf(difference: Difference, sizes: DiffSizes, palette: Palette, args: DiffArguments): ListingRow {
  const size = sizeWriter(args.bytes);
  const show = (bytes: number | undefined): string => (bytes === undefined ? '' : size(bytes));
  const { before, after } = sizes.of(difference);
  const { kind, attributes } = difference;
  const path = showPath(difference.path);
  const style = styleOf(difference, palette);
  return {
    fields: {
      Kind: kind,
      Before: show(before),
      After: show(after),
      Changed: attributes.join(' '),
      Path: path,
    },
    cells: { Kind: { text: kind, style }, Path: { text: path, style } },
  };
}

function formatStat(
  differences: readonly Difference[],
  sizes: DiffSizes,
  format: RowFormat,
  palette: Palette,
  args: DiffArguments,
): string {
  const size = sizeWriter(args.bytes);
  const rows = differences
    .filter(({ kind, attributes }) => kind !== 'C' || attributes.length > 0)
    .map((difference) => rowOf(difference, sizes, palette, args));
  const { added, changed, deleted, grown } = sizes.total(differences);
  const sign = grown < 0 ? '-' : '+';
  return [
    format.write(rows),
    `${added} added, ${changed} changed, ${deleted} deleted, ${sign}${size(Math.abs(grown))}\n`,
  ].join('\n');
}

function formatDifferences(
  differences: readonly Difference[],
  a: ComparedImage,
  b: ComparedImage,
  format: RowFormat,
  args: DiffArguments,
): { readonly text: string } | { readonly json: unknown } {
  if (args.quiet === true) return { text: '' };
  const sizes = new DiffSizes(a.tree, b.tree);
  if (args.json === true) return { json: differences.map((each) => sizes.describe(each)) };
  const palette = outputPalette(args.color);
  if (!format.isOwnTable) {
    const rows = differences.map((difference) => rowOf(difference, sizes, palette, args));
    return { text: format.write(rows) };
  }
  if (showsSizes(args)) return { text: formatStat(differences, sizes, format, palette, args) };
  const lines = differences.map((difference) => {
    const { kind, path } = difference;
    return `${paint(styleOf(difference, palette), fitLine(`${kind} ${showPath(path)}`))}\n`;
  });
  return { text: lines.join('') };
}

async function writePatches(
  differences: readonly Difference[],
  a: ComparedImage,
  b: ComparedImage,
  palette: Palette,
  write: WriteBytes,
): Promise<void> {
  const patches = new DiffPatches(a, b);
  for (const difference of differences) {
    for await (const patch of patches.of(difference)) {
      await write(Buffer.from(palette.hasColors ? paintPatch(patch, palette) : patch, 'latin1'));
    }
  }
}

/** True if the table of --stat is shown. */
const showsSizes = ({ stat, format }: DiffArguments): boolean => stat === true || format !== undefined;

function statusOf(differences: readonly Difference[], { quiet, exitCode }: DiffArguments): number {
  return (quiet === true || exitCode === true) && differences.length > 0 ? 1 : 0;
}

type Show<T> = (differences: readonly Difference[], a: ComparedImage, b: ComparedImage) => T | Promise<T>;

/** Compares the two sides, and calls `show` while they are open. */
function compare<T>(a: string, b: string | undefined, args: DiffArguments, show: Show<T>): Promise<T> {
  return withReport(args, (options, report) =>
    withSides(a, b, options, async (before, after) => {
      report.end();
      const sides = [await mergeForComparison(before), await mergeForComparison(after)] as const;
      const differences = await compareTrees(...sides, {
        ignoresTimes: args.ignoreTimes === true,
        isBrief: !showsSizes(args) && args.json !== true,
        signal: options.signal,
      });
      return show(differences, ...sides);
    }),
  );
}

function runDiff(
  first: string,
  second: string | undefined,
  args: DiffArguments,
): CommandResult | Promise<CommandResult> {
  const { patch, json, quiet } = args;
  const format = listing.parse(args.format);
  if (patch === true && !showsSizes(args) && json !== true && quiet !== true) {
    const palette = outputPalette(args.color);
    return {
      stream: (write) =>
        compare(first, second, args, async (differences, a, b) => {
          await writePatches(differences, a, b, palette, write);
          return statusOf(differences, args);
        }),
    };
  }
  return compare(first, second, args, (differences, a, b) => ({
    ...formatDifferences(differences, a, b, format, args),
    status: statusOf(differences, args),
  }));
}

export function diffCommand(): CliCommand {
  return {
    syntax: addSourceOptions(
      new Command('diff')
        .description('Show what was written to a mount, or compare two images, layer stacks or directories.')
        .argument('<a>', 'old side; alone, a mount point or <image>#<layer>')
        .argument('[b]', 'new side')
        .optionsGroup('Comparison:')
        .option('--ignore-times', 'ignore mtimes, to compare rebuilt images')
        .option('-q, --quiet', 'print nothing; exit 1 if there are differences')
        .option('--exit-code', 'exit 1 if there are differences')
        .optionsGroup('Output:')
        .option('--stat', 'show sizes and changed attributes of each path')
        .option('-p, --patch', 'print a unified diff of the changed text files')
        .option('--format <format>', FORMAT_ABOUT)
        .addOption(colorOption())
        .option('--bytes', BYTES_ABOUT)
        .option('--json', JSON_ABOUT),
      'Other:',
    ).addHelpText('after', help),
    run: runDiff,
  };
}
