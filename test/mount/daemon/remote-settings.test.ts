// Settings of a client are those of the daemon if the same files have them, whatever the variables say.
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { refuseOtherSettings } from '../../../src/mount/daemon/remote-settings.ts';
import { settingPlaces } from '../../../src/remote/setting-places.ts';

const base = { HOME: '/home/a', XDG_RUNTIME_DIR: '/run/user/7' };
const compare = (client: NodeJS.ProcessEnv, daemon: NodeJS.ProcessEnv = base): void =>
  refuseOtherSettings(settingPlaces(client), settingPlaces(daemon));

it('takes a relative path for the file in the working directory', () => {
  const relative = settingPlaces({ ...base, REGISTRY_AUTH_FILE: 'auth.json' });
  expect(relative.credentials).toEqual([join(process.cwd(), 'auth.json')]);
  const elsewhere = settingPlaces({ ...base, REGISTRY_AUTH_FILE: '/elsewhere/auth.json' });
  expect(() => refuseOtherSettings(elsewhere, relative)).toThrow(
    /^credentials: found \/elsewhere\/auth.json/,
  );
  compare(
    { ...base, REGISTRY_AUTH_FILE: join(process.cwd(), 'auth.json') },
    { ...base, REGISTRY_AUTH_FILE: 'auth.json' },
  );
});

it.each([
  ['HOME', 'credentials'],
  ['XDG_CONFIG_HOME', 'credentials'],
  ['XDG_RUNTIME_DIR', 'credentials'],
  ['DOCKER_CONFIG', 'credentials'],
  ['CONTAINERS_REGISTRIES_CONF', 'registries'],
  ['SSL_CERT_FILE', 'certificates'],
])('compares what %s chooses', (name, field) => {
  expect(() => compare({ ...base, [name]: '/other' })).toThrow(new RegExp(`^${field}: found .*/other`));
});

it('accepts other variables that lead to the same files', () => {
  compare({ ...base, XDG_CONFIG_HOME: '/home/a/.config', DOCKER_CONFIG: '/home/a/x/../.docker' });
});
