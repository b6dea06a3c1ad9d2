// stratafs report: images as one page to look at, without a network and without a server.
import type { CliCommand } from '../command-result.ts';
import { Command } from 'commander';
import {
  type ReportedImage,
  inspectImage,
  joinReport,
  reportImage,
  showDockerSize,
  sourcesOf,
} from '../../inspect/inspect.ts';
import { InputError } from '../../vfs/input-error.ts';
import { showText } from '../../vfs/show-text.ts';
import { addSourceOptions, type SourceArguments, withReport } from './inspection.ts';
import { OutputFile } from '../output/output-file.ts';
import { fillPage, readPageTemplate } from '../output/report-page.ts';
import { isOutputTerminal } from '../output/terminal.ts';
import { UsageError } from '../options/usage-error.ts';
import { readVersion } from '../version.ts';

const DEFAULT_FILE = 'report.html';
const DEFAULT_LIMIT = 200_000;

const help = `
The page holds all that it shows: the layers as a stack with their instructions, a treemap of where the bytes are, what
is wasted, a search by path, and of several SOURCEs what they share. It asks no network for anything, and can be mailed
or kept as an artifact of a build. Its figures are those of history, layers, waste and images. Equal images give
equal bytes. FILE appears when it is complete.
An image of more than --names names is listed by its greatest: the others are added up by directory, and it says so.

Examples:
  stratafs report app.tar
  stratafs report both.tar                 all images in it
  stratafs report -o compare.html app.tar:app:1 app.tar:app:2
  stratafs report -o - app.tar | gzip > report.html.gz`;

interface ReportArguments extends SourceArguments {
  readonly output: string;
  readonly names: string;
}

function limitOf({ names }: ReportArguments): number {
  if (/^[1-9]\d{0,8}$/.test(names)) return Number(names);
  throw new UsageError(`--names: found '${names}', expected a number from 1 on`);
}

async function writePage(path: string, page: string, signal: AbortSignal): Promise<void> {
  const file = await OutputFile.create(path);
  try {
    signal.throwIfAborted(); // what came while an image was merged, which leaves no turn to signals
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
        .description(
          'Writes a page that shows images: their layers, where the bytes are, and what is wasted.',
        )
        .argument('<source...>', 'as for "stratafs mount", or mount points of stratafs')
        .option('-o, --output <file>', 'where to; - is standard output', DEFAULT_FILE)
        .option('--names <n>', 'how many names of an image are listed at most', String(DEFAULT_LIMIT)),
    ).addHelpText('after', help),
    run: (sources: string[], given: ReportArguments) => {
      const limit = limitOf(given);
      if (given.output === '-' && isOutputTerminal()) {
        throw new InputError(
          'report: a page is nothing for a terminal; write it with -o FILE, or into a pipe',
        );
      }
      return withReport(given, async (options, report) => {
        const template = readPageTemplate();
        const reported: ReportedImage[] = [];
        const images = await Promise.all(sources.map((source) => sourcesOf(source, options)));
        for (const source of images.flat()) {
          const inspection = await inspectImage(source, options);
          try {
            const each = reportImage(inspection, source, limit);
            const { image, foldedCount, threshold } = each;
            if (image.gap !== undefined) report.warning(`${showText(source)}: ${image.gap}`);
            if (foldedCount > 0) {
              report.notice(
                `${showText(source)}: ${foldedCount} names of up to ${showDockerSize(threshold)} are added up by directory; --names lists more`,
              );
            }
            reported.push(each);
          } finally {
            inspection.close();
          }
        }
        report.end();
        const page = fillPage(template, joinReport(reported, readVersion()));
        if (given.output === '-') return { text: page };
        await writePage(given.output, page, options.signal);
        return { text: '' };
      });
    },
  };
}
