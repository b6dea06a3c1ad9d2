// Help is not wider than the terminal, and has the same words at each width.
import { expect, it } from 'vitest';
import { commands } from '../../../src/cli/command-list.ts';
import { wrapHelp } from '../../../src/cli/output/help-lines.ts';
import { helperHelp } from '../../../src/cli/commands/mount-helper.ts';
import { overlayHelp } from '../../../src/cli/commands/overlay-command.ts';
import { unmountHelperHelp } from '../../../src/cli/commands/unmount-helper.ts';

it('refills a paragraph', () =>
  expect(wrapHelp('one two three\nfour five\n\nsix', 10)).toBe('one two\nthree four\nfive\n\nsix'));

it('continues a meaning in the same column', () =>
  expect(wrapHelp('  -a   is the first of all letters of it', 32)).toBe(
    '  -a   is the first of all\n       letters of it',
  ));

it('prints a meaning below its term if there is no room next to it', () =>
  expect(wrapHelp('  stratafs mount app.tar /mnt    as a container', 40)).toBe(
    '  stratafs mount app.tar /mnt\n      as a container',
  ));

it('never breaks an example or a word', () => {
  const example = `  stratafs mount ${'x'.repeat(40)}`;
  expect(wrapHelp(`${example}\n${'y'.repeat(40)} z`, 20)).toBe(`${example}\n${'y'.repeat(40)}\nz`);
});

async function helpOf(name: string, width: number): Promise<string> {
  const entry = commands.get(name);
  if (entry === undefined) throw new Error(`${name}: no such command`);
  const command = (await entry.load())().syntax;
  let text = '';
  command.configureHelp({ helpWidth: width }).configureOutput({ writeOut: (part) => (text += part) });
  command.outputHelp();
  return text;
}

const programs = { helperHelp, overlayHelp, unmountHelperHelp };

it.each([...commands.keys(), ...Object.keys(programs)])('the help of %s fits each width', async (name) => {
  for (const width of [60, 66, 72, 80, 100, 120]) {
    const help = name in programs ? programs[name as keyof typeof programs] : await helpOf(name, width);
    const wrapped = wrapHelp(help, width);
    expect(wrapped.split('\n').filter((line) => line.length > width)).toEqual([]);
    expect(wrapHelp(wrapped, width)).toBe(wrapped);
    expect(wrapped.split(/\s+/)).toEqual(help.split(/\s+/));
  }
});
