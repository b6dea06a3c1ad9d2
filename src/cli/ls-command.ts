// stratafs ls: what is mounted.
import { Command } from 'commander';
import { type FoundMount, type MountFacts, exitNow, findMounts } from '../mount.ts';
import { showDuration } from './duration.ts';
import { type Column, formatTable } from './table.ts';

const help = `
A source that is shown as changed was written to since it was mounted: reading the mount gives EIO. Mount it again.
A mount whose daemon is gone is shown as dead: "stratafs unmount DIR" clears it away.
"stratafs ps" lists the same mounts as containers: by image, with the size of what was written.
--json prints an array, described in docs/json.md.

Examples:
  stratafs ls
  stratafs ls --json | jq -r '.[].mountPoint'`;

const columns: readonly Column[] = [
  { title: 'SOURCE' },
  { title: 'MOUNT POINT' },
  { title: 'UPPER' },
  { title: 'PID', align: 'right' },
  { title: 'AGE', align: 'right' },
];

type State = 'mounted' | 'dead' | 'silent' | 'refused';

/** In the order of --json. */
interface Row {
  readonly source: string;
  readonly mountPoint: string;
  readonly state: State;
  readonly pid: number | undefined;
  readonly started: number | undefined;
  readonly imageId: string | undefined;
  readonly layers: number | undefined;
  readonly upper: string | undefined;
  readonly work: string | undefined;
  readonly isSourceChanged: true | undefined;
}

function rowOf({ entry, answer }: FoundMount): Row {
  const state = answer.kind === 'answered' ? 'mounted' : answer.kind;
  const facts = answer.kind === 'answered' ? (answer.json as Partial<MountFacts>) : {};
  const { source = entry.source, pid, started, imageId, layers, upper, work } = facts;
  const isSourceChanged = facts.isSourceChanged === true ? true : undefined;
  const { mountPoint } = entry;
  return { source, mountPoint, state, pid, started, imageId, layers, upper, work, isSourceChanged };
}

const stateTexts: Record<State, string> = { mounted: '', dead: 'dead', silent: 'no answer', refused: '?' };

function cellsOf({ source, mountPoint, state, pid, started, upper = '', isSourceChanged }: Row): string[] {
  const age = started === undefined ? '' : showDuration(Date.now() - started);
  const shownSource = isSourceChanged === true ? `${source} (changed)` : source;
  return [shownSource, mountPoint, upper, pid === undefined ? stateTexts[state] : String(pid), age];
}

export function lsCommand(): Command {
  return new Command('ls')
    .description('Lists the stratafs mounts of this mount namespace.')
    .option('--json', 'print JSON')
    .addHelpText('after', help)
    .action(async ({ json = false }: { json?: boolean }) => {
      const rows = (await findMounts()).map(rowOf);
      const text = json
        ? `${JSON.stringify(rows, undefined, 2)}\n`
        : formatTable(columns, rows.map(cellsOf), process.stdout.columns);
      const isStuck = rows.some(({ state }) => state === 'silent');
      process.stdout.write(text, () => {
        if (isStuck) exitNow(0);
      });
    });
}
