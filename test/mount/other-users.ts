// Runs the command as somebody else than the machine's root: an ordinary user through fusermount3.
//
// The ordinary user gets a /dev/fuse of its own in a mount namespace of its own, since this machine's may be root's.
import { chmodSync, copyFileSync, mkdirSync, readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { OWN_NAMESPACE } from './own-namespace.ts';
import { type Outcome, type Workplace, run } from './stratafs.ts';

/** What the command consists of, beneath this repository; and an image. */
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

/** Copies the command to where everybody may read it, and answers the environment that names it ($S) and an image ($I). */
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

/** Runs what follows as nobody. */
export const NOBODY = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups'] as const;

/**
 * Runs a shell script in the workplace as nobody, with $S for stratafs and $I for an image. `prepare`: what root does
 * before, in the same mount namespace.
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
