// stratafs version: the same as --version.
import { Command } from 'commander';
import type { CliCommand } from '../command-result.ts';
import { readVersion } from '../version.ts';

export function versionCommand(): CliCommand {
  return {
    syntax: new Command('version').description('Print the version.'),
    run: () => ({ text: `${readVersion()}\n` }),
  };
}
