// stratafs ps: lists mounts like `docker ps` lists containers.
import { BYTES_ABOUT, JSON_ABOUT, FORMAT_ABOUT } from './option-texts.ts';
import { showForReader } from '../output/terminal-lines.ts';
import type { CliCommand, CommandResult } from '../command-result.ts';
import { Command } from 'commander';
import {
  type InspectOptions,
  type MountedImage,
  familiarName,
  measureWritten,
  mountedImageOf,
} from '../../library/written-size.ts';
import { type FoundMount, findMounts } from '../../library/mounts.ts';
import { ErrnoError } from '../../vfs/errno.ts';
import { InputError } from '../../vfs/input-error.ts';
import { showCreated, shortenDigest } from '../output/docker-units.ts';
import { sizeWriter, withReport } from './inspection.ts';
import type { Report } from '../output/report.ts';
import { type Fields, Listing } from '../output/listing.ts';

const listing = new Listing([
  { name: 'Image', title: 'IMAGE' },
  { name: 'ImageID', title: 'IMAGE ID' },
  { name: 'CreatedAt', title: 'CREATED AT' },
  { name: 'RunningFor', title: 'CREATED' },
  { name: 'Status', title: 'STATUS', isWhole: true },
  { name: 'MountPoint', title: 'MOUNT POINT' },
  { name: 'PID', title: 'PID', align: 'right', isWhole: true },
  { name: 'Size', title: 'SIZE', isWhole: true },
  { name: 'Upper', title: 'UPPER' },
  { name: 'Source', title: 'SOURCE' },
]);

function shownFields({ size }: PsArguments): readonly string[] {
  const shown = ['Image', 'ImageID', 'RunningFor', 'Status', 'MountPoint', 'PID'];
  return size === true ? [...shown, 'Size'] : shown;
}

const help = `
The mounts are listed like containers: IMAGE and IMAGE ID name the mounted image, CREATED is when it was mounted. STATUS is
Up, Dead if the daemon was killed (remove the mount with "stratafs unmount"), or No answer if it is stopped or stuck; and how
many bytes of its layers are still in a registry. Mounts of other users are left out if this user cannot access them. "stratafs ls" shows them too, with sources and upper
directories.
SIZE is docker's: the bytes of the written files, holes included, each inode once, whiteouts zero. A file whose attributes
alone were changed counts in full, because docker copies it; so do the files of a directory that was moved. The virtual
size includes the image. N/A means that this user cannot read the upper directory.
${listing.help} docs/json.md describes the output of --json.

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
  /** Bytes; undefined if not requested, or unknown. */
  readonly written: number | undefined;
  /** True if the written size could not be measured. */
  readonly hasFailed: boolean;
}

/** The mounts that this user may inspect, with the written size if it is requested. */
async function listMounts(
  found: readonly FoundMount[],
  needsSize: boolean,
  options: InspectOptions,
  report: Report,
): Promise<ListedMount[]> {
  const stuck = found.filter(({ answer }) => answer.kind === 'silent').map(({ entry }) => entry.mountPoint);
  const listed: ListedMount[] = [];
  for (const each of found) {
    if (each.answer.kind === 'refused') continue;
    const mounted = mountedImageOf(each);
    // An upper inside a mount that hangs would hang, too.
    const isReachable = !stuck.some((place) => `${mounted?.facts.upper ?? ''}/`.startsWith(`${place}/`));
    const isMeasured = needsSize && mounted !== undefined && isReachable;
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

/** The image's name or ID; for bare layers, the mounted source. */
function imageOf({ found, mounted }: ListedMount): string {
  const { names, imageId, source = found.entry.source } = mounted?.facts ?? {};
  if (names?.[0] !== undefined) return familiarName(names[0]);
  return imageId === undefined ? source : shortenDigest(imageId);
}

/** The state, and how much of the layers is not here yet. */
function showStatus({ found, mounted }: ListedMount, args: PsArguments): string {
  const { missingBytes = 0 } = mounted?.facts ?? {};
  const state = states[found.answer.kind];
  return missingBytes === 0 ? state : `${state} (${sizeWriter(args.bytes)(missingBytes)} not fetched)`;
}

function fieldsOf(listed: ListedMount, args: PsArguments): Fields {
  const { found, mounted, written } = listed;
  const { imageId, started, pid, upper, source = found.entry.source, size: imageSize } = mounted?.facts ?? {};
  const created = started === undefined ? undefined : new Date(started).toISOString();
  const write = sizeWriter(args.bytes);
  const virtual =
    written === undefined || imageSize === undefined ? '' : ` (virtual ${write(imageSize + written)})`;
  return {
    Image: imageOf(listed),
    ImageID: args.trunc ? shortenDigest(imageId) : (imageId ?? ''),
    CreatedAt: created ?? UNKNOWN,
    RunningFor: showCreated(created, Date.now()),
    Status: showStatus(listed, args),
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
    missingBytes: mounted?.facts.missingBytes,
    mountPoint: found.entry.mountPoint,
    pid,
    source,
    upper,
    imageSize: size,
    size: written,
    virtualSize: written === undefined || size === undefined ? undefined : size + written,
  };
}

export function psCommand(): CliCommand {
  return {
    syntax: new Command('ps')
      .description('List mounts like "docker ps" lists containers: image, age and written size.')
      .option('-s, --size', 'show the bytes written to each mount, and the total with its image')
      .option('-q, --quiet', 'print mount points only')
      .option('--no-trunc', 'do not truncate IDs')
      .option('--format <format>', FORMAT_ABOUT)
      .option('--bytes', BYTES_ABOUT)
      .option('--json', JSON_ABOUT)
      .addHelpText('after', help),
    run: async (args: PsArguments): Promise<CommandResult> => {
      const format = listing.parse(args.format);
      const shown = shownFields(args);
      const needsSize = args.size === true || format.uses('Size', shown);
      const found = await findMounts();
      const exitsNow = found.some(({ answer }) => answer.kind === 'silent');
      return withReport({ indexCache: true }, async (options, report) => {
        const mounts = await listMounts(found, needsSize, options, report);
        report.end();
        const status = mounts.some(({ hasFailed }) => hasFailed) ? 1 : 0;
        if (args.json === true) return { json: mounts.map(describe), status, exitsNow };
        if (args.quiet === true) {
          const mountPoints = mounts.map(({ found: { entry } }) => `${showForReader(entry.mountPoint)}\n`);
          return { text: mountPoints.join(''), status, exitsNow };
        }
        const rows = mounts.map((each) => ({ fields: fieldsOf(each, args) }));
        return { text: format.write(rows, shown), status, exitsNow };
      });
    },
  };
}
