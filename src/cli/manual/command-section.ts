// A command as a subsection of stratafs(1): how it is called, its options, and what its help says beside them.
import type { Command, Option } from 'commander';
import { parseHelp } from './help-text.ts';
import { type RoffPage, syntax } from './roff.ts';

/** How a command is called, without "stratafs": one line or more, placeholders in capitals. */
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

/** What an option means, the values it takes and the one it has untold. */
function explainOption(option: Option): string {
  const { description, argChoices, negate } = option;
  const untold = negate ? undefined : (option.defaultValue as unknown);
  const more = [
    ...(argChoices === undefined ? [] : [`one of ${argChoices.join(', ')}`]),
    ...(typeof untold === 'string' || typeof untold === 'number' ? [`default: ${untold}`] : []),
  ];
  return more.length === 0 ? description : `${description} (${more.join('; ')})`;
}

/** What the command's help says below its options. */
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
    if (!option.hidden) page.item(syntax(spellOption(option)), explainOption(option));
  }
  page.help(parseHelp(helpAfter(command)));
}
