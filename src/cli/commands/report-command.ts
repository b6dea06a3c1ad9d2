// stratafs report: writes a self-contained HTML page about images.
import type { CliCommand, CommandResult } from '../command-result.ts';
import { Command } from 'commander';
import { showDockerSize } from '../../library/docker-size.ts';
import { sourcesOf } from '../../library/images.ts';
import type { OpenOptions } from '../../library/open-image.ts';
import {
  type ReportComparison,
  type ReportData,
  type ReportedImage,
  type ReportedSide,
  compareForReport,
  inspectOperand,
  inspectShown,
  joinReport,
  mergeForComparison,
  reportImage,
} from '../../library/report.ts';
import { InputError } from '../../vfs/input-error.ts';
import { showText } from '../../vfs/show-text.ts';
import { SOURCE_ABOUT, addSourceOptions, type SourceArguments, withReport } from './inspection.ts';
import { OutputFile } from '../output/output-file.ts';
import { fillPage, readPageTemplate } from '../output/report-page.ts';
import type { TerminalReport } from '../output/report.ts';
import { isOutputTerminal } from '../output/terminal.ts';
import { UsageError } from '../options/usage-error.ts';
import { readVersion } from '../version.ts';

const DEFAULT_FILE = 'report.html';
const DEFAULT_LIMIT = 200_000;

const help = `
The page contains all its data and makes no network requests: the layers with their instructions, a treemap of the bytes,
wasted files, a search by path, and the layers that several sources share. Its figures are those of history, layers, waste
and images. Equal images give an equal page. <file> is created when the page is complete.
If an image has more than --names names, the smallest files are summed up by directory, and the page says so.

Of a mount, what was written to it is shown as one more layer.

--compare shows two images side by side: their layers, with the base that both have; sizes by directory and by file type; and
what "stratafs diff" lists. <source> can be all that diff
compares. Files of equal size are compared by content. docs/json.md describes the output of --json.

Examples:
  stratafs report app.tar
  stratafs report both.tar    all images in the archive
  stratafs report -o new.html app.tar:app:1 app.tar:app:2
  stratafs report --compare app-1.tar app-2.tar
  stratafs report -o - app.tar | gzip > report.html.gz`;

interface ReportArguments extends SourceArguments {
  readonly output: string;
  readonly names: string;
  readonly compare?: true;
  readonly ignoreTimes?: true;
  readonly json?: true;
}

type Inspection = Awaited<ReturnType<typeof inspectShown>>;

function limitOf({ names }: ReportArguments): number {
  if (/^[1-9]\d{0,8}$/.test(names)) return Number(names);
  throw new UsageError(`--names: found '${names}', expected a number of 1 or more`);
}

async function writePage(path: string, page: string, signal: AbortSignal): Promise<void> {
  const file = await OutputFile.create(path);
  try {
    signal.throwIfAborted(); // merging an image is synchronous, so a signal is only seen now
    await file.write(Buffer.from(page));
  } catch (error) {
    await file.discard();
    throw error;
  }
  await file.keep();
}

/** Reports an image, and says what of it is not shown. */
function collect(
  { inspected, merged }: ReportedSide,
  source: string,
  limit: number,
  report: TerminalReport,
): ReportedImage {
  const each = reportImage(inspected, merged.tree, source, limit);
  const { image, foldedCount, threshold } = each;
  if (image.gap !== undefined) report.warning(`${showText(source)}: ${image.gap}`);
  if (foldedCount > 0) {
    report.notice(
      `${showText(source)}: ${foldedCount} names of up to ${showDockerSize(threshold)} are summed up by directory; --names lists more`,
    );
  }
  return each;
}

async function merge(inspected: Inspection): Promise<ReportedSide> {
  return { inspected, merged: await mergeForComparison(inspected) };
}

