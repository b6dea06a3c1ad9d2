// Help as the programs print it: one spelling, headings, examples last, and no line over 80 columns without a terminal.
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { commands } from '../../src/cli/command-list.ts';
import { COMMAND, run } from '../mount/stratafs.ts';

const program = (name: string): string => join(COMMAND, `../${name}.cjs`);

async function helpOf(file: string, ...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await run(process.execPath, [file, ...args, '--help']);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout;
}

function expectGoodHelp(help: string, usage: RegExp): void {
  expect(help).toMatch(usage);
  expect(help.split('\n').filter((line) => line.length > 80)).toEqual([]);
  expect(help).toMatch(/^ {2}-h, --help +print this help$/m);
}

it.each([...commands.keys()])('stratafs %s --help', async (name) => {
  const help = await helpOf(COMMAND, name);
  expectGoodHelp(help, new RegExp(`^Usage: stratafs ${name} `));
  if (name === 'version') return;
  const [, examples = ''] = /^Examples:\n([^]*)$/m.exec(help) ?? [];
  expect(examples).toMatch(/^ {2}(?:source <\()?stratafs /);
  expect(examples).not.toMatch(/^ {2}-/m);
});

it.each(['mount', 'bench', 'history', 'waste'])(
  'the options of %s are grouped under headings',
  async (name) => {
    const help = await helpOf(COMMAND, name);
    expect(help).not.toMatch(/^Options:$/m);
    const groups = help.split(/^(?=[A-Z][a-z ]+:$)/m).filter((group) => /^ {2}-/m.test(group));
    expect(groups.length).toBeGreaterThan(1);
    for (const group of groups) expect((group.match(/^ {2}-/gm) ?? []).length).toBeLessThanOrEqual(10);
  },
);

it('other commands have at most ten options', async () => {
  for (const [name, { load }] of commands) {
    const { options } = (await load())().syntax;
    const hasHeadings = options.some(({ helpGroupHeading }) => helpGroupHeading !== undefined);
    expect({ name, isShort: hasHeadings || options.length < 10 }).toEqual({ name, isShort: true });
  }
});

it('stratafs --help', async () => {
  expectGoodHelp(await helpOf(COMMAND), /^Usage: stratafs <command> \[options\]\n/);
});

it.each([
  ['mount-helper-main', /^Usage: mount\.stratafs <source> <mountpoint> /],
  ['unmount-helper-main', /^Usage: umount\.fuse\.stratafs <mountpoint> /],
  ['overlay-main', /^Usage: stratafs-overlay \[-f\] \[-d\] -o <list> <mountpoint>\n/],
])('%s --help', async (name, usage) => {
  expectGoodHelp(await helpOf(program(name)), usage);
});
