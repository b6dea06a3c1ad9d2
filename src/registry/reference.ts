// References to images in registries: `docker://HOST[:PORT]/NAME[:TAG][@DIGEST]`, with the defaults of docker and skopeo
// (distribution/reference, ParseDockerRef): docker.io, library/ and the tag latest.
import { REGISTRY_PREFIX, isDigest } from '../vfs/image-names.ts';
import { InputError } from '../vfs/input-error.ts';
import { showText } from '../vfs/show-text.ts';

/** An image in a registry, or a repository without a tag. */
export interface RegistryReference {
  /** `docker://...` as it was typed. */
  readonly typed: string;
  /** `host[:port]` in lower case; docker.io for Docker Hub. */
  readonly host: string;
  /** The repository: `library/alpine`. */
  readonly name: string;
  /** Undefined if a digest was typed, which then decides alone. */
  readonly tag: string | undefined;
  /** `sha256:<hex>`. */
  readonly digest: string | undefined;
}

const HOST =
  /^(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i;
const COMPONENT = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const NAME = new RegExp(`^${COMPONENT}(?:/${COMPONENT})*$`);
const TAG = /^\w[\w.-]{0,127}$/;

/** docker's own limit. */
const MAX_NAME = 255;

/** Throws InputError for anything that is not `docker://` and a reference. */
export function parseRegistryReference(typed: string): RegistryReference {
  const fail = (found: string, expected: string): never => {
    throw new InputError(
      `${showText(typed)}: found ${showText(JSON.stringify(found))}, expected ${expected}`,
    );
  };
  if (!typed.startsWith(REGISTRY_PREFIX)) return fail(typed, `${REGISTRY_PREFIX}HOST/NAME[:TAG|@DIGEST]`);
  const text = typed.slice(REGISTRY_PREFIX.length);
  const at = text.indexOf('@');
  const digest = at < 0 ? undefined : text.slice(at + 1);
  if (digest !== undefined && !isDigest(digest)) {
    return fail(digest, 'a digest: sha256: and 64 lower-case hex digits');
  }
  const named = at < 0 ? text : text.slice(0, at);
  // A colon before a slash belongs to a port.
  const colon = named.indexOf(':', named.lastIndexOf('/') + 1);
  const path = colon < 0 ? named : named.slice(0, colon);
  const tag = colon < 0 ? undefined : named.slice(colon + 1);
  if (tag !== undefined && !TAG.test(tag)) return fail(tag, 'a tag: letters, digits, ".", "_", "-"');
  const { host, name } = splitHost(path);
  if (!HOST.test(host)) return fail(host, 'a host name, with or without a port');
  if (name.length > MAX_NAME || !NAME.test(name)) {
    return fail(name, 'a name in lower case: letters, digits, ".", "_", "-", "/"');
  }
  return { typed, host, name, tag: digest === undefined ? (tag ?? 'latest') : undefined, digest };
}

/** The first part is a host if it has a dot or a port, or is localhost. */
function splitHost(path: string): { host: string; name: string } {
  const slash = path.indexOf('/');
  const first = path.slice(0, Math.max(0, slash));
  if (slash > 0 && (/[.:[]/.test(first) || first.toLowerCase() === 'localhost')) {
    const host = first.toLowerCase() === 'index.docker.io' ? 'docker.io' : first.toLowerCase();
    const rest = path.slice(slash + 1);
    return { host, name: host === 'docker.io' && !rest.includes('/') ? `library/${rest}` : rest };
  }
  return { host: 'docker.io', name: path.includes('/') ? path : `library/${path}` };
}

/** `host/name`: the repository. */
export function repositoryOf({ host, name }: RegistryReference): string {
  return `${host}/${name}`;
}

/** `host/name:tag` or `host/name@digest`: the full name in messages and in an image's names. */
export function showReference(reference: RegistryReference): string {
  const { tag, digest } = reference;
  return `${repositoryOf(reference)}${digest === undefined ? `:${tag ?? ''}` : `@${digest}`}`;
}

/** True for names of this machine itself, to which unencrypted connections are safe. */
export function isLoopback(hostname: string): boolean {
  const bare = hostname.replace(/^\[|\]$/g, '').toLowerCase();
  return (
    bare === 'localhost' ||
    bare.endsWith('.localhost') ||
    bare === '::1' ||
    /^127(?:\.\d{1,3}){3}$/.test(bare)
  );
}
