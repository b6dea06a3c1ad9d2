// stratafs snapshotter: serves snapshots to containerd, until it is ended.
import { Command } from 'commander';
import type { CliCommand } from '../command-result.ts';
import { UsageError } from '../options/usage-error.ts';

const help = `
containerd asks this proxy snapshotter (containerd.services.snapshots.v1) for the file systems of its containers. Layers of images
are not unpacked: they are kept as the registry stores them, and all layers of an image are mounted once, merged, for all containers of
it. What a container writes goes to a directory of kernel overlayfs. Layers that containerd does not announce by labels, as with
"ctr images pull", are unpacked as usual. docs/fleet.md shows the configuration of containerd.

Everything is kept in --root, which only root can enter. SIGTERM, SIGINT or SIGHUP ends the snapshotter; containers go on, and the
next start finds all snapshots. The log is lines of JSON on standard error.

With --trust-index, an image whose index is in its registry ("stratafs index --push") is fetched as it is read. Nobody who signed
the image vouches for such an index: everybody who can push to a repository that this machine pulls from can show its
containers other files.

Examples:
  stratafs snapshotter
  stratafs snapshotter --metrics 9478 --trust-index`;

interface SnapshotterArguments {
  readonly root?: string;
  readonly socket?: string;
  readonly metrics?: string;
  readonly trustIndex?: true;
  readonly fill?: true;
  readonly verbose?: true;
}

export function snapshotterCommand(): CliCommand {
  return {
    syntax: new Command('snapshotter')
      .description("Serve containerd's snapshots, with layers of images mounted instead of unpacked.")
      .option('--root <dir>', 'directory of all snapshots (default: /var/lib/stratafs/snapshotter)')
      .option('--socket <path>', 'socket (default: /run/stratafs/snapshotter/snapshotter.sock)')
      .option('--metrics <port>', 'serve metrics of Prometheus and /healthz on this port of 127.0.0.1')
      .option('--trust-index', 'believe the indexes that registries have, and fetch layers as they are read')
      .option('--fill', 'fetch the rest of such layers while they are used')
      .option('-v, --verbose', 'log every request')
      .addHelpText('after', help),
    run: async ({ root, socket, metrics, trustIndex, fill, verbose }: SnapshotterArguments) => {
      const metricsPort = metrics === undefined ? undefined : parsePort(metrics);
      if (fill === true && trustIndex !== true) {
        throw new UsageError(
          '--fill: found without --trust-index: layers are fetched whole before they are used',
        );
      }
      const { runSnapshotter } = await import('../snapshotter.ts');
      return runSnapshotter({
        ...{ root, socket, metricsPort },
        trustsIndex: trustIndex === true,
        fillsLayers: fill === true,
        isVerbose: verbose === true,
      });
    },
  };
}

/** 0: any port that is free, which the log names. */
function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Infinity;
  if (port > 65_535) throw new UsageError(`--metrics: found ${JSON.stringify(text)}, expected a port number`);
  return port;
}
