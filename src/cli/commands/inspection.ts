// What the commands that look at an image without mounting it have in common: their options, and how they open it.
import type { Command } from 'commander';
import { showDockerSize } from '../../library/docker-size.ts';
import type { Image } from '../../library/image.ts';
import type { Progress } from '../../library/mount.ts';
import { type OpenOptions, openImage } from '../../library/open-image.ts';
import { Interrupt } from '../interrupt.ts';
import { NO_INDEX_CACHE_ABOUT, PLATFORM_ABOUT } from './option-texts.ts';
import { TerminalReport } from '../output/report.ts';

export interface SourceArguments {
  readonly platform?: string;
  /** Which layers, where a command has such options. */
  readonly layer?: string;
  readonly upto?: string;
  readonly indexCache: boolean;
  /** Not an option: set by the commands that only list layers. */
  readonly listsForeign?: true;
  /** Not an option: set by the commands that write what an image shows. */
  readonly requiresConfig?: true;
}

/** What a command that reads an image says of its <source>. */
export const SOURCE_ABOUT = 'image as for "stratafs mount", or a stratafs mount point';

/** The options that select a platform and turn off the index cache, below the heading `group`. */
export function addSourceOptions(command: Command, group?: string): Command {
  if (group !== undefined) command.optionsGroup(group);
  return command
    .option('--platform <os/arch>', PLATFORM_ABOUT)
    .option('--no-index-cache', NO_INDEX_CACHE_ABOUT);
}

/**
 * Runs `body` with what opens images, progress going to stderr, and a report for its own remarks. A signal ends the
 * opening cleanly.
 */
export async function withReport<T>(
  given: SourceArguments,
  body: (options: OpenOptions & { readonly signal: AbortSignal }, report: TerminalReport) => Promise<T>,
): Promise<T> {
  const report = new TerminalReport();
  const interrupt = new Interrupt();
  try {
    const options = {
      signal: interrupt.signal,
      useIndexCache: given.indexCache,
      onProgress: (progress: Progress) => report.progress(progress),
      onNotice: (text: string) => report.notice(text),
      onWarning: (text: string) => report.warning(text),
      ...(given.platform === undefined ? {} : { platform: given.platform }),
      ...(given.layer === undefined ? {} : { layer: given.layer }),
      ...(given.upto === undefined ? {} : { upto: given.upto }),
      ...(given.listsForeign === undefined ? {} : { listsForeign: given.listsForeign }),
      ...(given.requiresConfig === undefined ? {} : { requiresConfig: given.requiresConfig }),
    };
    return await body(options, report);
  } finally {
    report.end();
    interrupt.stop();
  }
}

type ImageBody<T> = (image: Image, report: TerminalReport, signal: AbortSignal) => T | Promise<T>;

/** Runs `body` with the image open, and closes it. Of a mount that is its image, not what was written to it. */
export function withImage<T>(source: string, given: SourceArguments, body: ImageBody<T>): Promise<T> {
  return withOpened(source, given, false, body);
}

/** The same with what `source` shows: of a mount also what was written to it. */
export function withShown<T>(source: string, given: SourceArguments, body: ImageBody<T>): Promise<T> {
  return withOpened(source, given, true, body);
}

function withOpened<T>(
  source: string,
  given: SourceArguments,
  showsUpper: boolean,
  body: ImageBody<T>,
): Promise<T> {
  return withReport(given, async (options, report) => {
    const image = await openImage(source, { ...options, showsUpper });
    report.end();
    try {
      return await body(image, report, options.signal);
    } finally {
      await image.close();
    }
  });
}

/** How sizes are written: docker's way, or in bytes. */
export function sizeWriter(isInBytes: boolean | undefined, figures = 3): (bytes: number) => string {
  return isInBytes === true ? String : (bytes) => showDockerSize(bytes, figures);
}
