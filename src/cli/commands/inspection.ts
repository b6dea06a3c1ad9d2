// Shared code of the commands that inspect an image without mounting it: options, and opening the image.
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
  /** The selected layers, if the command has such options. */
  readonly layer?: string;
  readonly upto?: string;
  /** Not a command line option: how the user named the layer, for errors. */
  readonly typed?: string;
  readonly indexCache: boolean;
  /** Not a command line option: set by the commands that only list layers. */
  readonly listsForeign?: true;
  /** Not a command line option: set by the commands that need no layers. */
  readonly fetches?: false;
  /** Not a command line option: set by the commands that write an image's files. */
  readonly requiresConfig?: true;
}

/** The description of <source> in commands that read an image. */
export const SOURCE_ABOUT = 'image as for "stratafs mount", or a stratafs mount point';

/** Adds the options that select a platform and turn off the index cache, below the heading `group`. */
export function addSourceOptions(command: Command, group?: string): Command {
  if (group !== undefined) command.optionsGroup(group);
  return command
    .option('--platform <os/arch>', PLATFORM_ABOUT)
    .option('--no-index-cache', NO_INDEX_CACHE_ABOUT);
}

/**
 * Runs `body` with the options to open images, which report progress on stderr, and with a report for its own messages.
 * A signal aborts the opening cleanly.
 */
export async function withReport<T>(
  args: SourceArguments,
  body: (options: OpenOptions & { readonly signal: AbortSignal }, report: TerminalReport) => Promise<T>,
): Promise<T> {
  const report = new TerminalReport();
  const interrupt = new Interrupt();
  try {
    const options = {
      signal: interrupt.signal,
      useIndexCache: args.indexCache,
      onProgress: (progress: Progress) => report.progress(progress),
      onNotice: (text: string) => report.notice(text),
      onWarning: (text: string) => report.warning(text),
      ...(args.platform === undefined ? {} : { platform: args.platform }),
      ...(args.layer === undefined ? {} : { layer: args.layer }),
      ...(args.upto === undefined ? {} : { upto: args.upto }),
      ...(args.typed === undefined ? {} : { typed: args.typed }),
      ...(args.listsForeign === undefined ? {} : { listsForeign: args.listsForeign }),
      ...(args.fetches === undefined ? {} : { fetches: args.fetches }),
      ...(args.requiresConfig === undefined ? {} : { requiresConfig: args.requiresConfig }),
    };
    return await body(options, report);
  } finally {
    report.end();
    interrupt.stop();
  }
}

type ImageBody<T> = (image: Image, report: TerminalReport, signal: AbortSignal) => T | Promise<T>;

/** Runs `body` with the image open, and closes it. For a mount, that is its image without the changes in the mount. */
export function withImage<T>(source: string, args: SourceArguments, body: ImageBody<T>): Promise<T> {
  return withOpened(source, args, false, body);
}

/** Like `withImage`, but for a mount with the changes in its upper directory. */
export function withShown<T>(source: string, args: SourceArguments, body: ImageBody<T>): Promise<T> {
  return withOpened(source, args, true, body);
}

function withOpened<T>(
  source: string,
  args: SourceArguments,
  showsUpper: boolean,
  body: ImageBody<T>,
): Promise<T> {
  return withReport(args, async (options, report) => {
    const image = await openImage(source, { ...options, showsUpper });
    report.end();
    try {
      return await body(image, report, options.signal);
    } finally {
      await image.close();
    }
  });
}

/** Formats sizes: in docker's format, or in bytes. */
export function sizeWriter(isInBytes: boolean | undefined, figures = 3): (bytes: number) => string {
  return isInBytes === true ? String : (bytes) => showDockerSize(bytes, figures);
}
