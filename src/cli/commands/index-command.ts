// stratafs index: makes the indexes of an image's layers before the first mount.
import { PLATFORM_ABOUT, JSON_ABOUT } from './option-texts.ts';
import { outputWidth } from '../output/terminal.ts';
import type { CliCommand } from '../command-result.ts';
import { Command } from 'commander';
import {
  type IndexedLayer,
  type Progress,
  describeLowerDirectories,
  indexImage,
} from '../../library/mount.ts';
import { showByteSize } from '../output/byte-size.ts';
import { Interrupt } from '../interrupt.ts';
import { TerminalReport } from '../output/report.ts';
import { type Column, formatTable } from '../output/table.ts';
import { UsageError } from '../options/usage-error.ts';

const help = `
The index of a layer is saved in $XDG_CACHE_HOME/stratafs (default: ~/.cache/stratafs), named by the digest of the layer.
It may be deleted at any time: a mount creates missing indexes.
--json prints an array of { number, digest, compression, entries, size, tarSize, wasRead, milliseconds }.

Examples:
  stratafs index app.tar
  stratafs index --verify oci:layout:latest    check all digests`;

const columns: readonly Column[] = [
  { title: 'LAYER', align: 'right' },
  { title: 'DIGEST' },
  { title: 'ENTRIES', align: 'right' },
  { title: 'SIZE', align: 'right' },
  { title: 'TIME', align: 'right' },
];

interface IndexArguments {
  readonly lowerdir?: string;
  readonly platform?: string;
  readonly verify?: true;
  readonly json?: true;
}

/** "sha256:" and twelve digits, as docker shows an ID. */
const shorten = (digest: string | undefined): string => digest?.slice(0, 'sha256:'.length + 12) ?? '';

function cellsOf({ number, digest, entries, size, wasRead, milliseconds }: IndexedLayer): string[] {
  const time = wasRead ? `${(milliseconds / 1000).toFixed(2)} s` : 'cached';
  return [String(number), shorten(digest), String(entries), showByteSize(size), time];
}

export function indexCommand(): CliCommand {
  return {
    syntax: new Command('index')
      .description('Index the layers of an image, so that its first mount is fast.')
      .argument('[source]', 'image as for "stratafs mount"')
      .option('--lowerdir <top:...:base>', 'index a stack of layers, topmost first, instead of an image')
      .option('--platform <os/arch>', PLATFORM_ABOUT)
      .option('--verify', 'read all layers again and verify their digests')
      .option('--json', JSON_ABOUT)
      .addHelpText('after', help),
    run: async (source: string | undefined, args: IndexArguments) => {
      if ((source === undefined) === (args.lowerdir === undefined)) {
        throw new UsageError('index: missing argument: SOURCE or --lowerdir');
      }
      const report = new TerminalReport();
      const interrupt = new Interrupt();
      try {
        const watch = {
          signal: interrupt.signal,
          onProgress: (progress: Progress) => report.progress(progress),
          onNotice: (text: string) => report.notice(text),
          ...(args.platform === undefined ? {} : { platform: args.platform }),
          ...(args.verify === undefined ? {} : { verify: 'always' as const }),
        };
        const layers = await indexImage(
          args.lowerdir === undefined ? (source ?? '') : await describeLowerDirectories(args.lowerdir),
          watch,
        );
        report.end();
        if (args.json === true) return { json: layers };
        return { text: formatTable(columns, layers.map(cellsOf), outputWidth()) };
      } finally {
        report.end();
        interrupt.stop();
      }
    },
  };
}
