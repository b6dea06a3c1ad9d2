// stratafs ls: lists mounts.
import { JSON_ABOUT, FORMAT_ABOUT } from './option-texts.ts';
import { showForReader } from '../output/terminal-lines.ts';
import type { CliCommand } from '../command-result.ts';
import { Command } from 'commander';
import { type ListedMount, type MountState, listMounts } from '../../library/mounts.ts';
import { showDuration } from '../output/duration.ts';
import { type Fields, Listing, type ListingRow } from '../output/listing.ts';

const listing = new Listing([
  { name: 'Source', title: 'SOURCE' },
  { name: 'MountPoint', title: 'MOUNT POINT' },
  { name: 'State', title: 'STATE' },
  { name: 'Upper', title: 'UPPER' },
  { name: 'Work', title: 'WORK' },
  { name: 'PID', title: 'PID', align: 'right' },
  { name: 'Keeper', title: 'KEEPER', align: 'right' },
  { name: 'Restarts', title: 'RESTARTS', align: 'right' },
  { name: 'LastRestart', title: 'LAST RESTART' },
  { name: 'Driver', title: 'DRIVER' },
  { name: 'Age', title: 'AGE', align: 'right' },
  { name: 'Started', title: 'STARTED' },
  { name: 'ImageID', title: 'IMAGE ID' },
  { name: 'Layers', title: 'LAYERS' },
  { name: 'HeldBy', title: 'HELD BY' },
]);
const shown = ['Source', 'MountPoint', 'Upper', 'PID', 'Age'];

const help = `
A source is marked as changed if it was modified after it was mounted: reads then fail with EIO. Mount it again.
A dead mount has lost its daemon: remove it with "stratafs unmount".
A restarted mount has lost its daemon, and its keeper has started another one: the last reason is the signal that ended the
daemon, its exit status, or upgrade.
A held mount was unmounted here, but a process still has it in its own mount namespace; the first such process is shown.
"stratafs unmount --force" ends it.
"stratafs ps" shows the same mounts as containers, with images and sizes.
${listing.help} docs/json.md describes the output of --json.

Examples:
  stratafs ls
  stratafs ls --format '{{.PID}} {{.MountPoint}}'
  stratafs ls --json | jq -r '.[].mountPoint'`;

/** The fields of a mount, in the order of --json. */
interface Row {
  readonly source: string;
  readonly mountPoint: string;
  readonly state: MountState;
  readonly pid: number | undefined;
  readonly keeper: number | undefined;
  readonly restarts: number | undefined;
  readonly lastRestart: string | undefined;
  readonly driver: string | undefined;
  readonly started: number | undefined;
  readonly imageId: string | undefined;
  readonly layers: number | undefined;
  readonly upper: string | undefined;
  readonly work: string | undefined;
  readonly isSourceChanged: boolean | undefined;
  readonly heldBy: ListedMount['heldBy'] | undefined;
}

interface LsArguments {
  readonly quiet?: true;
  readonly format?: string;
  readonly json?: true;
}

function rowOf({ source, mountpoint, state, ...facts }: ListedMount): Row {
  const { pid, keeper, restarts, lastRestart, driver, started, imageId, layers, upper, work, heldBy } = facts;
  const isSourceChanged = facts.isSourceChanged === true ? true : undefined;
  const rest = { imageId, layers, upper, work, isSourceChanged, heldBy };
  const processes = { pid, keeper, restarts, lastRestart };
  return { source, mountPoint: mountpoint, state, ...processes, driver, started, ...rest };
}

const stateTexts: Record<MountState, string> = {
  mounted: '',
  held: '',
  dead: 'dead',
  silent: 'no answer',
  refused: '?',
};

/** The cells of a table row. */
function fieldsOf(row: Row): Fields {
  const { source, mountPoint, state, pid, started, upper = '', work = '', heldBy = [] } = row;
  return {
    Source: source,
    MountPoint: mountPoint,
    Upper: upper,
    PID: pid === undefined ? stateTexts[state] : String(pid),
    Keeper: row.keeper === undefined ? '' : String(row.keeper),
    Restarts: row.restarts === undefined ? '' : String(row.restarts),
    LastRestart: row.lastRestart ?? '',
    Driver: row.driver ?? '',
    Age: started === undefined ? '' : showDuration(Date.now() - started),
    State: state,
    Work: work,
    Started: started === undefined ? '' : new Date(started).toISOString(),
    ImageID: row.imageId ?? '',
    Layers: row.layers === undefined ? '' : String(row.layers),
    HeldBy: heldBy.map(({ pid: holder, name }) => `${name} (pid ${holder})`).join(', '),
  };
}

/** In the table, remarks follow the source and the mount point. */
function listingRowOf(row: Row): ListingRow {
  const { source, mountPoint } = row;
  const remark = remarkOf(row);
  return {
    fields: fieldsOf(row),
    cells: {
      ...(row.isSourceChanged === true ? { Source: `${source} (changed)` } : {}),
      ...(remark === undefined ? {} : { MountPoint: `${mountPoint} (${remark})` }),
    },
  };
}

function remarkOf({ heldBy, restarts = 0, lastRestart = 'unknown' }: Row): string | undefined {
  const [holder] = heldBy ?? [];
  if (holder !== undefined) return `held by ${holder.name}, pid ${holder.pid}`;
  if (restarts === 0) return undefined;
  return `restarted ${restarts === 1 ? 'once' : `${restarts} times`}, last: ${lastRestart}`;
}

export function lsCommand(): CliCommand {
  return {
    syntax: new Command('ls')
      .description('List the stratafs mounts in this mount namespace.')
      .option('-q, --quiet', 'print mount points only')
      .option('--format <format>', FORMAT_ABOUT)
      .option('--json', JSON_ABOUT)
      .addHelpText('after', help),
    run: async ({ quiet, format: typed, json }: LsArguments) => {
      const format = listing.parse(typed);
      const rows = (await listMounts()).map(rowOf);
      const exitsNow = rows.some(({ state }) => state === 'silent');
      if (json === true) return { json: rows, exitsNow };
      if (quiet === true) {
        return { text: rows.map(({ mountPoint }) => `${showForReader(mountPoint)}\n`).join(''), exitsNow };
      }
      const text = format.write(rows.map(listingRowOf), shown);
      return { text, exitsNow };
    },
  };
}
