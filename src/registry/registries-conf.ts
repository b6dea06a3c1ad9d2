// containers-registries.conf(5), as podman and skopeo read it: other locations, mirrors, plain HTTP, blocked registries.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'smol-toml';
import { InputError } from '../vfs/input-error.ts';
import { showText } from '../vfs/show-text.ts';
import { isObject } from '../vfs/json-object.ts';
import { configHomeOf } from './config-home.ts';
import type { Environment } from './proxies.ts';

/** A place that may have an image. */
export interface Location {
  /** `host[:port]` and the repository there. */
  readonly host: string;
  readonly name: string;
  /** True: plain HTTP, and certificates that nobody vouches for, are allowed. */
  readonly isInsecure: boolean;
  readonly isMirror: boolean;
}

/** One `[[registry]]`, checked. */
interface Rule {
  readonly prefix: string;
  readonly location: string;
  readonly isInsecure: boolean;
  readonly isBlocked: boolean;
  readonly mirrors: readonly Mirror[];
}

interface Mirror {
  readonly location: string;
  readonly isInsecure: boolean;
  readonly pulls: 'all' | 'digest-only' | 'tag-only';
}

/** The places of `host/name`, mirrors first. Throws InputError for a blocked one, and for a malformed file. */
export function locate(host: string, name: string, byDigest: boolean, environment: Environment): Location[] {
  const full = `${host}/${name}`;
  const rule = readRules(environment)
    .filter(({ prefix }) => matchedLength(full, prefix) > 0)
    .sort((a, b) => matchedLength(full, b.prefix) - matchedLength(full, a.prefix))[0];
  if (rule === undefined) return [{ host, name, isInsecure: false, isMirror: false }];
  if (rule.isBlocked) throw new InputError(`${full}: registries.conf blocks ${showText(rule.prefix)}`);
  const rest = full.slice(matchedLength(full, rule.prefix));
  const mirrors = rule.mirrors
    .filter(({ pulls }) => pulls === 'all' || (pulls === 'digest-only') === byDigest)
    .map(({ location, isInsecure }) => ({ ...split(location + rest), isInsecure, isMirror: true }));
  const own = rule.location === '' ? { host, name } : split(rule.location + rest);
  return [...mirrors, { ...own, isInsecure: rule.isInsecure, isMirror: false }];
}

function split(place: string): { host: string; name: string } {
  const slash = place.indexOf('/');
  return { host: place.slice(0, slash).toLowerCase(), name: place.slice(slash + 1) };
}

/** How much of `full` the prefix covers: whole parts of it, or a host below `*.domain`. */
function matchedLength(full: string, prefix: string): number {
  if (prefix.startsWith('*.')) {
    const host = full.slice(0, full.indexOf('/'));
    return host.replace(/:\d+$/, '').endsWith(prefix.slice(1)) ? host.length : 0;
  }
  if (!full.startsWith(prefix)) return 0;
  return full.length === prefix.length || full[prefix.length] === '/' ? prefix.length : 0;
}

function readRules(environment: Environment): Rule[] {
  const rules = new Map<string, Rule>();
  for (const path of configFiles(environment)) {
    for (const rule of readFile(path)) rules.set(rule.prefix, rule);
  }
  return [...rules.values()];
}

/** The places that the environment chooses: a file, and a directory of more. */
export function registriesPlaces(environment: Environment): [main: string, directory: string] {
  const user = join(configHomeOf(environment), 'containers');
  const chosen = environment['CONTAINERS_REGISTRIES_CONF'] ?? '';
  const main = chosen !== '' ? chosen : join(user, 'registries.conf');
  return [main, join(user, 'registries.conf.d')];
}

/** Later ones replace the rules of earlier ones that have the same prefix. */
function configFiles(environment: Environment): string[] {
  const isChosen = (environment['CONTAINERS_REGISTRIES_CONF'] ?? '') !== '';
  const [own, directory] = registriesPlaces(environment);
  const main = isChosen || isThere(own) ? own : '/etc/containers/registries.conf';
  const dropIns = ['/etc/containers/registries.conf.d', directory];
  return [main, ...dropIns.flatMap(listConfigs)];
}

function isThere(path: string): boolean {
  try {
    readFileSync(path);
    return true;
  } catch {
    return false; // ENOENT, EACCES
  }
}

function listConfigs(directory: string): string[] {
  try {
    return readdirSync(directory)
      .filter((name) => name.endsWith('.conf'))
      .sort()
      .map((name) => join(directory, name));
  } catch {
    return []; // ENOENT, EACCES
  }
}

function readFile(path: string): Rule[] {
  const { registry = [] } = readToml(path) ?? {};
  if (!Array.isArray(registry)) throw malformed(path, 'a list of [[registry]]');
  return (registry as unknown[]).map((each) => readRule(each, path));
}

function readRule(rule: unknown, path: string): Rule {
  if (!isObject(rule)) throw malformed(path, 'a table in [[registry]]');
  const location = textOf(rule, 'location', path);
  const prefix = textOf(rule, 'prefix', path) || location;
  if (prefix === '') throw malformed(path, 'a prefix or a location in each [[registry]]');
  const mirrors = rule['mirror'] ?? [];
  if (!Array.isArray(mirrors)) throw malformed(path, 'a list of [[registry.mirror]]');
  const onlyByDigest = rule['mirror-by-digest-only'] === true;
  return {
    prefix: prefix.replace(/\/+$/, ''),
    location: location.replace(/\/+$/, ''),
    isInsecure: rule['insecure'] === true,
    isBlocked: rule['blocked'] === true,
    mirrors: (mirrors as unknown[]).map((mirror) => readMirror(mirror, onlyByDigest, path)),
  };
}

function readMirror(mirror: unknown, onlyByDigest: boolean, path: string): Mirror {
  if (!isObject(mirror)) throw malformed(path, 'a table in [[registry.mirror]]');
  const location = textOf(mirror, 'location', path).replace(/\/+$/, '');
  if (location === '') throw malformed(path, 'a location in each [[registry.mirror]]');
  const pulls = textOf(mirror, 'pull-from-mirror', path) || 'all';
  if (pulls !== 'all' && pulls !== 'digest-only' && pulls !== 'tag-only') {
    throw malformed(path, 'pull-from-mirror to be all, digest-only or tag-only');
  }
  return { location, isInsecure: mirror['insecure'] === true, pulls: onlyByDigest ? 'digest-only' : pulls };
}

function textOf(table: Readonly<Record<string, unknown>>, field: string, path: string): string {
  const value = table[field] ?? '';
  if (typeof value !== 'string') throw malformed(path, `text in ${field}`);
  return value;
}

function malformed(path: string, expected: string): InputError {
  return new InputError(`${showText(path)}: expected ${expected}`);
}

/** A TOML file; undefined if it is missing. Throws InputError if it is malformed. */
export function readToml(path: string): Readonly<Record<string, unknown>> | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return undefined; // ENOENT, ENOTDIR; EACCES: of another user
  }
  try {
    return parse(text);
  } catch (error) {
    const [reason = ''] = (error as Error).message.split('\n');
    throw new InputError(`${showText(path)}: is not TOML: ${showText(reason)}`, { cause: error });
  }
}
