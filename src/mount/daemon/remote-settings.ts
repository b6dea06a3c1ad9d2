// What a client says of an image whose layers are in a registry, and whose settings reach the registry.
//
// The daemon uses the credentials, proxies and certificates that its own environment names, and takes none from a client: no
// secret goes through the socket, and no client makes it open a file or run a program in their place. A client whose
// environment names other files is refused, because it may mean to be somebody else for the registry.
import { type SettingPlaces, settingPlaces } from '../../remote/setting-places.ts';
import { isDigest } from '../../vfs/image-names.ts';
import { InputError } from '../../vfs/input-error.ts';
import { showText } from '../../vfs/show-text.ts';
import { type Check, absolutePath, list, optional, record, text } from './message-check.ts';

const digest: Check<string> = (value, name) => {
  const found = text(value, name);
  if (isDigest(found)) return found;
  throw new InputError(`${name}: found something else, expected sha256: and 64 hex digits`);
};

const MAX_PATHS = 8;
const paths = list(absolutePath, MAX_PATHS);

/** What a client says of an image whose layers are in a registry. */
export const checkRemote = record({
  /** Of the manifest. */
  manifest: digest,
  /** Of the index artifact that the client believes. */
  index: optional(digest),
  settings: record({ credentials: paths, registries: paths, certificates: paths }),
});

/** Those of this process. */
export const remoteSettings = (): SettingPlaces => settingPlaces(process.env);

/** InputError for a client whose settings are others than `own`. */
export function refuseOtherSettings(wanted: SettingPlaces, own: SettingPlaces): void {
  for (const name of ['credentials', 'registries', 'certificates'] as const) {
    if (wanted[name].join('\0') === own[name].join('\0')) continue;
    const show = (places: readonly string[]): string => places.map(showText).join(', ') || 'none';
    throw new InputError(
      `${name}: found ${show(wanted[name])}, expected ${show(own[name])} as by the environment of the daemon, which reads the registry: start it with the other, or mount without --daemon`,
    );
  }
}
