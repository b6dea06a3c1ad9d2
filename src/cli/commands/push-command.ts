// stratafs push: sends a saved image to a registry.
import { JSON_ABOUT, PLATFORM_ABOUT } from './option-texts.ts';
import type { CliCommand } from '../command-result.ts';
import { Command } from 'commander';
import { push } from '../../library/transfer.ts';
import { withReport } from './inspection.ts';

const help = `
<source> is an image as for "stratafs mount", such as a target of "stratafs commit"; <target> is
docker://<host>[:<port>]/<name>[:<tag>]. The image is sent as it is stored, with the same digests. Layers that the
repository has are not sent again; those that another repository of the registry has are mounted from there, as far as
earlier pulls and pushes noted it. The digest of the manifest is printed. docs/registries.md describes credentials,
proxies and certificates.

Examples:
  stratafs commit mnt -o oci:layout:app
  stratafs push oci:layout:app docker://reg.example/app:2`;

interface PushArguments {
  readonly platform?: string;
  readonly json?: true;
}

export function pushCommand(): CliCommand {
  return {
    syntax: new Command('push')
      .description('Send a saved image to a registry.')
      .argument('<source>', 'image as for "stratafs mount"')
      .argument('<target>', 'place in a registry: docker://...')
      .option('--platform <os/arch>', PLATFORM_ABOUT)
      .option('--json', JSON_ABOUT)
      .addHelpText('after', help),
    run: (source: string, target: string, args: PushArguments) =>
      withReport({ ...args, indexCache: true }, async (options, report) => {
        const pushed = await push(source, target, options);
        report.end();
        return args.json === true ? { json: pushed } : { text: `${pushed.digest}\n` };
      }),
  };
}
