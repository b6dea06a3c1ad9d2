// stratafs pull: copies an image of a registry to this machine.
import { JSON_ABOUT, PLATFORM_ABOUT } from './option-texts.ts';
import type { CliCommand } from '../command-result.ts';
import { Command } from 'commander';
import { pull } from '../../library/transfer.ts';
import { withReport } from './inspection.ts';

const help = `
<source> is docker://<host>[:<port>]/<name>[:<tag>|@<digest>]; without a host, an image of Docker Hub. <target> is
[docker-archive:]<file>[:<ref>], oci:<dir>[:<ref>] or oci-archive:<file>[:<ref>]. It gets the image as the registry stores
it, with the same digests, and is created when all of it is there. A pull that was broken off continues where it stopped.
The ID of the image is printed. docs/registries.md describes credentials, mirrors, proxies and certificates.

Examples:
  stratafs pull docker://alpine:3 -o alpine.tar:alpine:3
  stratafs pull docker://registry.example/app:1 -o oci:dir`;

interface PullArguments {
  readonly output: string;
  readonly platform?: string;
  readonly json?: true;
}

export function pullCommand(): CliCommand {
  return {
    syntax: new Command('pull')
      .usage('[options] -o <target> <source>')
      .description('Copy an image of a registry to this machine.')
      .argument('<source>', 'image in a registry: docker://...')
      .requiredOption('-o, --output <target>', 'where to write the image')
      .option('--platform <os/arch>', PLATFORM_ABOUT)
      .option('--json', JSON_ABOUT)
      .addHelpText('after', help),
    run: (source: string, args: PullArguments) =>
      withReport({ ...args, indexCache: true }, async (options, report) => {
        const copied = await pull(source, args.output, options);
        report.end();
        return args.json === true ? { json: copied } : { text: `${copied.id}\n` };
      }),
  };
}
