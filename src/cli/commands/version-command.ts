// stratafs version: as --version.
import { Command } from 'commander';
import { readVersion } from '../version.ts';

export function versionCommand(): Command {
  return new Command('version').description('Prints the version.').action(() => {
    process.stdout.write(`${readVersion()}\n`);
  });
}
