// stratafs ps: the mounts as containers, as `docker ps` lists them.
import { showForReader } from '../output/terminal-lines.ts';
import { outputWidth } from '../output/terminal.ts';
import type { CliCommand, CommandResult } from '../command-result.ts';
import { Command } from 'commander';
import {
  type InspectOptions,
  type MountedImage,
  familiarName,
  measureWritten,
  mountedImageOf,
} from '../../inspect/inspect.ts';
import { type FoundMount, findMounts } from '../../mount/mount.ts';
import { ErrnoError } from '../../vfs/errno.ts';
import { InputError } from '../../vfs/input-error.ts';
import { showCreated, shortenDigest } from '../output/docker-units.ts';
import { sizeWriter, withReport } from './inspection.ts';
import type { Report } from '../output/report.ts';
import { type Column, formatTable } from '../output/table.ts';
import { type Fields, formatRows } from '../output/template.ts';

const help = `
A mount is to its image what a container is: IMAGE and IMAGE ID tell which, CREATED since when it is mounted. STATUS is Up;
Dead where the daemon was killed ("stratafs unmount DIR" clears it away), No answer where it is stopped or stuck. Mounts of
other users that may not be looked into are left out. "stratafs ls" lists them too, with sources and upper directories.
SIZE is docker's: the bytes of the files that were written, holes too, each inode once, whiteouts nothing; a file of
which only the attributes were changed counts whole, since docker copies it, and what is in a directory that was moved
likewise. "virtual" adds the image's size. N/A: this user may not look into the upper directory.
--format takes json, "table TEMPLATE", or a template of .Image, .ImageID, .CreatedAt, .RunningFor, .Status, .MountPoint, .PID,
.Size, .Upper and .Source.
--json prints an array, described in docs/json.md.

Examples:
  stratafs ps -s
  stratafs ps --format '{{.MountPoint}} {{.Image}}'
  stratafs unmount "$(stratafs ps -q | head -n 1)"`;

interface PsArguments {
  readonly size?: true;
  readonly quiet?: true;
  readonly trunc: boolean;
  readonly format?: string;
  readonly bytes?: true;
  readonly json?: true;
}

const UNKNOWN = 'N/A';
const states = { answered: 'Up', dead: 'Dead', silent: 'No answer', refused: 'No answer' } as const;

interface ListedMount {
  readonly found: FoundMount;
  readonly mounted: MountedImage | undefined;
  /** Bytes; undefined where they were not asked for, or are not known. */
  readonly written: number | undefined;
  /** Whether what was written could not be measured. */
  readonly hasFailed: boolean;
}

const columns: readonly (readonly [string, Column])[] = [
  ['Image', { title: 'IMAGE' }],
  ['ImageID', { title: 'IMAGE ID' }],
  ['RunningFor', { title: 'CREATED' }],
  ['Status', { title: 'STATUS', isWhole: true }],
  ['MountPoint', { title: 'MOUNT POINT' }],
  ['PID', { title: 'PID', align: 'right', isWhole: true }],
  ['Size', { title: 'SIZE', isWhole: true }],
];

const titles: Fields = {
  ...Object.fromEntries(columns.map(([name, { title }]) => [name, title])),
  CreatedAt: 'CREATED AT',
  Upper: 'UPPER',
  Source: 'SOURCE',
};

/** Those that may be looked into; what was written to each where that is asked for. */
async function listMounts(
  found: readonly FoundMount[],
  given: PsArguments,
  options: InspectOptions,
  report: Report,
): Promise<ListedMount[]> {
  const stuck = found.filter(({ answer }) => answer.kind === 'silent').map(({ entry }) => entry.mountPoint);
  const listed: ListedMount[] = [];
  for (const each of found) {
    if (each.answer.kind === 'refused') continue;
    const mounted = mountedImageOf(each);
    // What lies in a mount that hangs would hang, too.
    const isReachable = !stuck.some((place) => `${mounted?.facts.upper ?? ''}/`.startsWith(`${place}/`));
    const isMeasured = given.size === true && mounted !== undefined && isReachable;
    const measured = isMeasured ? await measure(mounted, options, report) : undefined;
    const hasFailed = measured === 'failed';
    listed.push({ found: each, mounted, written: hasFailed ? undefined : measured, hasFailed });
  }
  return listed;
}

