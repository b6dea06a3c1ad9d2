// The manual pages: stratafs(1), stratafs-overlay(1), mount.stratafs(8) and umount.fuse.stratafs(8), from what describes the commands.
import { examples, summary } from '../command-line.ts';
import { commands } from '../command-list.ts';
import { helperHelp } from '../commands/mount-helper.ts';
import { unmountHelperHelp } from '../commands/unmount-helper.ts';
import { overlayHelp } from '../commands/overlay-command.ts';
import { describeCommand, usagesOf } from './command-section.ts';
import { parseHelp } from './help-text.ts';
import { describeMountOptions } from './option-section.ts';
import { type PageHeading, RoffPage, bold, syntax } from './roff.ts';
import {
  type Topic,
  commandTopics,
  helperTopics,
  introduction,
  overlayTopics,
  unmountHelperTopics,
} from './topics.ts';

/** What tells one edition of the pages from another. */
export type Edition = Pick<PageHeading, 'date' | 'version'>;

export interface ManualPage {
  /** "stratafs.1". */
  readonly file: string;
  readonly text: string;
}

const seeAlso: Readonly<Record<string, readonly string[]>> = {
  stratafs: [
    ...[
      'mount.stratafs(8)',
      'umount.fuse.stratafs(8)',
      'stratafs-overlay(1)',
      'mount(8)',
      'umount(8)',
      'fusermount3(1)',
      'fuse(4)',
    ],
    ...['getfattr(1)', 'skopeo(1)', 'umoci(1)', 'containers-transports(5)'],
  ],
  'stratafs-overlay': [
    'stratafs(1)',
    'fuse-overlayfs(1)',
    'containers-storage.conf(5)',
    'podman(1)',
    'buildah(1)',
  ],
  'mount.stratafs': ['stratafs(1)', 'umount.fuse.stratafs(8)', 'mount(8)', 'fstab(5)', 'mount.fuse3(8)'],
  'umount.fuse.stratafs': ['stratafs(1)', 'mount.stratafs(8)', 'umount(8)', 'fusermount3(1)'],
};

function addTopics(page: RoffPage, topics: readonly Topic[]): void {
  for (const { title, text } of topics) {
    page.section(title);
    page.help(parseHelp(text));
  }
}

function addReferences(page: RoffPage, name: string): void {
  page.section('SEE ALSO');
  const references = (seeAlso[name] ?? []).map((reference) => {
    const [, other = '', section = ''] = /^(.*)\((\d)\)$/.exec(reference) ?? [];
    return `${bold(other)}(${section})`;
  });
  page.roff(references.join(', '));
}

async function commandPage(edition: Edition): Promise<string> {
  const page = new RoffPage({
    ...{ ...edition, name: 'stratafs', section: 1 },
    summary: 'mount saved container images in place, and look into them',
  });
  const all = await Promise.all([...commands.values()].map(async ({ load }) => (await load())().syntax));
  page.section('SYNOPSIS');
  const usages = all.flatMap((command) => usagesOf(command).map((usage) => syntax(`stratafs ${usage}`)));
  page.lines([...usages, syntax('stratafs help [COMMAND]'), syntax('stratafs --version')]);
  page.section('DESCRIPTION');
  page.paragraph(summary);
  page.help(parseHelp(introduction));
  page.section('OPTIONS');
  page.paragraph('Each command has its own. Of all commands, and of stratafs itself:');
  page.item(syntax('-h, --help'), 'tell the options, with examples');
  page.item(syntax('-V, --version'), 'print the version; without a command only');
  page.section('COMMANDS');
  for (const command of all) describeCommand(page, command);
  describeMountOptions(page);
  addTopics(page, commandTopics);
  page.section('EXAMPLES');
  page.help(parseHelp(examples).slice(1));
  addReferences(page, 'stratafs');
  return page.toString();
}

/** A page of a program whose help begins with one line of usage. */
function helpPage(
  heading: PageHeading,
  help: string,
  topics: readonly Topic[],
  addMore: (page: RoffPage) => void = () => undefined,
): string {
  const page = new RoffPage(heading);
  const [usage = '', ...rest] = help.split('\n');
  page.section('SYNOPSIS');
  page.roff(syntax(usage.replace(/^Usage: /, '')));
  page.section('DESCRIPTION');
  page.help(parseHelp(rest.join('\n')));
  addMore(page);
  addTopics(page, topics);
  addReferences(page, heading.name);
  return page.toString();
}

export async function manualPages(edition: Edition): Promise<ManualPage[]> {
  return [
    { file: 'stratafs.1', text: await commandPage(edition) },
    {
      file: 'stratafs-overlay.1',
      text: helpPage(
        {
          ...{ ...edition, name: 'stratafs-overlay', section: 1 },
          summary: 'mount layers as fuse-overlayfs does, for podman and buildah',
        },
        overlayHelp,
        overlayTopics,
      ),
    },
    {
      file: 'mount.stratafs.8',
      text: helpPage(
        {
          ...{ ...edition, name: 'mount.stratafs', section: 8 },
          summary: "mount(8)'s helper for saved container images",
        },
        helperHelp,
        helperTopics,
        describeMountOptions,
      ),
    },
    {
      file: 'umount.fuse.stratafs.8',
      text: helpPage(
        {
          ...{ ...edition, name: 'umount.fuse.stratafs', section: 8 },
          summary: "umount(8)'s helper, which waits for the daemon",
        },
        unmountHelperHelp,
        unmountHelperTopics,
      ),
    },
  ];
}
