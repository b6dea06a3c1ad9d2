// Builds the manual pages stratafs(1), stratafs-overlay(1), mount.stratafs(8) and umount.fuse.stratafs(8) from the commands'
// descriptions.
import { examples } from '../command-line.ts';
import { commands } from '../command-list.ts';
import { helperHelp } from '../commands/mount-helper.ts';
import { unmountHelperHelp } from '../commands/unmount-helper.ts';
import { overlayHelp } from '../commands/overlay-command.ts';
import { describeCommand, usagesOf } from './command-section.ts';
import { parseHelp } from './help-text.ts';
import { describeMountOptions } from './option-section.ts';
import { type PageHeading, RoffPage, syntax } from './roff.ts';
import { type Topic, parseTopics } from './topics.ts';

/** The date and the version in the pages. */
export type Edition = Pick<PageHeading, 'date' | 'version'>;

export interface ManualPage {
  /** "stratafs.1". */
  readonly file: string;
  readonly text: string;
}

/** The Markdown of each page's prose, by the name of the page: "stratafs.1". */
export type Prose = Readonly<Record<string, string>>;

function topicsOf(prose: Prose, page: string): Topic[] {
  const markdown = prose[page];
  if (markdown === undefined) throw new Error(`no prose for the page ${page}`);
  return parseTopics(markdown);
}

function addTopics(page: RoffPage, topics: readonly Topic[]): void {
  for (const { title, blocks } of topics) {
    page.section(title);
    page.help(blocks);
  }
}

async function commandPage(edition: Edition, prose: Prose): Promise<string> {
  const page = new RoffPage({
    ...{ ...edition, name: 'stratafs', section: 1 },
    summary: 'mount saved container images in place, and look into them',
  });
  const all = await Promise.all([...commands.values()].map(async ({ load }) => (await load())().syntax));
  page.section('SYNOPSIS');
  const usages = all.flatMap((command) => usagesOf(command).map((usage) => syntax(`stratafs ${usage}`)));
  page.lines([...usages, syntax('stratafs help [COMMAND]'), syntax('stratafs --version')]);
  const topics = topicsOf(prose, 'stratafs.1');
  const isLast = ({ title }: Topic): boolean => title === 'SEE ALSO';
  addTopics(page, topics.slice(0, 1));
  page.section('OPTIONS');
  page.paragraph('Each command has its own options. All commands, and stratafs itself, have:');
  page.item(syntax('-h, --help'), 'print the options, with examples');
  page.item(syntax('-V, --version'), 'print the version; without a command only');
  page.section('COMMANDS');
  for (const command of all) describeCommand(page, command);
  describeMountOptions(page);
  addTopics(
    page,
    topics.slice(1).filter((topic) => !isLast(topic)),
  );
  page.section('EXAMPLES');
  page.help(parseHelp(examples).slice(1));
  addTopics(page, topics.filter(isLast));
  return page.toString();
}

/** The page of a program whose help begins with one line of usage. */
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
  return page.toString();
}

export async function manualPages(edition: Edition, prose: Prose): Promise<ManualPage[]> {
  return [
    { file: 'stratafs.1', text: await commandPage(edition, prose) },
    {
      file: 'stratafs-overlay.1',
      text: helpPage(
        {
          ...{ ...edition, name: 'stratafs-overlay', section: 1 },
          summary: 'mount layers as fuse-overlayfs does, for podman and buildah',
        },
        overlayHelp,
        topicsOf(prose, 'stratafs-overlay.1'),
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
        topicsOf(prose, 'mount.stratafs.8'),
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
        topicsOf(prose, 'umount.fuse.stratafs.8'),
      ),
    },
  ];
}
