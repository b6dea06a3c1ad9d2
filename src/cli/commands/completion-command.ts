// stratafs completion: prints the script that completes our command lines in a shell.
import type { CliCommand } from '../command-result.ts';
import { Argument, Command } from 'commander';
import { readFileSync } from 'node:fs';
import { packageFile } from '../../sys/package-file.ts';

const help = `
The script asks stratafs itself for candidates: commands, options and their values, the images and layers of an archive,
mount points. No layer is read for it. The same scripts lie in share/ of the package.

Examples:
  source <(stratafs completion bash)                                   for this bash
  stratafs completion bash > /etc/bash_completion.d/stratafs           for all users
  stratafs completion zsh > ~/.zfunc/_stratafs                         a directory of $fpath
  stratafs completion fish > ~/.config/fish/completions/stratafs.fish`;

/** Where a package of a distribution has them below /usr, too. */
const scripts = {
  bash: 'share/bash-completion/completions/stratafs',
  zsh: 'share/zsh/site-functions/_stratafs',
  fish: 'share/fish/vendor_completions.d/stratafs.fish',
} as const;

export function completionCommand(): CliCommand {
  return {
    syntax: new Command('completion')
      .description('Prints the script that completes command lines of stratafs in a shell.')
      .addArgument(new Argument('<shell>', 'bash, zsh or fish').choices(Object.keys(scripts)))
      .addHelpText('after', help),
    run: (shell: keyof typeof scripts) => ({ text: readFileSync(packageFile(scripts[shell]), 'utf8') }),
  };
}
