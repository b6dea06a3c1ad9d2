// Finds the credentials for a registry where docker, podman and skopeo keep them: $REGISTRY_AUTH_FILE, auth.json of
// containers, config.json of docker. The first file that has some counts.
//
// In a file, helpers come before stored text, and an entry for a repository before that of its registry.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../vfs/input-error.ts';
import { showText } from '../vfs/show-text.ts';
import { isObject, parseObject } from '../vfs/json-object.ts';
import { configHomeOf, homeOf } from './config-home.ts';
import { askCredentialHelper } from './credential-helper.ts';
import type { Environment } from './proxies.ts';

export type Credentials =
  | { readonly kind: 'password'; readonly user: string; readonly password: string; readonly origin: string }
  /** A refresh token by OAuth 2, for the registry's token server. */
  | { readonly kind: 'identity'; readonly token: string; readonly origin: string }
  /** A token for the registry itself. */
  | { readonly kind: 'registry'; readonly token: string; readonly origin: string };

/** What docker calls Docker Hub in its files and helpers. */
const HUB_KEY = 'https://index.docker.io/v1/';
const MAX_FILE = 4 << 20;

/** `name`: the repository. Undefined: there are none. Throws InputError for a file or helper that can't be used. */
export async function findCredentials(
  host: string,
  name: string,
  environment: Environment,
): Promise<Credentials | undefined> {
  for (const path of credentialFiles(environment)) {
    const file = readFile(path);
    if (file === undefined) continue;
    const helper = helperFor(file, host, path);
    if (helper !== undefined) {
      const server = host === 'docker.io' ? HUB_KEY : host;
      const found = await askCredentialHelper(helper, server, environment);
      if (found !== undefined) return found;
    }
    const stored = storedCredentials(file, host, name, path);
    if (stored !== undefined) return stored;
  }
  return undefined;
}

/** In the order of reading. With $REGISTRY_AUTH_FILE that one alone. */
export function credentialFiles(environment: Environment): string[] {
  const chosen = environment['REGISTRY_AUTH_FILE'] ?? '';
  if (chosen !== '') return [chosen];
  const runtime = environment['XDG_RUNTIME_DIR'] ?? '';
  const uid = process.geteuid?.() ?? 0;
  return [
    runtime === '' ? `/run/containers/${uid}/auth.json` : join(runtime, 'containers/auth.json'),
    join(configHomeOf(environment), 'containers/auth.json'),
    join(environment['DOCKER_CONFIG'] ?? join(homeOf(environment), '.docker'), 'config.json'),
  ];
}

function readFile(path: string): Readonly<Record<string, unknown>> | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EACCES') return undefined;
    throw new InputError(`${showText(path)}: can't read these credentials: ${code}`, { cause: error });
  }
  const file = text.length > MAX_FILE ? undefined : parseObject(text);
  if (file === undefined)
    throw new InputError(`${showText(path)}: found no JSON object, expected credentials`);
  return file;
}

/** A name from `credHelpers`, or that of `credsStore`. */
function helperFor(file: Readonly<Record<string, unknown>>, host: string, path: string): string | undefined {
  const { credHelpers, credsStore } = file;
  const byHost = isObject(credHelpers)
    ? Object.entries(credHelpers).find(([key]) => hostOfKey(key) === host)?.[1]
    : undefined;
  const helper = byHost ?? credsStore;
  if (helper === undefined || helper === '') return undefined;
  if (typeof helper === 'string' && /^[A-Za-z0-9._-]+$/.test(helper)) return helper;
  throw new InputError(
    `${showText(path)}: found the credential helper ${showText(JSON.stringify(helper))}, expected letters, digits, ".", "_", "-"`,
  );
}

function storedCredentials(
  { auths }: Readonly<Record<string, unknown>>,
  host: string,
  name: string,
  path: string,
): Credentials | undefined {
  if (!isObject(auths)) return undefined;
  const entries = Object.entries(auths);
  const parts = name.split('/');
  for (let length = parts.length; length >= 0; length--) {
    const wanted = [host, ...parts.slice(0, length)].join('/');
    for (const [key, entry] of entries) {
      if (normaliseKey(key) !== wanted || !isObject(entry)) continue;
      const found = readEntry(entry, path);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

/** docker writes URLs, containers `host` or `host/name/...`. */
function normaliseKey(key: string): string {
  const isUrl = /^https?:\/\//.test(key);
  const bare = key.replace(/^https?:\/\//, '').replace(/\/+$/, '');
  const [host = '', ...rest] = bare.split('/');
  const isVersion = rest.length === 1 && /^v[12]$/.test(rest[0] ?? '');
  const named = isUrl || isVersion ? [] : rest;
  return [canonicalHost(host), ...named].join('/');
}

const hostOfKey = (key: string): string => normaliseKey(key).split('/')[0] ?? '';

function canonicalHost(host: string): string {
  const lower = host.toLowerCase();
  return lower === 'index.docker.io' || lower === 'registry-1.docker.io' ? 'docker.io' : lower;
}

/** An entry without any field is docker's note that a helper has them. */
function readEntry(entry: Readonly<Record<string, unknown>>, origin: string): Credentials | undefined {
  const text = (field: string): string => (typeof entry[field] === 'string' ? entry[field] : '');
  if (text('registrytoken') !== '') return { kind: 'registry', token: text('registrytoken'), origin };
  if (text('identitytoken') !== '') return { kind: 'identity', token: text('identitytoken'), origin };
  if (text('username') !== '') {
    return { kind: 'password', user: text('username'), password: text('password'), origin };
  }
  const decoded = Buffer.from(text('auth'), 'base64').toString();
  const colon = decoded.indexOf(':');
  if (colon <= 0) return undefined;
  // docker pads with NUL.
  const password = decoded.slice(colon + 1).replace(/\0+$/, '');
  return { kind: 'password', user: decoded.slice(0, colon), password, origin };
}
