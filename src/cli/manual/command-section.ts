// A command as a subsection of stratafs(1): its usage, its options and the rest of its help.
import type { Command, Option } from 'commander';
import { describeOption } from '../output/option-help.ts';
import { parseHelp } from './help-text.ts';
import { type RoffPage, syntax } from './roff.ts';

/** The usage lines of a command, without "stratafs", with placeholders in capitals. */
export function usagesOf(command: Command): string[] {
  return command
    .usage()
    .split('\n')
    .map((line) => {
      const [, , called = line.trim()] = /^\s*(stratafs (\S+ .*))$/.exec(line) ?? [];
      const usage = called.startsWith(`${command.name()} `) ? called : `${command.name()} ${called}`;
      return usage.replace(/<[^>]*>|\[[a-z][^\]]*\]/g, (placeholder) =>
        placeholder.replace(/[<>]/g, '').toUpperCase(),
      );
    });
}

/** "-o, --options LIST". */
function spellOption({ flags }: Option): string {
  return flags
    .replace(/<([^>]*)>/, (_, name: string) => name.toUpperCase())
    .replace(/\[([^\]]*)\]/, (_, name: string) => `[${name.toUpperCase()}]`);
}

/** The command's help below its options. */
function helpAfter(command: Command): string {
  let help = '';
  const plain = command.helpInformation();
  command.configureOutput({ writeOut: (text) => (help += text) });
  command.outputHelp();
  return help.slice(plain.length);
}

export function describeCommand(page: RoffPage, command: Command): void {
  page.subsection(command.name());
  for (const usage of usagesOf(command)) page.roff(syntax(`stratafs ${usage}`));
  page.paragraph(command.description());
  for (const argument of command.registeredArguments) {
    if (argument.description !== '') page.item(syntax(argument.name().toUpperCase()), argument.description);
  }
  for (const option of command.options) {
    if (!option.hidden) page.item(syntax(spellOption(option)), describeOption(option));
  }
  page.help(parseHelp(helpAfter(command)));
}
