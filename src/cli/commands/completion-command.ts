// stratafs completion: prints the completion script of a shell.
import type { CliCommand } from '../command-result.ts';
import { Argument, Command } from 'commander';
import { readFileSync } from 'node:fs';
import { packageFile } from '../../sys/package-file.ts';

const help = `
The script asks stratafs for candidates: commands, options and their values, the images and layers of an archive, mount
points, paths in an image that has been indexed. No layer is read. The package also has the scripts in share/.

Examples:
  source <(stratafs completion bash)    for the current shell
  stratafs completion bash > /etc/bash_completion.d/stratafs
  stratafs completion zsh > ~/.zfunc/_stratafs
  stratafs completion fish > stratafs.fish`;

/** Paths in this package, the same as those below /usr in a distribution's package. */
const scripts = {
  bash: 'share/bash-completion/completions/stratafs',
  zsh: 'share/zsh/site-functions/_stratafs',
  fish: 'share/fish/vendor_completions.d/stratafs.fish',
} as const;

export function completionCommand(): CliCommand {
  return {
    syntax: new Command('completion')
      .description('Print a script that completes stratafs command lines in a shell.')
      .addArgument(new Argument('<shell>', 'the shell').choices(Object.keys(scripts)))
      .addHelpText('after', help),
    run: (shell: keyof typeof scripts) => ({ text: readFileSync(packageFile(scripts[shell]), 'utf8') }),
  };
}
