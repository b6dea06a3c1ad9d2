// stratafs report: writes a self-contained HTML page about images.
import type { CliCommand } from '../command-result.ts';
import { Command } from 'commander';
import { showDockerSize } from '../../library/docker-size.ts';
import { sourcesOf } from '../../library/images.ts';
import { type ReportedImage, inspectShown, joinReport, reportImage } from '../../library/report.ts';
import { InputError } from '../../vfs/input-error.ts';
import { showText } from '../../vfs/show-text.ts';
import { SOURCE_ABOUT, addSourceOptions, type SourceArguments, withReport } from './inspection.ts';
import { OutputFile } from '../output/output-file.ts';
import { fillPage, readPageTemplate } from '../output/report-page.ts';
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

Examples:
  stratafs report app.tar
  stratafs report both.tar    all images in the archive
  stratafs report -o new.html app.tar:app:1 app.tar:app:2
  stratafs report -o - app.tar | gzip > report.html.gz`;

interface ReportArguments extends SourceArguments {
  readonly output: string;
  readonly names: string;
}

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

export function reportCommand(): CliCommand {
  return {
    syntax: addSourceOptions(
      new Command('report')
        .description('Write an HTML page about images: layers, sizes and wasted bytes.')
        .argument('<source...>', SOURCE_ABOUT)
        .option('-o, --output <file>', 'output file; - is standard output', DEFAULT_FILE)
        .option('--names <n>', 'maximum number of names of an image', String(DEFAULT_LIMIT)),
    ).addHelpText('after', help),
    run: (sources: string[], args: ReportArguments) => {
      const limit = limitOf(args);
      if (args.output === '-' && isOutputTerminal()) {
        throw new InputError('report: standard output is a terminal; use -o FILE or a pipe');
      }
      return withReport(args, async (options, report) => {
        const template = readPageTemplate();
        const reported: ReportedImage[] = [];
        const images = await Promise.all(sources.map((source) => sourcesOf(source, options)));
        for (const source of images.flat()) {
          const inspection = await inspectShown(source, options);
          try {
            const each = reportImage(inspection, source, limit);
            const { image, foldedCount, threshold } = each;
            if (image.gap !== undefined) report.warning(`${showText(source)}: ${image.gap}`);
            if (foldedCount > 0) {
              report.notice(
                `${showText(source)}: ${foldedCount} names of up to ${showDockerSize(threshold)} are summed up by directory; --names lists more`,
              );
            }
            reported.push(each);
          } finally {
            inspection.close();
          }
        }
        report.end();
        const page = fillPage(template, joinReport(reported, readVersion()));
        if (args.output === '-') return { text: page };
        await writePage(args.output, page, options.signal);
        return { text: '' };
      });
    },
  };
}
