// What a client says of an image whose layers are in a registry, and whose settings reach the registry.
//
// The daemon uses the credentials, proxies and certificates that its own environment names, and takes none from a client: no
// secret goes through the socket, and no client makes it open a file or run a program in their place. A client whose
// environment names other files is refused, because it may mean to be somebody else for the registry.
import { isDigest } from '../../vfs/image-names.ts';
import { InputError } from '../../vfs/input-error.ts';
import { showText } from '../../vfs/show-text.ts';
import { type Check, type Checked, optional, record, text } from './message-check.ts';

const digest: Check<string> = (value, name) => {
  const found = text(value, name);
  if (isDigest(found)) return found;
  throw new InputError(`${name}: found something else, expected sha256: and 64 hex digits`);
};

/** Variables that choose files of credentials, servers or certificates. They hold paths, no secrets. */
const SETTINGS = [
  'REGISTRY_AUTH_FILE',
  'DOCKER_CONFIG',
  'CONTAINERS_REGISTRIES_CONF',
  'SSL_CERT_FILE',
] as const;

/** What a client says of an image whose layers are in a registry. */
export const checkRemote = record({
  /** Of the manifest. */
  manifest: digest,
  /** Of the index artifact that the client believes. */
  index: optional(digest),
  settings: record({
    REGISTRY_AUTH_FILE: optional(text),
    DOCKER_CONFIG: optional(text),
    CONTAINERS_REGISTRIES_CONF: optional(text),
    SSL_CERT_FILE: optional(text),
  }),
});

type RemoteSettings = Checked<typeof checkRemote>['settings'];

/** Those of this process. */
export function remoteSettings(environment: NodeJS.ProcessEnv = process.env): RemoteSettings {
  const named = SETTINGS.map((name) => [name, environment[name] ?? ''] as const);
  return Object.fromEntries(named.filter(([, value]) => value !== '')) as RemoteSettings;
}

/** InputError for a client with other settings than this process has. */
export function refuseOtherSettings(wanted: RemoteSettings): void {
  const own = remoteSettings();
  const other = SETTINGS.find((name) => wanted[name] !== own[name]);
  if (other === undefined) return;
  const show = (value: string | undefined): string => (value === undefined ? 'unset' : showText(value));
  throw new InputError(
    `${other}: found ${show(wanted[other])}, expected ${show(own[other])} as in the environment of the daemon, which reads the registry: start it with the other, or mount without --daemon`,
  );
}
