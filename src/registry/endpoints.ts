// Which servers to ask for an image, and how: hosts.toml of containerd, registries.conf of containers, certs.d.
import { isAbsolute, join } from 'node:path';
import { InputError } from '../vfs/input-error.ts';
import { showText } from '../vfs/show-text.ts';
import { isObject } from '../vfs/json-object.ts';
import { readCertificate, readCertificateDirectory } from './certificates.ts';
import { configHomeOf } from './config-home.ts';
import type { Environment } from './proxies.ts';
import { isLoopback, type RegistryReference } from './reference.ts';
import { locate, readToml } from './registries-conf.ts';
import { DEFAULT_TLS, type TlsProfile } from './tls-profile.ts';

/** A server that may have the image. */
export interface Endpoint {
  /** `host[:port]`, by which credentials are found. */
  readonly host: string;
  /** The repository on this server. */
  readonly name: string;
  /** `https://host/v2/`, in the order to try: plain HTTP only where that is allowed. */
  readonly bases: readonly URL[];
  readonly tls: TlsProfile;
  readonly isMirror: boolean;
  /** Added to each path by containerd's mirrors of several registries. */
  readonly query: string | undefined;
}

const HUB_API = 'registry-1.docker.io';
const HOSTS_DIRECTORY = '/etc/containerd/certs.d';

/** Mirrors first, the registry itself last. `forPush`: mirrors are left out. Throws InputError for malformed files. */
export function endpointsOf(
  reference: RegistryReference,
  environment: Environment,
  { forPush = false, hostsDirectory = HOSTS_DIRECTORY }: { forPush?: boolean; hostsDirectory?: string } = {},
): Endpoint[] {
  const { host, name, digest } = reference;
  const fromHosts = readHosts(join(hostsDirectory, host), host, name, environment);
  const found = fromHosts ?? readLocations(reference, digest !== undefined, environment);
  return forPush ? found.filter(({ isMirror }) => !isMirror) : found;
}

function readLocations(
  { host, name }: RegistryReference,
  byDigest: boolean,
  environment: Environment,
): Endpoint[] {
  return locate(host, name, byDigest, environment).map((location) => {
    const tls = certificatesOf(location.host, environment);
    return {
      host: location.host,
      name: location.name,
      bases: basesOf(location.host, location.isInsecure),
      tls: location.isInsecure ? { ...tls, isUnverified: true } : tls,
      isMirror: location.isMirror,
      query: undefined,
    };
  });
}

/** HTTPS first. This machine itself may speak HTTP, as in docker. */
function basesOf(host: string, isInsecure: boolean): URL[] {
  const server = host === 'docker.io' ? HUB_API : host;
  const secure = baseUrl(`https://${server}/v2/`, host);
  return isInsecure || isLoopback(secure.hostname)
    ? [secure, baseUrl(`http://${server}/v2/`, host)]
    : [secure];
}

function baseUrl(text: string, shown: string): URL {
  if (URL.canParse(text)) return new URL(text);
  throw new InputError(`${showText(shown)}: found no host name, with or without a port`);
}

/** The places of certificates that the environment chooses. */
export function certificatePlaces(environment: Environment): string[] {
  const file = environment['SSL_CERT_FILE'] ?? '';
  return [userCertificates(environment), ...(file === '' ? [] : [file])];
}

const userCertificates = (environment: Environment): string =>
  join(configHomeOf(environment), 'containers/certs.d');

function certificatesOf(host: string, environment: Environment): TlsProfile {
  return readCertificateDirectory(
    [userCertificates(environment), '/etc/containers/certs.d', '/etc/docker/certs.d'].map((directory) =>
      join(directory, host),
    ),
  );
}

/** containerd's docs/hosts.md. Undefined without a hosts.toml for this host. */
function readHosts(
  directory: string,
  host: string,
  name: string,
  environment: Environment,
): Endpoint[] | undefined {
  const path = join(directory, 'hosts.toml');
  const file = readToml(path);
  if (file === undefined) return undefined;
  const hosts = isObject(file['host']) ? file['host'] : {};
  const mirrors = Object.entries(hosts).flatMap(([url, table]) => {
    const settings = isObject(table) ? table : {};
    const capabilities: unknown = settings['capabilities'] ?? ['pull', 'resolve'];
    const isUsable =
      Array.isArray(capabilities) && ['pull', 'resolve'].every((each) => capabilities.includes(each));
    return isUsable ? [readHost(url, settings, host, directory, true)] : [];
  });
  const server = typeof file['server'] === 'string' && file['server'] !== '' ? file['server'] : undefined;
  const own =
    server === undefined
      ? { host, bases: basesOf(host, false), tls: certificatesOf(host, environment), query: undefined }
      : readHost(server, file, host, directory, false);
  return [...mirrors, { ...own, isMirror: false }].map((each) => ({ ...each, name }));
}

function readHost(
  text: string,
  settings: Readonly<Record<string, unknown>>,
  host: string,
  directory: string,
  isMirror: boolean,
): Omit<Endpoint, 'name'> {
  const path = join(directory, 'hosts.toml');
  const address = /^https?:\/\//.test(text) ? text : `https://${text}`;
  if (!URL.canParse(address))
    throw new InputError(`${showText(path)}: found the server ${showText(text)}, expected a URL`);
  const url = new URL(address);
  const prefix = url.pathname.replace(/\/+$/, '');
  const overrides = settings['override_path'] === true;
  url.pathname = `${overrides || /\/v2$/.test(prefix) ? prefix : `${prefix}/v2`}/`;
  const ca = [settings['ca'] ?? []].flat().map((each) => readCertificate(resolveIn(directory, each, path)));
  return {
    host: canonical(url),
    bases: [url],
    tls: { ...DEFAULT_TLS, ca, isUnverified: settings['skip_verify'] === true },
    isMirror,
    query: canonical(url) === host || !isMirror ? undefined : `ns=${encodeURIComponent(host)}`,
  };
}

const canonical = ({ host }: URL): string => (host === HUB_API ? 'docker.io' : host);

function resolveIn(directory: string, file: unknown, path: string): string {
  if (typeof file !== 'string') throw new InputError(`${showText(path)}: expected the name of a file in ca`);
  return isAbsolute(file) ? file : join(directory, file);
}
