// stratafs stats: shows the requests to a mount, and the use of its cache.
import { FORMAT_ABOUT, JSON_ABOUT } from './option-texts.ts';
import type { CliCommand } from '../command-result.ts';
import { Command } from 'commander';
import {
  type MountStatistics,
  type TransferStatistics,
  locateMountPoint,
  readStatistics,
} from '../../library/mounts.ts';
import { showByteSize } from '../output/byte-size.ts';
import { Listing, type ListingRow } from '../output/listing.ts';

const listing = new Listing([
  { name: 'Request', title: 'REQUEST' },
  { name: 'Count', title: 'COUNT' },
  { name: 'Native', title: 'NATIVE' },
]);

const help = `
COUNT is the number of requests of each kind that the kernel sent; what it answers from its caches is not counted. NATIVE is
how many of them native code answered without JavaScript (see -o fastpath).
After a restart of the daemon the numbers begin at 0 again; restarts says how often that was.
${listing.help} docs/json.md describes the output of --json.

Examples:
  stratafs stats /mnt
  stratafs stats --json /mnt | jq .cache.hits`;

/** Rows of names and figures; for requests, also the number that native code answered. */
function rowsOf(statistics: MountStatistics): ListingRow[] {
  const {
    requests,
    answeredNatively,
    bytesRead,
    bytesWritten,
    passthroughOpens,
    restarts,
    cache,
    transfers,
  } = statistics;
  const isWritten = bytesWritten > 0 || passthroughOpens > 0;
  const lookups = cache.hits + cache.misses;
  const share = lookups === 0 ? '' : ` (${((100 * cache.hits) / lookups).toFixed(1)} %)`;
  return [
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
    ...(restarts > 0 ? [['restarts', restarts]] : []),
    ['cache hits', `${cache.hits}${share}`],
    ['cache misses', cache.misses],
    ['cache size', `${showByteSize(cache.bytes)} of ${showByteSize(cache.maxBytes)}`],
    ...(transfers === undefined ? [] : transferRows(transfers)),
  ].map(([name, value, native = '']) => ({
    fields: { Request: String(name), Count: String(value), Native: String(native) },
  }));
}

function transferRows({
  missingBytes,
  failures,
  lastFailure,
}: TransferStatistics): [string, string | number][] {
  return [
    ['not fetched yet', `${missingBytes} (${showByteSize(missingBytes)})`],
    ...(failures === 0 ? [] : [['failed fetches', failures] as [string, number]]),
    ...(lastFailure === undefined ? [] : [['last failure', lastFailure] as [string, string]]),
  ];
}

export function statsCommand(): CliCommand {
  return {
    syntax: new Command('stats')
      .description('Show the requests to a mount, the bytes read and the use of the block cache.')
      .argument('<mountpoint>', 'where the mount is')
      .option('--format <format>', FORMAT_ABOUT)
      .option('--json', JSON_ABOUT)
      .addHelpText('after', help),
    run: async (directory: string, { format: typed, json }: { format?: string; json?: true }) => {
      const format = listing.parse(typed);
      const statistics = await readStatistics(await locateMountPoint(directory));
      if (json === true) return { json: statistics };
      return { text: format.write(rowsOf(statistics)) };
    },
  };
}
