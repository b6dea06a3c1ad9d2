// stratafs ls: lists mounts.
import { JSON_ABOUT, FORMAT_ABOUT } from './option-texts.ts';
import { showForReader } from '../output/terminal-lines.ts';
import { outputWidth } from '../output/terminal.ts';
import type { CliCommand } from '../command-result.ts';
import { Command } from 'commander';
import { type ListedMount, type MountState, listMounts } from '../../library/mounts.ts';
import { showDuration } from '../output/duration.ts';
import { type Column, formatTable } from '../output/table.ts';
import { type Fields, formatRows } from '../output/template.ts';

const help = `
A source is marked as changed if it was modified after it was mounted: reads then fail with EIO. Mount it again.
A dead mount has lost its daemon: remove it with "stratafs unmount".
A held mount was unmounted here, but a process still has it in its own mount namespace; the first such process is shown.
"stratafs unmount --force" ends it.
"stratafs ps" shows the same mounts as containers, with images and sizes.
The fields of --format templates are .Source, .MountPoint, .State, .Upper, .Work, .PID, .Age, .Started, .ImageID, .Layers
and .HeldBy. docs/json.md describes the output of --json.

Examples:
  stratafs ls
  stratafs ls --format '{{.PID}} {{.MountPoint}}'
  stratafs ls --json | jq -r '.[].mountPoint'`;

const columns: readonly (readonly [field: string, Column])[] = [
  ['Source', { title: 'SOURCE' }],
  ['MountPoint', { title: 'MOUNT POINT' }],
  ['Upper', { title: 'UPPER' }],
  ['PID', { title: 'PID', align: 'right' }],
  ['Age', { title: 'AGE', align: 'right' }],
];

const titles: Fields = {
  ...Object.fromEntries(columns.map(([field, { title }]) => [field, title])),
  State: 'STATE',
  Work: 'WORK',
  Started: 'STARTED',
  ImageID: 'IMAGE ID',
  Layers: 'LAYERS',
  HeldBy: 'HELD BY',
};

/** The fields of a mount, in the order of --json. */
interface Row {
  readonly source: string;
  readonly mountPoint: string;
  readonly state: MountState;
  readonly pid: number | undefined;
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
  const { pid, started, imageId, layers, upper, work, heldBy } = facts;
  const isSourceChanged = facts.isSourceChanged === true ? true : undefined;
  const rest = { imageId, layers, upper, work, isSourceChanged, heldBy };
  return { source, mountPoint: mountpoint, state, pid, started, ...rest };
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
    Age: started === undefined ? '' : showDuration(Date.now() - started),
    State: state,
    Work: work,
    Started: started === undefined ? '' : new Date(started).toISOString(),
    ImageID: row.imageId ?? '',
    Layers: row.layers === undefined ? '' : String(row.layers),
    HeldBy: heldBy.map(({ pid: holder, name }) => `${name} (pid ${holder})`).join(', '),
  };
}

function cellsOf(row: Row): string[] {
  const fields = fieldsOf(row);
  const [holder] = row.heldBy ?? [];
  const notes: Fields = {
    Source: row.isSourceChanged === true ? ' (changed)' : '',
    MountPoint: holder === undefined ? '' : ` (held by ${holder.name}, pid ${holder.pid})`,
  };
  return columns.map(([field]) => `${fields[field] ?? ''}${notes[field] ?? ''}`);
}

function textOf(rows: readonly Row[], { quiet, format }: LsArguments): string {
  if (quiet === true) return rows.map(({ mountPoint }) => `${showForReader(mountPoint)}\n`).join('');
  const width = outputWidth();
  if (format !== undefined && format !== 'table') {
    return formatRows(format, titles, rows.map(fieldsOf), width);
  }
  return formatTable(
    columns.map(([, column]) => column),
    rows.map(cellsOf),
    width,
  );
}

export function lsCommand(): CliCommand {
  return {
    syntax: new Command('ls')
      .description('List the stratafs mounts in this mount namespace.')
      .option('-q, --quiet', 'print mount points only')
      .option('--format <format>', FORMAT_ABOUT)
      .option('--json', JSON_ABOUT)
      .addHelpText('after', help),
    run: async (args: LsArguments) => {
      const rows = (await listMounts()).map(rowOf);
      const exitsNow = rows.some(({ state }) => state === 'silent');
      return args.json === true ? { json: rows, exitsNow } : { text: textOf(rows, args), exitsNow };
    },
  };
}
