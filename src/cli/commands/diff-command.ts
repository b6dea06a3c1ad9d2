// stratafs diff: what was written to a mount, or what differs between two images, stacks of layers, or directories.
import { showPath } from '../output/shown-path.ts';
import { outputWidth } from '../output/terminal.ts';
import type { CliCommand, CommandResult, WriteBytes } from '../command-result.ts';
import { Command } from 'commander';
import {
  type ComparedImage,
  type Difference,
  type InspectedImage,
  type InspectOptions,
  compareTrees,
  inspectChange,
  inspectOperand,
  mergeForComparison,
} from '../../inspect/inspect.ts';
import { fitLine } from '../output/terminal-lines.ts';
import { DiffPatches } from '../output/diff-patches.ts';
import { DiffSizes } from '../output/diff-sizes.ts';
import { addSourceOptions, sizeWriter, type SourceArguments, withReport } from './inspection.ts';
import { formatTable } from '../output/table.ts';
import { UsageError } from '../options/usage-error.ts';

const help = `
Given the mount point of a stratafs mount alone, what was written to it is shown, as "docker diff" shows a container's.
A and B are images as for "stratafs mount", IMAGE#LAYER for the stack up to a layer (a number from 1 at the base, or a
digest), mount points of stratafs as they show, or directories. Given IMAGE#LAYER alone, what that layer changes is shown.
The lines are those of "docker diff": A added, C changed, D deleted; a removed directory is listed alone, and the
parents of what changed are changed. A directory's mtime doesn't count. The bytes of files of equal size are compared,
unless they are known to be the same. --stat and --json name what differs: "mode", "mtime", "content" and so on.
In a directory, whiteouts of overlayfs and of AUFS are obeyed.
--json prints an array, described in docs/json.md.

Examples:
  stratafs diff /mnt                       what was written to the mount
  stratafs diff -p /mnt                    the same as a patch
  stratafs diff app-1.tar app-2.tar
  stratafs diff app.tar#3                  what the third layer changes
  stratafs diff app.tar#2 app.tar#4
  stratafs diff -p app.tar rootfs | less
  stratafs diff --ignore-times --quiet a.tar b.tar && echo equal`;

interface DiffArguments extends SourceArguments {
  readonly stat?: true;
  readonly patch?: true;
  readonly ignoreTimes?: true;
  readonly quiet?: true;
  readonly exitCode?: true;
  readonly bytes?: true;
  readonly json?: true;
}

/** Opens both sides, and closes what was opened. */
async function withSides<T>(
  a: string,
  b: string | undefined,
  options: InspectOptions,
  body: (before: InspectedImage, after: InspectedImage) => Promise<T>,
): Promise<T> {
  if (b === undefined) {
    const change = await inspectChange(a, options);
    if (change === undefined) throw new UsageError('diff: expected A and B, or a mount or IMAGE#LAYER alone');
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

function formatStat(differences: readonly Difference[], sizes: DiffSizes, given: DiffArguments): string {
  const size = sizeWriter(given.bytes);
  const show = (bytes: number | undefined): string => (bytes === undefined ? '' : size(bytes));
  const rows = differences
    .filter(({ kind, attributes }) => kind !== 'C' || attributes.length > 0)
    .map((difference) => {
      const { before, after } = sizes.of(difference);
      return [
        difference.kind,
        show(before),
        show(after),
        difference.attributes.join(' '),
        showPath(difference.path),
      ];
    });
  const { added, changed, deleted, grown } = sizes.total(differences);
  const sign = grown < 0 ? '-' : '+';
  return [
    formatTable(
      [
        { title: '' },
        { title: 'BEFORE', align: 'right' },
        { title: 'AFTER', align: 'right' },
        { title: 'CHANGED' },
        { title: 'PATH' },
      ],
      rows,
      outputWidth(),
    ),
    `${added} added, ${changed} changed, ${deleted} deleted, ${sign}${size(Math.abs(grown))}\n`,
  ].join('\n');
}

function describe(differences: readonly Difference[], sizes: DiffSizes): object[] {
  return differences.map((difference) => {
    const { before, after } = sizes.of(difference);
    return {
      kind: difference.kind,
      path: showPath(difference.path),
      attributes: difference.attributes,
      sizeBefore: before,
      sizeAfter: after,
    };
  });
}

function formatDifferences(
  differences: readonly Difference[],
  a: ComparedImage,
  b: ComparedImage,
  given: DiffArguments,
): { readonly text: string } | { readonly json: unknown } {
  if (given.quiet === true) return { text: '' };
  const sizes = new DiffSizes(a.tree, b.tree);
  if (given.json === true) return { json: describe(differences, sizes) };
  if (given.stat === true) return { text: formatStat(differences, sizes, given) };
  return { text: differences.map(({ kind, path }) => `${fitLine(`${kind} ${showPath(path)}`)}\n`).join('') };
}

async function writePatches(
  differences: readonly Difference[],
  a: ComparedImage,
  b: ComparedImage,
  write: WriteBytes,
): Promise<void> {
  const patches = new DiffPatches(a, b);
  for (const difference of differences) {
    for await (const patch of patches.of(difference)) await write(Buffer.from(patch, 'latin1'));
  }
}

function statusOf(differences: readonly Difference[], { quiet, exitCode }: DiffArguments): number {
  return (quiet === true || exitCode === true) && differences.length > 0 ? 1 : 0;
}

type Show<T> = (differences: readonly Difference[], a: ComparedImage, b: ComparedImage) => T | Promise<T>;

/** Compares the two sides, and calls `show` while they are open. */
function compare<T>(a: string, b: string | undefined, given: DiffArguments, show: Show<T>): Promise<T> {
  return withReport(given, (options, report) =>
    withSides(a, b, options, async (before, after) => {
      report.end();
      const sides = [mergeForComparison(before), mergeForComparison(after)] as const;
      const differences = await compareTrees(...sides, {
        ignoresTimes: given.ignoreTimes === true,
        isBrief: given.stat !== true && given.json !== true,
        signal: options.signal,
      });
      return show(differences, ...sides);
    }),
  );
}

function runDiff(
  first: string,
  second: string | undefined,
  given: DiffArguments,
): CommandResult | Promise<CommandResult> {
  const { patch, stat, json, quiet } = given;
  if (patch === true && stat !== true && json !== true && quiet !== true) {
    return {
      stream: (write) =>
        compare(first, second, given, async (differences, a, b) => {
          await writePatches(differences, a, b, write);
          return statusOf(differences, given);
        }),
    };
  }
  return compare(first, second, given, (differences, a, b) => ({
    ...formatDifferences(differences, a, b, given),
    status: statusOf(differences, given),
  }));
}

export function diffCommand(): CliCommand {
  return {
    syntax: addSourceOptions(
      new Command('diff')
        .description(
          'Shows what was written to a mount, or what differs between two images, stacks of layers or directories.',
        )
        .argument('<a>', 'what was before; or, alone, a mount, or IMAGE#LAYER')
        .argument('[b]', 'what is after')
        .option('--stat', 'sizes before and after, and what changed of each path')
        .option('-p, --patch', 'the texts of changed files, as a unified diff')
        .option('--ignore-times', 'mtimes are no difference: for images that were built again')
        .option('-q, --quiet', 'print nothing; exit with 1 where there are differences')
        .option('--exit-code', 'exit with 1 where there are differences')
        .option('--bytes', 'sizes in bytes')
        .option('--json', 'print JSON'),
    ).addHelpText('after', help),
    run: runDiff,
  };
}