async function measure(
  mounted: MountedImage,
  options: InspectOptions,
  report: Report,
): Promise<number | undefined | 'failed'> {
  try {
    return await measureWritten(mounted, options);
  } catch (error) {
    const isExpected = error instanceof InputError || error instanceof ErrnoError;
    if (!isExpected && (error as NodeJS.ErrnoException).code === undefined) throw error;
    report.warning((error as Error).message);
    return 'failed';
  }
}

/** What the image is called: a name of it, or its ID, or, of bare layers, what was mounted. */
function imageOf({ found, mounted }: ListedMount): string {
  const { names, imageId, source = found.entry.source } = mounted?.facts ?? {};
  if (names?.[0] !== undefined) return familiarName(names[0]);
  return imageId === undefined ? source : shortenDigest(imageId);
}

function fieldsOf(listed: ListedMount, given: PsArguments): Fields {
  const { found, mounted, written } = listed;
  const { imageId, started, pid, upper, source = found.entry.source, size: imageSize } = mounted?.facts ?? {};
  const created = started === undefined ? undefined : new Date(started).toISOString();
  const write = sizeWriter(given.bytes);
  const virtual =
    written === undefined || imageSize === undefined ? '' : ` (virtual ${write(imageSize + written)})`;
  return {
    Image: imageOf(listed),
    ImageID: given.trunc ? shortenDigest(imageId) : (imageId ?? ''),
    CreatedAt: created ?? UNKNOWN,
    RunningFor: showCreated(created, Date.now()),
    Status: states[found.answer.kind],
    MountPoint: found.entry.mountPoint,
    PID: pid === undefined ? '' : String(pid),
    Size: written === undefined ? UNKNOWN : `${write(written)}${virtual}`,
    Upper: upper ?? '',
    Source: source,
  };
}

function describe(listed: ListedMount): object {
  const { found, mounted, written } = listed;
  const { names, imageId, started, pid, upper, source = found.entry.source, size } = mounted?.facts ?? {};
  return {
    image: imageOf(listed),
    names,
    imageId,
    created: started === undefined ? undefined : new Date(started).toISOString(),
    status: states[found.answer.kind],
    mountPoint: found.entry.mountPoint,
    pid,
    source,
    upper,
    imageSize: size,
    size: written,
    virtualSize: written === undefined || size === undefined ? undefined : size + written,
  };
}

function format(mounts: readonly ListedMount[], given: PsArguments): string {
  const rows = mounts.map((each) => fieldsOf(each, given));
  if (given.quiet === true)
    return rows.map(({ MountPoint = '' }) => `${showForReader(MountPoint)}\n`).join('');
  if (given.format !== undefined && given.format !== 'table') {
    return formatRows(given.format, titles, rows, outputWidth());
  }
  const shown = columns.filter(([name]) => name !== 'Size' || given.size === true);
  return formatTable(
    shown.map(([, column]) => column),
    rows.map((row) => shown.map(([name]) => row[name] ?? '')),
    outputWidth(),
  );
}

export function psCommand(): CliCommand {
  return {
    syntax: new Command('ps')
      .description('Lists mounts as containers, as "docker ps" does: image, age, size of what was written.')
      .option('-s, --size', 'what was written to each, and the sum of that and the image')
      .option('-q, --quiet', 'only mount points')
      .option('--no-trunc', 'cut no ID short')
      .option('--format <format>', '"table", "table TEMPLATE", "json", or a template')
      .option('--bytes', 'sizes in bytes')
      .option('--json', 'print JSON')
      .addHelpText('after', help),
    run: async (given: PsArguments): Promise<CommandResult> => {
      const needsSize = given.size === true || /\.Size\b|^json$/.test(given.format ?? '');
      const found = await findMounts();
      const exitsNow = found.some(({ answer }) => answer.kind === 'silent');
      return withReport({ indexCache: true }, async (options, report) => {
        const mounts = await listMounts(found, needsSize ? { ...given, size: true } : given, options, report);
        report.end();
        const status = mounts.some(({ hasFailed }) => hasFailed) ? 1 : 0;
        return given.json === true
          ? { json: mounts.map(describe), status, exitsNow }
          : { text: format(mounts, given), status, exitsNow };
      });
    },
  };
}
