// stratafs stats: shows the requests to a mount, and the use of its cache.
import { JSON_ABOUT } from './option-texts.ts';
import { outputWidth } from '../output/terminal.ts';
import type { CliCommand } from '../command-result.ts';
import { Command } from 'commander';
import { type MountStatistics, locateMountPoint, readStatistics } from '../../library/mounts.ts';
import { showByteSize } from '../output/byte-size.ts';
import { formatTable } from '../output/table.ts';

const help = `
COUNT is the number of requests of each kind that the kernel sent; what it answers from its caches is not counted. NATIVE is
how many of them native code answered without JavaScript (see -o fastpath).

Examples:
  stratafs stats /mnt
  stratafs stats --json /mnt | jq .cache.hits`;

/** Rows of names and figures; for requests, also the number that native code answered. */
function formatStatistics(statistics: MountStatistics): string {
  const { requests, answeredNatively, bytesRead, bytesWritten, passthroughOpens, cache } = statistics;
  const isWritten = bytesWritten > 0 || passthroughOpens > 0;
  const lookups = cache.hits + cache.misses;
  const share = lookups === 0 ? '' : ` (${((100 * cache.hits) / lookups).toFixed(1)} %)`;
  const rows = [
    ...Object.entries(requests)
      .sort(([, a], [, b]) => b - a)
      .map(([name, count]) => [name, count, answeredNatively[name] ?? 0]),
    ['bytes read', `${bytesRead} (${showByteSize(bytesRead)})`],
    ...(isWritten
      ? [
          ['bytes written', `${bytesWritten} (${showByteSize(bytesWritten)})`],
          ['passed-through opens', passthroughOpens],
        ]
      : []),
    ['cache hits', `${cache.hits}${share}`],
    ['cache misses', cache.misses],
    ['cache size', `${showByteSize(cache.bytes)} of ${showByteSize(cache.maxBytes)}`],
  ].map(([name, value, native = '']) => [name, value, native].map(String));
  const heads = [{ title: 'REQUEST' }, { title: 'COUNT' }, { title: 'NATIVE' }];
  return formatTable(heads, rows, outputWidth());
}

export function statsCommand(): CliCommand {
  return {
    syntax: new Command('stats')
      .description('Show the requests to a mount, the bytes read and the use of the block cache.')
      .argument('<mountpoint>', 'where the mount is')
      .option('--json', JSON_ABOUT)
      .addHelpText('after', help),
    run: async (directory: string, { json = false }: { json?: boolean }) => {
      const statistics = await readStatistics(await locateMountPoint(directory));
      return json ? { json: statistics } : { text: formatStatistics(statistics) };
    },
  };
}
