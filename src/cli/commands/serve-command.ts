// stratafs serve: a daemon that serves many mounts, until it is ended.
import { Command } from 'commander';
import type { CliCommand } from '../command-result.ts';
import { parseByteSize } from '../output/byte-size.ts';
import { DAEMON_CACHE_ABOUT, SOCKET_ABOUT } from './option-texts.ts';

const help = `
One process serves all mounts that "stratafs mount --daemon" asks it for, in the foreground; a service manager keeps it running.
Mounts of one image share its layers and names, and all mounts share one cache, so a hundred mounts need little more memory
than one. It serves its own user alone, through a socket in /run/stratafs/daemon (root) or $XDG_RUNTIME_DIR/stratafs.

SIGTERM, SIGINT or SIGHUP ends it: mounts that nobody uses are unmounted, and no new ones are made. If some are busy, they stay, the
processes that use them are listed, and it goes on until they are gone; a second signal detaches them.

Examples:
  stratafs serve -v &    wait until it prints its socket
  stratafs mount --daemon app.tar /mnt
  stratafs serve --socket ~/.stratafs/second.sock    a second daemon`;

interface ServeArguments {
  readonly socket?: string;
  readonly cacheSize?: string;
  readonly verbose?: true;
}

export function serveCommand(): CliCommand {
  return {
    syntax: new Command('serve')
      .description('Serve many mounts from one process; "stratafs mount --daemon" asks for them.')
      .option('--socket <path>', SOCKET_ABOUT)
      .option('--cache-size <size>', DAEMON_CACHE_ABOUT)
      .option('-v, --verbose', 'print the socket when it listens')
      .addHelpText('after', help),
    run: async ({ socket, cacheSize, verbose }: ServeArguments) => {
      const { runDaemon } = await import('../daemon.ts');
      const bytes = cacheSize === undefined ? undefined : parseByteSize(cacheSize, 'cache-size');
      return runDaemon({ socket, cacheSize: bytes, isVerbose: verbose === true });
    },
  };
}
