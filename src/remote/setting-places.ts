// Which files decide how a registry is read, by an environment: for processes that compare theirs.
import { resolve } from 'node:path';
import { credentialFiles } from '../registry/credentials.ts';
import { certificatePlaces } from '../registry/endpoints.ts';
import type { Environment } from '../registry/proxies.ts';
import { registriesPlaces } from '../registry/registries-conf.ts';

/** Files and directories: absolute paths, no secrets. Those that no environment changes are left out. */
export interface SettingPlaces {
  readonly credentials: string[];
  readonly registries: string[];
  readonly certificates: string[];
}

/** Relative paths are in the working directory. */
export function settingPlaces(environment: Environment): SettingPlaces {
  return {
    credentials: credentialFiles(environment).map((path) => resolve(path)),
    registries: registriesPlaces(environment).map((path) => resolve(path)),
    certificates: certificatePlaces(environment).map((path) => resolve(path)),
  };
}
