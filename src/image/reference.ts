// Parses image references and matches them with names (distribution/reference, and the short names of
// containers/image).
//
// containerd and skopeo call an image docker.io/library/x:1, docker calls it x:1 and podman localhost/x:1. The user may
// type any of them.

export interface Reference {
  /** True if a registry was typed: then the name is complete. */
  readonly isQualified: boolean;
  /** Without `docker.io/library/` and `localhost/`, which tools add to a short name. */
  readonly repository: string;
  readonly tag: string | undefined;
  /** `sha256:<hex>`, which may be shortened. */
  readonly digest: string | undefined;
}

const ADDED = /^(?:(?:(?:index\.)?docker\.io\/)(?:library\/)?|localhost\/|library\/)/;

export function parseReference(text: string): Reference {
  const at = text.indexOf('@');
  const name = at < 0 ? text : text.slice(0, at);
  const digest = at < 0 ? undefined : text.slice(at + 1);
  // A colon before a slash belongs to a port.
  const colon = name.indexOf(':', name.lastIndexOf('/') + 1);
  const repository = (colon < 0 ? name : name.slice(0, colon)).replace(ADDED, '');
  const isQualified = /^(?:localhost|[^/]*[.:][^/]*)\//.test(name);
  return { isQualified, repository, tag: colon < 0 ? undefined : name.slice(colon + 1), digest };
}

/** True if two names mean the same image, whatever their spelling. */
export function isSameName(a: string, b: string): boolean {
  return isSame(parseReference(a), parseReference(b), 'latest');
}

/** The ways to match a name, strictest first. A looser one counts only if no stricter one finds anything. */
export const MATCHERS: readonly ((wanted: Reference, text: string, name: string) => boolean)[] = [
  (_wanted, text, name) => text === name,
  (wanted, _text, name) => isSame(wanted, parseReference(name), 'latest'),
  (wanted, _text, name) => isTail(wanted, parseReference(name), 'latest'),
  // Without a tag, and if there is no latest: any tag of that repository, provided there is only one.
  (wanted, _text, name) => wanted.tag === undefined && isSame(wanted, parseReference(name), undefined),
  (wanted, _text, name) => wanted.tag === undefined && isTail(wanted, parseReference(name), undefined),
];

/** `fallback` is the tag of a reference without one; undefined: any tag. */
function isSame(wanted: Reference, name: Reference, fallback: string | undefined): boolean {
  return wanted.repository === name.repository && isTag(wanted, name, fallback);
}

/** `x` also matches `quay.io/team/x`, but `docker.io/x` doesn't. */
function isTail(wanted: Reference, name: Reference, fallback: string | undefined): boolean {
  return (
    !wanted.isQualified && name.repository.endsWith(`/${wanted.repository}`) && isTag(wanted, name, fallback)
  );
}

function isTag(wanted: Reference, name: Reference, fallback: string | undefined): boolean {
  // If there is a digest, the tag doesn't matter.
  if (wanted.digest !== undefined || fallback === undefined) return true;
  return (wanted.tag ?? fallback) === (name.tag ?? fallback);
}
