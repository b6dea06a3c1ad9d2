// Runs the command as an ordinary user, who mounts with fusermount3.
//
// The user gets its own /dev/fuse in a new mount namespace, since this machine's may be accessible to root only.
import { chmodSync, copyFileSync, mkdirSync, readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { OWN_NAMESPACE } from './own-namespace.ts';
import { type Outcome, type Workplace, run } from './stratafs.ts';

/** The files of the command in this repository, and an image. */
const parts = (): string[] => [
  ...readdirSync(new URL('../../dist/cli', import.meta.url))
    .filter((name) => /\.c(?:js|ache)$/.test(name))
    .map((name) => `dist/cli/${name}`),
  'build/Release/stratafs.node',
  'build/Release/stratafs-launch',
  'build/Release/stratafs-load',
  'package.json',
  'fixtures/expressweb.tar',
];

/** Copies the command to a place that everybody may read. Returns an environment with the command ($S) and an image ($I). */
export function install(place: Workplace): NodeJS.ProcessEnv {
  chmodSync(place.directory, 0o755);
  for (const part of parts()) {
    mkdirSync(dirname(place.path(part)), { recursive: true });
    copyFileSync(new URL(`../../${part}`, import.meta.url), place.path(part));
  }
  return {
    ...place.environment,
    S: `'${process.execPath}' '${place.path('dist/cli/main.cjs')}'`,
    I: place.path('fixtures/expressweb.tar'),
  };
}

/** Arguments before a command that run it as nobody. */
export const NOBODY = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups'] as const;

/**
 * Runs a shell script in the workplace as nobody, with $S for stratafs and $I for an image. Before that, root runs `prepare` in
 * the same mount namespace.
 */
export function asNobody(place: Workplace, script: string, prepare = ':'): Promise<Outcome> {
  const environment = install(place);
  // Sticky: nobody trusts a cache directory in a place where others could rename it.
  chmodSync(place.directory, 0o1777);
  chmodSync(place.mountpoint, 0o777);
  mkdirSync(place.path('dev'));
  const setUp = `
    mount -t tmpfs none dev && mknod -m 666 dev/fuse c 10 229 && mount --bind dev/fuse /dev/fuse || exit 99
    { ${prepare}; } || exit 99
    exec ${NOBODY.join(' ')} sh -c "$1"`;
  return run('unshare', [...OWN_NAMESPACE, 'sh', '-c', setUp, 'sh', script], {
    cwd: place.directory,
    env: environment,
  });
}
