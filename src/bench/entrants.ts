// Selects the contenders that take part: they must be installed, prepare every stack, and pass a trial mount. A contender
// that fails any of these is left out and reported with the reason: figures of half the stacks can't be compared.
import { mountAt, readMountTable } from '../sys/mount-table.ts';
import { InputError } from '../vfs/input-error.ts';
import type { Contender, Mounted, PreparedContender, Workshop } from './contender.ts';
import { runLoad } from './load-generator.ts';
import { unmountingAfter } from './mounting.ts';
import { ProgramError } from './processes.ts';
import type { MissingContender } from './result.ts';
import type { Stack } from './stack.ts';

export interface Entrant {
  readonly contender: Contender;
  /** One for each stack, in the same order. */
  readonly prepared: readonly PreparedContender[];
  /** The options of its trial mount in the mount table; undefined if it mounts nothing. */
  readonly mountOptions: string | undefined;
}

export interface EntranceWatch {
  readonly onPhase: (what: string, done: number, total: number) => void;
  readonly onNotice: (text: string) => void;
}

/** The most characters of mount options in a result: a stack of many layers has more. */
const KEPT_OPTIONS = 400;

export async function admit(
  workshop: Workshop,
  contenders: readonly Contender[],
  stacks: readonly Stack[],
  watch: EntranceWatch,
): Promise<{ entrants: Entrant[]; missing: MissingContender[] }> {
  const entrants: Entrant[] = [];
  const missing: MissingContender[] = [];
  for (const [n, contender] of contenders.entries()) {
    const { name } = contender;
    const lack = await contender.lack(workshop);
    if (lack !== undefined) {
      missing.push({ name, ...lack });
      continue;
    }
    const prepared: PreparedContender[] = [];
    let mountOptions: string | undefined;
    try {
      for (const [s, stack] of stacks.entries()) {
        watch.onPhase(`preparing ${name}`, n * stacks.length + s, contenders.length * stacks.length);
        const one = await contender.prepare(workshop, stack);
        mountOptions = await tryOut(workshop, one, stack, (text) => watch.onNotice(`${name}: ${text}`));
        prepared.push(one);
      }
      entrants.push({ contender, prepared, mountOptions });
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      missing.push({ name, reason: reasonOf(error) });
    }
  }
  return { entrants, missing };
}

function reasonOf(error: InputError): string {
  return error instanceof ProgramError && error.said !== ''
    ? error.said.replace(/^stratafs: /, '')
    : error.message;
}

/** Mounts it once, and counts the visible names. */
async function tryOut(
  { processes, scratch }: Workshop,
  prepared: PreparedContender,
  stack: Stack,
  onNotice: (text: string) => void,
): Promise<string | undefined> {
  const mounted: Mounted = await prepared.mount(await scratch.fresh('mnt'));
  let options: string | undefined;
  await unmountingAfter(
    () => [mounted],
    async () => {
      options = await mountOptionsOf(mounted.directory);
      const load = { operation: 'walk', paths: ['.'], threads: 1, rehearsals: 0, seed: 0 } as const;
      const { latencies } = await runLoad(processes, mounted.directory, load);
      // The catalogue of a user other than root lacks unreadable files.
      const expected = stack.catalogue.length + 1;
      if (process.geteuid?.() === 0 && latencies.length !== expected) {
        onNotice(`shows ${latencies.length} of the ${expected} names of the merged layers`);
      }
    },
  );
  return options;
}

/** The type, mount options and superblock options; undefined if nothing is mounted. */
async function mountOptionsOf(place: string): Promise<string | undefined> {
  const entry = mountAt(await readMountTable(), place);
  return entry && `${entry.type} ${entry.options} ${entry.superOptions}`.slice(0, KEPT_OPTIONS);
}