async function reportEach(
  sources: readonly string[],
  limit: number,
  options: OpenOptions,
  report: TerminalReport,
): Promise<ReportData> {
  const reported: ReportedImage[] = [];
  for (const source of sources) {
    const inspection = await inspectShown(source, options);
    try {
      reported.push(collect(await merge(inspection), source, limit, report));
    } finally {
      inspection.close();
    }
  }
  return joinReport(reported, readVersion());
}

async function reportTwo(
  [first, second]: readonly [string, string],
  args: ReportArguments,
  options: OpenOptions & { readonly signal: AbortSignal },
  report: TerminalReport,
): Promise<ReportData> {
  const limit = limitOf(args);
  const before = await inspectOperand(first, options);
  try {
    const after = await inspectOperand(second, options);
    try {
      report.end();
      const [a, b] = [await merge(before), await merge(after)];
      const comparison = await compareForReport(a, b, args.json === true ? Infinity : limit, {
        ignoresTimes: args.ignoreTimes === true,
        signal: options.signal,
      });
      if (comparison.omitted > 0)
        report.notice(`the ${comparison.omitted} smallest differences are left out; --names lists more`);
      const reported = [collect(a, first, limit, report), collect(b, second, limit, report)];
      return joinReport(reported, readVersion(), comparison);
    } finally {
      after.close();
    }
  } finally {
    before.close();
  }
}

/** The output of --json. */
function describeComparison({ images, comparison }: ReportData): object {
  const [before, after] = images.map(({ source, names, id, size, wasted, layers }) => ({
    ...{ source, names, id, size: size - wasted },
    layers: layers.map(({ number, diffId, size: bytes }) => ({ number, diffId, size: bytes })),
  }));
  const { baseLayers, added, changed, deleted, grown, differences } = comparison as ReportComparison;
  return { before, after, baseLayers, added, changed, deleted, grown, differences };
}

function twoOf(sources: readonly string[]): readonly [string, string] {
  const [first, second] = sources;
  if (first !== undefined && second !== undefined && sources.length === 2) return [first, second];
  throw new UsageError(`report: --compare: found ${sources.length} images, expected 2`);
}

async function runReport(sources: readonly string[], args: ReportArguments): Promise<CommandResult> {
  const limit = limitOf(args);
  const { compare, json, ignoreTimes } = args;
  if (compare !== true && (json === true || ignoreTimes === true))
    throw new UsageError(`report: ${json === true ? '--json' : '--ignore-times'} needs --compare`);
  if (json !== true && args.output === '-' && isOutputTerminal()) {
    throw new InputError('report: standard output is a terminal; use -o FILE or a pipe');
  }
  return withReport(args, async (options, report) => {
    const template = json === true ? '' : readPageTemplate();
    // Two operands are those of diff, which may be stacks of layers; one is an archive of two images.
    const isPair = compare === true && sources.length > 1;
    const images = isPair
      ? sources
      : (await Promise.all(sources.map((source) => sourcesOf(source, options)))).flat();
    const content =
      compare === true
        ? await reportTwo(twoOf(images), args, options, report)
        : await reportEach(images, limit, options, report);
    report.end();
    if (json === true) return { json: describeComparison(content) };
    const page = fillPage(template, content);
    if (args.output === '-') return { text: page };
    await writePage(args.output, page, options.signal);
    return { text: '' };
  });
}

export function reportCommand(): CliCommand {
  return {
    syntax: addSourceOptions(
      new Command('report')
        .description('Write an HTML page about images: layers, sizes and wasted bytes.')
        .argument('<source...>', SOURCE_ABOUT)
        .option('-o, --output <file>', 'output file; - is standard output', DEFAULT_FILE)
        .option('--names <n>', 'maximum number of names of an image', String(DEFAULT_LIMIT))
        .option('--compare', 'compare two images side by side')
        .option('--ignore-times', 'with --compare: ignore mtimes')
        .option('--json', 'with --compare: print JSON, and write no page'),
    ).addHelpText('after', help),
    run: runReport,
  };
}
