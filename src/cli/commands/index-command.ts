// stratafs index: makes the indexes of an image's layers before the first mount.
import { FORMAT_ABOUT, PLATFORM_ABOUT, JSON_ABOUT } from './option-texts.ts';
import type { CliCommand } from '../command-result.ts';
import { Command } from 'commander';
import {
  type IndexedLayer,
  type Progress,
  describeLowerDirectories,
  indexImage,
  pushIndexes,
} from '../../library/mount.ts';
import { showByteSize } from '../output/byte-size.ts';
import { Interrupt } from '../interrupt.ts';
import { TerminalReport } from '../output/report.ts';
import { type Fields, Listing } from '../output/listing.ts';
import { UsageError } from '../options/usage-error.ts';

const listing = new Listing([
  { name: 'Layer', title: 'LAYER', align: 'right' },
  { name: 'Digest', title: 'DIGEST' },
  { name: 'Entries', title: 'ENTRIES', align: 'right' },
  { name: 'Size', title: 'SIZE', align: 'right' },
  { name: 'Time', title: 'TIME', align: 'right' },
]);

const help = `
The index of a layer is saved in $XDG_CACHE_HOME/stratafs (default: ~/.cache/stratafs), named by the digest of the layer.
It may be deleted at any time: a mount creates missing indexes.
${listing.help} docs/json.md describes the output of --json.

Examples:
  stratafs index app.tar
  stratafs index --verify oci:layout:latest    check all digests
  stratafs index --push docker://host/app:1    share the index by the registry`;

interface IndexArguments {
  readonly lowerdir?: string;
  readonly platform?: string;
  readonly verify?: true;
  readonly push?: true;
  readonly format?: string;
  readonly json?: true;
}

/** "sha256:" and twelve digits, as docker shows an ID. */
const shorten = (digest: string | undefined): string => digest?.slice(0, 'sha256:'.length + 12) ?? '';

function fieldsOf({ number, digest, entries, size, wasRead, milliseconds }: IndexedLayer): Fields {
  return {
    Layer: String(number),
    Digest: shorten(digest),
    Entries: String(entries),
    Size: showByteSize(size),
    Time: wasRead ? `${(milliseconds / 1000).toFixed(2)} s` : 'cached',
  };
}

export function indexCommand(): CliCommand {
  return {
    syntax: new Command('index')
      .description('Index the layers of an image, so that its first mount is fast.')
      .argument('[source]', 'image as for "stratafs mount"')
      .option('--lowerdir <top:...:base>', 'index a stack of layers, topmost first, instead of an image')
      .option('--platform <os/arch>', PLATFORM_ABOUT)
      .option('--verify', 'read all layers again and verify their digests')
      .option('--push', 'send the index to the registry of the image, for mounts with -o trust-index')
      .option('--format <format>', FORMAT_ABOUT)
      .option('--json', JSON_ABOUT)
      .addHelpText('after', help),
    run: async (source: string | undefined, args: IndexArguments) => {
      if ((source === undefined) === (args.lowerdir === undefined)) {
        throw new UsageError('index: missing argument: SOURCE or --lowerdir');
      }
      if (args.push === true && args.lowerdir !== undefined) {
        throw new UsageError('index: --push needs an image of a registry, not --lowerdir');
      }
      const format = listing.parse(args.format);
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
        const image =
          args.lowerdir === undefined ? (source ?? '') : await describeLowerDirectories(args.lowerdir);
        const { layers, pushed } =
          args.push === true && typeof image === 'string'
            ? await pushIndexes(image, watch)
            : { layers: await indexImage(image, watch), pushed: undefined };
        report.end();
        if (pushed !== undefined) {
          const size = showByteSize(pushed.size);
          report.notice(`pushed the index ${pushed.digest} (${pushed.layers} layers, ${size})`);
        }
        if (args.json === true) return { json: layers };
        const rows = layers.map((layer) => ({ fields: fieldsOf(layer) }));
        return { text: format.write(rows) };
      } finally {
        report.end();
        interrupt.stop();
      }
    },
  };
}
